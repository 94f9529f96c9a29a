// SPDX-License-Identifier: Apache-2.0
/* Stable sorting: insertion for a few items, LSD radix for many. */
#include "sort.h"

#include <stdbool.h>
#include <string.h>

enum { FEW = 48, DIGIT_BITS = 8, BUCKETS = 1 << DIGIT_BITS };

static void sort_few(cpb_item *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const cpb_item item = items[i];
        size_t j = i;
        for (; j > 0 && items[j - 1].key > item.key; j--)
            items[j] = items[j - 1];
        items[j] = item;
    }
}

static bool is_sorted(const cpb_item *items, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (items[i - 1].key > items[i].key)
            return false;
    return true;
}

/* The bits in which any two keys differ. */
static uint64_t differing_bits(const cpb_item *items, size_t n)
{
    uint64_t all_set = UINT64_MAX, any_set = 0;
    for (size_t i = 0; i < n; i++) {
        all_set &= items[i].key;
        any_set |= items[i].key;
    }
    return any_set & ~all_set;
}

/* 64 where there is none. */
static int lowest_bit(uint64_t bits)
{
    int bit = 0;
    while (bit < 64 && !(bits >> bit & 1))
        bit++;
    return bit;
}

static void deal_by_digit(const cpb_item *from, cpb_item *to, size_t n, int shift)
{
    size_t first[BUCKETS] = {0};
    for (size_t i = 0; i < n; i++)
        first[from[i].key >> shift & (BUCKETS - 1)]++;
    size_t next = 0;
    for (int b = 0; b < BUCKETS; b++) {
        const size_t count = first[b];
        first[b] = next;
        next += count;
    }
    for (size_t i = 0; i < n; i++)
        to[first[from[i].key >> shift & (BUCKETS - 1)]++] = from[i];
}

void cpb_sort(cpb_item *items, cpb_item *scratch, size_t n)
{
    if (n <= FEW) {
        sort_few(items, n);
        return;
    }
    if (is_sorted(items, n))
        return;

    const uint64_t differing = differing_bits(items, n);
    cpb_item *from = items, *to = scratch;
    for (int shift = lowest_bit(differing); shift < 64; shift += DIGIT_BITS) {
        if (!(differing >> shift & (BUCKETS - 1)))
            continue;
        deal_by_digit(from, to, n, shift);
        cpb_item *const swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
}
