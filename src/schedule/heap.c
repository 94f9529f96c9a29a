// SPDX-License-Identifier: Apache-2.0
#include "heap.h"

bool cpb_heap_create(cpb_arena *arena, int32_t most, const int64_t *key, cpb_heap *heap)
{
    *heap = (cpb_heap){
        .slot = cpb_arena_take(arena, (size_t)most, sizeof *heap->slot),
        .at = cpb_arena_take(arena, (size_t)most, sizeof *heap->at),
        .key = key,
    };
    return heap->slot && heap->at;
}

static void set(cpb_heap *heap, int32_t slot, int32_t thing)
{
    heap->slot[slot] = thing;
    heap->at[thing] = slot;
}

static void sink(cpb_heap *heap, int32_t slot)
{
    const int32_t thing = heap->slot[slot];
    for (;;) {
        int32_t child = 2 * slot + 1;
        if (child >= heap->n)
            break;
        if (child + 1 < heap->n)
            child += cpb_heap_before(heap, heap->slot[child + 1], heap->slot[child]);
        if (!cpb_heap_before(heap, heap->slot[child], thing))
            break;
        set(heap, slot, heap->slot[child]);
        slot = child;
    }
    set(heap, slot, thing);
}

void cpb_heap_fill(cpb_heap *heap, int32_t n)
{
    heap->n = n;
    for (int32_t i = 0; i < n; i++)
        set(heap, i, i);
    for (int32_t slot = n / 2; slot-- > 0;)
        sink(heap, slot);
}

void cpb_heap_grown(cpb_heap *heap, int32_t thing)
{
    if (heap->at[thing] >= 0)
        sink(heap, heap->at[thing]);
}

void cpb_heap_pop(cpb_heap *heap)
{
    heap->at[heap->slot[0]] = -1;
    if (--heap->n == 0)
        return;
    set(heap, 0, heap->slot[heap->n]);
    sink(heap, 0);
}
