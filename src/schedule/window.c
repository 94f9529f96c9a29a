// SPDX-License-Identifier: Apache-2.0
/* Windows of a fill: ranks side by side for a group of several. Where windows of one size
 * do not overlap, they are kept in a heap while jobs of that size are placed. */
#include "fill.h"

/* Whether a group of `ranks` ranks may start at `first` of the block: in one node if it
 * fits one, else at the start of a node. */
static bool may_start(const cpb_fill *fill, int32_t first, int32_t ranks)
{
    const int32_t per_node = fill->batch->price.ranks_per_node;
    const int32_t begin = fill->first + first;
    if (fill->batch->domain->sizes != CPB_SIZES_ANY || per_node == 1)
        return true;
    return ranks <= per_node ? begin % per_node + ranks <= per_node
                             : begin % per_node == 0;
}

/* When all ranks of a window are free, or -1 if it has no room. In one micro-batch, groups
 * of several ranks are disjoint or the same. */
static int64_t free_at(const cpb_fill *fill, int32_t first, int32_t ranks, int64_t held)
{
    const bool same = fill->owner[first] == first && fill->span[first] == ranks;
    int64_t latest = 0;
    if (!may_start(fill, first, ranks))
        return -1;
    for (int32_t r = first; r < first + ranks; r++) {
        if (!fill->solo && ((fill->owner[r] >= 0 && !same) ||
                            fill->load[r].tokens + held > fill->batch->budget))
            return -1;
        latest = cpb_max(latest, fill->finish[r]);
    }
    return latest;
}

/* The window that is free first, -1 where none has room. */
static int32_t scan(const cpb_fill *fill, int32_t ranks, int64_t held)
{
    const bool any = !fill->solo && fill->batch->domain->sizes == CPB_SIZES_ANY;
    const int32_t step = any ? (int32_t)cpb_max(1, ranks / 4) : ranks;
    int32_t best = -1;
    int64_t best_time = INT64_MAX;
    for (int32_t first = 0; first + ranks <= fill->width; first += step) {
        const int64_t time = free_at(fill, first, ranks, held);
        if (time >= 0 && time < best_time) {
            best_time = time;
            best = first;
        }
        if (time == 0)
            break;
    }
    return best;
}

/* Windows that may not be used come last. */
static void open_windows(cpb_fill *fill, int32_t ranks)
{
    const int32_t n = fill->width / ranks;
    for (int32_t w = 0; w < n; w++) {
        const int64_t time = free_at(fill, w * ranks, ranks, 0);
        fill->window_key[w] = time < 0 ? INT64_MAX : time;
    }
    fill->window_ranks = ranks;
    cpb_heap_fill(&fill->windows, n);
}

/* The ranks of a window that may be used hold the same. */
static bool has_room(const cpb_fill *fill, int32_t w, int64_t held)
{
    const int32_t first = w * fill->window_ranks;
    return fill->window_key[w] < INT64_MAX &&
           (fill->solo || fill->load[first].tokens + held <= fill->batch->budget);
}

int32_t cpb_fill_window(cpb_fill *fill, int32_t ranks, int64_t held)
{
    const bool overlap = !fill->solo && fill->batch->domain->sizes == CPB_SIZES_ANY;
    const cpb_heap *const heap = &fill->windows;
    int32_t best = -1;
    if (overlap || fill->window_ranks < 0)
        return scan(fill, ranks, held);
    if (ranks > fill->width)
        return -1;
    if (fill->window_ranks != ranks)
        open_windows(fill, ranks);
    if (has_room(fill, heap->slot[0], held))
        return heap->slot[0] * ranks;
    for (int32_t w = 0; w < heap->n; w++)
        if (has_room(fill, w, held) && (best < 0 || cpb_heap_before(heap, w, best)))
            best = w;
    return best < 0 ? -1 : best * ranks;
}

void cpb_fill_window_used(cpb_fill *fill, int32_t first, int32_t ranks)
{
    if (fill->window_ranks != ranks)
        return;
    fill->window_key[first / ranks] = fill->finish[first];
    cpb_heap_grown(&fill->windows, first / ranks);
}
