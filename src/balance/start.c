// SPDX-License-Identifier: Apache-2.0
/* Three ways to deal: by rows, in a snake, longest first. */
#include "start.h"

#include "../base/range.h"

/* The i-th costliest chunk goes to `rank`. */
static void give(const cpb_start_table *table, cpb_assignment *out, int64_t i,
                 int32_t rank)
{
    const cpb_item *const item = &table->rising[table->n - 1 - i];
    out->owner[item->value] = rank;
    out->level[rank] += (int64_t)item->key;
}

static void bring_handicaps(const cpb_start_table *table, cpb_assignment *out)
{
    for (int32_t r = 0; r < table->ranks; r++)
        out->level[r] = table->handicap[r];
}

/* After a row the ranks are nearly in the opposite order, which makes the sort
 * cheap. */
static void reverse(cpb_item *order, int32_t n)
{
    for (int32_t i = 0, j = n - 1; i < j; i++, j--) {
        const cpb_item item = order[i];
        order[i] = order[j];
        order[j] = item;
    }
}

void cpb_start_rows(const cpb_start_table *table, cpb_assignment *out)
{
    const int64_t ranks = table->ranks;
    cpb_item *const order = table->order;

    bring_handicaps(table, out);
    for (int32_t r = 0; r < table->ranks; r++)
        order[r].value = r;
    for (int64_t begin = 0; begin < table->n; begin += ranks) {
        for (int64_t i = 0; i < ranks; i++)
            order[i].key = (uint64_t)out->level[order[i].value];
        cpb_sort(order, order + ranks, (size_t)ranks);
        const int64_t row = cpb_min(ranks, table->n - begin);
        for (int64_t i = 0; i < row; i++)
            give(table, out, begin + i, (int32_t)order[i].value);
        reverse(order, table->ranks);
    }
}

void cpb_start_snake(const cpb_start_table *table, cpb_assignment *out)
{
    const int64_t ranks = table->ranks;
    bring_handicaps(table, out);
    for (int64_t i = 0; i < table->n; i++) {
        const int64_t column = i % ranks;
        const bool backwards = i / ranks % 2;
        give(table, out, i, (int32_t)(backwards ? ranks - 1 - column : column));
    }
}

/* A rank that still has room. */
typedef struct seat {
    int64_t level;
    int64_t taken;
    int32_t rank;
} seat;

static bool before(const cpb_start_table *table, const seat *a, const seat *b)
{
    if (a->level != b->level)
        return a->level < b->level;
    if (table->spread && a->taken != b->taken)
        return a->taken < b->taken;
    return a->rank < b->rank;
}

/* Restore the heap below its changed element `at`. */
static void sift_down(const cpb_start_table *table, seat *heap, int32_t n, int32_t at)
{
    const seat moved = heap[at];
    for (int32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(table, &heap[child + 1], &heap[child]))
            child++;
        if (!before(table, &heap[child], &moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

void cpb_start_longest_first(const cpb_start_table *table, cpb_assignment *out)
{
    _Static_assert(sizeof(seat) <= 2 * sizeof(cpb_item), "a seat fits the scratch");
    seat *const heap = (seat *)(void *)table->order;
    int32_t open = table->ranks;
    int64_t extras = table->extras;

    bring_handicaps(table, out);
    for (int32_t r = 0; r < table->ranks; r++)
        heap[r] = (seat){.level = table->handicap[r], .rank = r};
    for (int32_t i = open / 2 - 1; i >= 0; i--)
        sift_down(table, heap, open, i);

    for (int64_t i = 0; i < table->n;) {
        seat *const lowest = &heap[0];
        const int64_t base =
            lowest->rank == table->pinned ? table->pinned_base : table->base;
        if (lowest->taken >= base + (extras > 0)) {
            *lowest = heap[--open];
        } else {
            extras -= lowest->taken == base;
            give(table, out, i++, lowest->rank);
            lowest->level = out->level[lowest->rank];
            lowest->taken++;
        }
        sift_down(table, heap, open, 0);
    }
}
