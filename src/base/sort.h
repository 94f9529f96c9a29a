// SPDX-License-Identifier: Apache-2.0
/* One stable sort for the whole library: ascending by a 64-bit key. */
#ifndef CPB_SRC_SORT_H
#define CPB_SRC_SORT_H

#include <stddef.h>
#include <stdint.h>

typedef struct cpb_item {
    uint64_t key;
    int64_t value; /* travels along; equal keys keep their order */
} cpb_item;

/* LSD radix sort; digits that are equal in all keys are skipped. `scratch` has room for
 * n items. O(n) per differing byte. */
void cpb_sort(cpb_item *items, cpb_item *scratch, size_t n);

#endif
