// SPDX-License-Identifier: Apache-2.0
/* The refinement of a fill: whole jobs move from ranks that finish late to ranks that
 * finish early, alone or against a smaller one. */
#include "fill.h"

/* The best move of one pair of ranks: job `out` leaves, job `in` (-1: none) comes. */
typedef struct swap {
    int32_t out, in;
    int64_t miss; /* how far the pair stays from equal times */
} swap;

static int64_t work_of(const cpb_fill *fill, int32_t j)
{
    return j < 0 ? 0 : fill->batch->jobs[j].work;
}

static int64_t tokens_of(const cpb_fill *fill, int32_t j)
{
    return j < 0 ? 0 : fill->batch->jobs[j].tokens;
}

static bool has_room(const cpb_fill *fill, int32_t rank, int64_t more)
{
    return fill->solo || fill->load[rank].tokens + more <= fill->batch->budget;
}

static void consider(const cpb_fill *fill, int32_t late, int32_t early, int32_t out,
                     int32_t in, swap *best)
{
    const int64_t delta = fill->finish[late] - fill->finish[early];
    const int64_t moved = work_of(fill, out) - work_of(fill, in);
    if (moved <= 0 || moved >= delta)
        return;
    const int64_t miss = 2 * moved > delta ? 2 * moved - delta : delta - 2 * moved;
    if (miss >= best->miss)
        return;
    const int64_t tokens = tokens_of(fill, out) - tokens_of(fill, in);
    if (has_room(fill, early, tokens) && has_room(fill, late, -tokens))
        *best = (swap){out, in, miss};
}

/* Both lists descend, so the partner that would make the times equal moves one way. */
static swap best_swap(const cpb_fill *fill, int32_t late, int32_t early)
{
    const int64_t half = (fill->finish[late] - fill->finish[early]) / 2;
    swap best = {-1, -1, INT64_MAX};
    int32_t in = fill->head[early];
    for (int32_t out = fill->head[late]; out >= 0; out = fill->next[out]) {
        const int64_t wanted = work_of(fill, out) - half;
        consider(fill, late, early, out, -1, &best);
        if (in < 0)
            continue;
        while (fill->next[in] >= 0 && work_of(fill, fill->next[in]) >= wanted)
            in = fill->next[in];
        consider(fill, late, early, out, in, &best);
        if (fill->next[in] >= 0)
            consider(fill, late, early, out, fill->next[in], &best);
    }
    return best;
}

static void unlink_job(cpb_fill *fill, int32_t rank, int32_t j)
{
    int32_t *link = &fill->head[rank];
    while (*link != j)
        link = &fill->next[*link];
    *link = fill->next[j];
}

static void link_job(cpb_fill *fill, int32_t rank, int32_t j)
{
    int32_t *link = &fill->head[rank];
    while (*link >= 0 && *link < j)
        link = &fill->next[*link];
    fill->next[j] = *link;
    *link = j;
    fill->place[j].first = fill->first + rank;
}

static void give(cpb_fill *fill, int32_t j, int32_t from, int32_t to)
{
    if (j < 0)
        return;
    unlink_job(fill, from, j);
    link_job(fill, to, j);
}

static bool improve(cpb_fill *fill, int32_t late, int32_t early)
{
    const swap best = best_swap(fill, late, early);
    if (best.out < 0)
        return false;
    cpb_share at_late = fill->load[late], at_early = fill->load[early];
    const cpb_share out = cpb_fill_whole(fill, best.out);
    cpb_share_add(&at_late, &out, -1);
    cpb_share_add(&at_early, &out, 1);
    if (best.in >= 0) {
        const cpb_share in = cpb_fill_whole(fill, best.in);
        cpb_share_add(&at_late, &in, 1);
        cpb_share_add(&at_early, &in, -1);
    }
    const int64_t late_time = cpb_fill_time(fill, late, &at_late);
    const int64_t early_time = cpb_fill_time(fill, early, &at_early);
    if (cpb_max(late_time, early_time) >= fill->finish[late])
        return false;
    give(fill, best.out, late, early);
    give(fill, best.in, early, late);
    fill->load[late] = at_late;
    fill->load[early] = at_early;
    fill->finish[late] = late_time;
    fill->finish[early] = early_time;
    return true;
}

static void link_all(cpb_fill *fill)
{
    for (int32_t r = 0; r < fill->width; r++)
        fill->head[r] = -1;
    for (int64_t i = fill->n; i-- > 0;) {
        const int32_t j = fill->list[i];
        if (fill->place[j].ranks > 1 || fill->host[j] >= 0)
            continue;
        const int32_t r = fill->place[j].first - fill->first;
        fill->next[j] = fill->head[r];
        fill->head[r] = j;
    }
}

/* Ranks ascending by finish; returns their mean. */
static int64_t rank_by_finish(cpb_fill *fill)
{
    int64_t sum = 0;
    for (int32_t r = 0; r < fill->width; r++) {
        fill->items[r] = (cpb_item){(uint64_t)fill->finish[r], r};
        sum += fill->finish[r];
    }
    cpb_sort(fill->items, fill->spare, (size_t)fill->width);
    return sum / fill->width;
}

void cpb_fill_swap(cpb_fill *fill)
{
    enum { CLOSE = 2048, PATIENCE = 4 };
    const int32_t half = fill->width / 2;
    int idle = 0;
    link_all(fill);
    for (int round = 0; round < fill->rounds && idle < PATIENCE && half; round++) {
        const int64_t mean = rank_by_finish(fill);
        const int64_t goal = mean + mean / CLOSE;
        bool changed = false;
        for (int32_t k = 0; k < half; k++) {
            const int32_t late = (int32_t)fill->items[fill->width - 1 - k].value;
            const int32_t early = (int32_t)fill->items[(k + idle) % half].value;
            if (fill->finish[late] <= goal)
                break;
            changed |= improve(fill, late, early);
        }
        idle = changed ? 0 : idle + 1;
        if (fill->finish[fill->items[fill->width - 1].value] <= goal)
            break;
    }
}
