// SPDX-License-Identifier: Apache-2.0
/* A heap of numbered things, the least key on top, of equal keys the least number. */
#ifndef CPB_SRC_SCHEDULE_HEAP_H
#define CPB_SRC_SCHEDULE_HEAP_H

#include "../base/memory.h"

typedef struct cpb_heap {
    int32_t n;
    int32_t *slot;      /* [n] the thing in each slot; slot 0 is the top */
    int32_t *at;        /* the slot of each thing, -1 once it is taken out */
    const int64_t *key; /* of each thing, the caller's */
} cpb_heap;

/* Room for `most` things; false when memory ends. */
bool cpb_heap_create(cpb_arena *arena, int32_t most, const int64_t *key,
                     cpb_heap *heap);

/* Hold the things 0 .. n - 1. */
void cpb_heap_fill(cpb_heap *heap, int32_t n);

/* After the key of a thing grew; one that was taken out stays out. */
void cpb_heap_grown(cpb_heap *heap, int32_t thing);

/* Take the top out. */
void cpb_heap_pop(cpb_heap *heap);

static inline bool cpb_heap_before(const cpb_heap *heap, int32_t a, int32_t b)
{
    /* No branch, since it would be taken at random. */
    return (heap->key[a] < heap->key[b]) | ((heap->key[a] == heap->key[b]) & (a < b));
}

#endif
