// SPDX-License-Identifier: Apache-2.0
/* Allocation: the caller's allocator, and arenas that are freed as one. */
#ifndef CPB_SRC_MEMORY_H
#define CPB_SRC_MEMORY_H

#include <cpb/base.h>

/* malloc and free where `allocator` is NULL or holds no functions. */
cpb_allocator cpb_allocator_or_default(const cpb_allocator *allocator);

/* Memory of one call or one object; starts as {.allocator = ...}. */
typedef struct cpb_arena {
    cpb_allocator allocator; /* never empty: from cpb_allocator_or_default() */
    struct cpb_arena_block *blocks;
} cpb_arena;

/* `count` elements of `bytes` each, aligned for any type, not zeroed; NULL when memory
 * ends or the product overflows. A count of 0 gives a pointer that may not be read. */
void *cpb_arena_take(cpb_arena *arena, size_t count, size_t bytes);

/* The same, zeroed. */
void *cpb_arena_zeros(cpb_arena *arena, size_t count, size_t bytes);

/* Give everything back; the arena can be used again. */
void cpb_arena_free(cpb_arena *arena);

#endif
