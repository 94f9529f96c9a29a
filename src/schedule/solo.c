// SPDX-License-Identifier: Apache-2.0
/* Solo jobs of a fill: micro-batches of their own, in which ranks that have time and room
 * beside their part take whole jobs along. */
#include "fill.h"

/* The first whole job from the i-th of the list on that runs beside no other, n where
 * there is none. Paths are halved, so that what is taken is skipped in one step. */
static int64_t next_waiting(cpb_fill *fill, int64_t i)
{
    int32_t *const after = fill->after;
    while (after[i] != i) {
        after[i] = after[after[i]];
        i = after[i];
    }
    return i;
}

void cpb_fill_pool(cpb_fill *fill)
{
    for (int64_t i = 0; i <= fill->n; i++) {
        const bool whole = i == fill->n || fill->place[fill->list[i]].ranks == 1;
        fill->after[i] = (int32_t)(i + !whole);
    }
    for (int64_t i = 0; i < fill->n; i++)
        fill->host[fill->list[i]] = -1;
}

/* The first job of the list with no more than `work`. */
static int64_t first_within(const cpb_fill *fill, int64_t work)
{
    int64_t low = 0, high = fill->n;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (fill->batch->jobs[fill->list[middle]].work <= work)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Whole jobs beside the first part of `host`, the costliest that fit first. Returns the
 * share of these. */
static cpb_share fill_up(cpb_fill *fill, int32_t host, int32_t rank, cpb_share load,
                         int64_t limit)
{
    enum { CLOSE = 64, MISSES = 8 }; /* more of both brings nothing */
    const cpb_batch *const batch = fill->batch;
    cpb_share taken = {0};
    int misses = 0;
    int64_t left = limit - cpb_price_time(&batch->price, &load);
    int64_t i = next_waiting(fill, first_within(fill, left));
    while (left > limit / CLOSE && i < fill->n && misses < MISSES) {
        const int32_t j = fill->list[i];
        const cpb_share whole = cpb_fill_whole(fill, j);
        cpb_share with = load;
        cpb_share_add(&with, &whole, 1);
        const int64_t time = cpb_price_time(&batch->price, &with);
        if (with.tokens > batch->budget || time > limit) {
            misses++;
            i = next_waiting(fill, i + 1);
            continue;
        }
        load = with;
        cpb_share_add(&taken, &whole, 1);
        left = limit - time;
        fill->host[j] = host;
        fill->place[j].first = fill->first + rank;
        fill->after[i] = (int32_t)(i + 1);
        i = next_waiting(fill, cpb_max(i, first_within(fill, left)));
    }
    return taken;
}

/* The share of the i-th rank from `first` on, as job `j` is cut. */
static cpb_share share_of(const cpb_fill *fill, int32_t j, int32_t first, int32_t i)
{
    const cpb_batch *const batch = fill->batch;
    const cpb_job *const job = &batch->jobs[j];
    const cpb_place place = {.first = first, .ranks = fill->place[j].ranks, .cut = 1};
    const cpb_job_part part = cpb_batch_part(job, &place, fill->cut, i);
    return cpb_batch_part_share(batch, job, &part);
}

/* Whole jobs are chosen for about the cut that was offered; then the job is cut anew, so
 * that the first rank is done with them when the others are. */
static int64_t run_parts(cpb_fill *fill, int32_t j, int32_t first, int64_t limit)
{
    const cpb_batch *const batch = fill->batch;
    const int32_t ranks = fill->place[j].ranks, begin = fill->first + first;
    int64_t time = 0;
    cpb_offer_cut(batch, j, ranks, limit, fill->cut);
    const cpb_share beside =
        fill_up(fill, j, first, share_of(fill, j, begin, 0), limit);
    fill->limit[j] = cpb_offer_refine(batch, j, ranks, limit, &beside);
    cpb_offer_cut(batch, j, ranks, fill->limit[j], fill->cut);
    for (int32_t i = 0; i < ranks; i++) {
        cpb_share share = share_of(fill, j, begin, i);
        if (!i)
            cpb_share_add(&share, &beside, 1);
        time = cpb_max(time, cpb_price_time(&batch->price, &share));
    }
    return time;
}

int64_t cpb_fill_solo(cpb_fill *fill, int32_t j, size_t s, int32_t first)
{
    const cpb_batch *const batch = fill->batch;
    const int64_t limit = cpb_offers_get(fill->offers, j, s).limit;
    fill->place[j].ranks = batch->sizes[s];
    fill->limit[j] = 0;
    if (limit)
        return run_parts(fill, j, first, limit);
    const cpb_share share =
        cpb_batch_share(batch, &batch->jobs[j], fill->first + first, batch->sizes[s]);
    return cpb_price_time(&batch->price, &share);
}
