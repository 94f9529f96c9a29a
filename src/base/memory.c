// SPDX-License-Identifier: Apache-2.0
/* Arenas: small takes share blocks, large ones get their own. */
#include "memory.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 4096, ALIGNMENT = alignof(max_align_t) };

struct cpb_arena_block {
    struct cpb_arena_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

static void *default_allocate(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void default_release(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

cpb_allocator cpb_allocator_or_default(const cpb_allocator *allocator)
{
    if (allocator && allocator->allocate)
        return *allocator;
    return (cpb_allocator){.allocate = default_allocate, .release = default_release};
}

static struct cpb_arena_block *add_block(cpb_arena *arena, size_t size)
{
    struct cpb_arena_block *const block = arena->allocator.allocate(
        arena->allocator.context, sizeof(struct cpb_arena_block) + size);
    if (!block)
        return NULL;
    block->used = 0;
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *cpb_arena_take(cpb_arena *arena, size_t count, size_t bytes)
{
    if (bytes && count > (SIZE_MAX / 2 - BLOCK_BYTES) / bytes)
        return NULL;
    const size_t need = (count * bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    struct cpb_arena_block *block = arena->blocks;
    if (!block || block->size - block->used < need)
        block = add_block(arena, need > BLOCK_BYTES ? need : BLOCK_BYTES);
    if (!block)
        return NULL;
    void *const taken = block->bytes + block->used;
    block->used += need;
    return taken;
}

void *cpb_arena_zeros(cpb_arena *arena, size_t count, size_t bytes)
{
    void *const taken = cpb_arena_take(arena, count, bytes);
    if (taken)
        memset(taken, 0, count * bytes);
    return taken;
}

void cpb_arena_free(cpb_arena *arena)
{
    while (arena->blocks) {
        struct cpb_arena_block *const block = arena->blocks;
        arena->blocks = block->next;
        arena->allocator.release(arena->allocator.context, block);
    }
}
