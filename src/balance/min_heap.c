// SPDX-License-Identifier: Apache-2.0
/* Longest first to the least loaded rank that has room.
 *
 * Source: MagiAttention's capped min-heap. Chunks are sorted ascending (stable) and taken
 * from the end, so of equal chunks the later comes first; each goes to the least
 * (load, rank) among the ranks below their cap. O(chunks log ranks). */
#include "balance.h"

#include "../base/error.h"
#include "../base/range.h"
#include "../base/sort.h"

typedef struct seat {
    int64_t load;
    int64_t taken;
    int32_t rank;
} seat;

static bool before(const seat *a, const seat *b)
{
    return a->load != b->load ? a->load < b->load : a->rank < b->rank;
}

/* Restore the heap below its changed root. */
static void sift_down(seat *heap, int64_t n)
{
    const seat moved = heap[0];
    int64_t at = 0;
    for (int64_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static cpb_item *by_rising_cost(const cpb_view *view, cpb_arena *arena)
{
    const size_t n = (size_t)view->n_chunks;
    cpb_item *const items = cpb_arena_take(arena, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(arena, n, sizeof *spare);
    if (!items || !spare)
        return NULL;
    for (size_t c = 0; c < n; c++)
        items[c] = (cpb_item){(uint64_t)view->cost[c], (int64_t)c};
    cpb_sort(items, spare, n);
    return items;
}

static void deal_longest_first(const cpb_view *view, const cpb_item *items, seat *heap,
                               int64_t cap, int32_t *owner)
{
    int64_t open = view->ranks;
    for (int32_t r = 0; r < view->ranks; r++)
        heap[r] = (seat){.rank = r}; /* all loads 0: already a heap */
    for (int64_t i = view->n_chunks - 1; i >= 0; i--) {
        const int64_t c = items[i].value;
        owner[c] = heap[0].rank;
        heap[0].load += view->cost[c];
        if (++heap[0].taken == cap && open > 1)
            heap[0] = heap[--open];
        sift_down(heap, open);
    }
}

cpb_status cpb_balance_min_heap(const cpb_view *view, cpb_deal *deal, cpb_error *error)
{
    const int64_t fair = cpb_ceil_div(view->n_chunks, view->ranks);
    const int64_t cap = cpb_min(fair, view->cap / view->chunk);
    if (cap < fair)
        return cpb_fail(
            error, CPB_UNSUPPORTED, -1,
            "min-heap gives a rank up to %lld tokens, above the cap of %lld",
            (long long)(fair * view->chunk), (long long)view->cap);

    const cpb_item *const items = by_rising_cost(view, deal->arena);
    seat *const heap = cpb_arena_take(deal->arena, (size_t)view->ranks, sizeof *heap);
    int32_t *const owner =
        cpb_arena_take(deal->arena, (size_t)view->n_chunks, sizeof *owner);
    if (!items || !heap || !owner)
        return CPB_NO_MEMORY;
    deal_longest_first(view, items, heap, cap, owner);
    return cpb_deal_chunks(deal, view, owner);
}
