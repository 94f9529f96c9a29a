// SPDX-License-Identifier: Apache-2.0
/* Rows that deal jobs to bins and fill each: a bin is a block of ranks in one micro-batch.
 *
 * lockstep  one block of all ranks, so that every micro-batch is filled as one
 * grid      fixed groups of one size, each a block; every size is tried. Where keys are
 *           exchanged on demand, but no group has all ranks, documents are cut anywhere
 *           inside a block too, as `flat` does it
 *
 * More micro-batches than the tokens need cost `fixed` each, but leave room for balance,
 * so a few numbers of them are tried. Under a limit more are tried, since those that are
 * above it are given up without knowing whether everything has room. */
#include "chain.h"
#include "deal.h"
#include "fill.h"
#include "rows.h"

#include "../base/error.h"

#include <string.h>

enum { ROUNDS = 12 };

/* How jobs are dealt and bins filled. */
typedef enum dealing {
    MIXED,  /* costliest first, to the bin with the least work that has room */
    SORTED, /* bin after bin: the costliest that are left, topped up with the cheapest */
    PARTS   /* as MIXED; documents cut anywhere inside a block */
} dealing;

/* What a row tries, its memory, and the best that was found. */
typedef struct trial {
    cpb_batch *batch;
    cpb_fill fill;
    cpb_chain parts;
    cpb_bins deal;
    int64_t *least; /* [bins] no bin takes less */
    int64_t *chain; /* [ranks] time of each block's micro-batches; before they are
                       filled, the least */
    cpb_draft *best;
    int64_t best_time; /* only what is below is taken */
    bool found;
    int64_t needed; /* micro-batches, where none was allowed */
} trial;

static cpb_status create(cpb_batch *batch, cpb_draft *draft, trial *t, cpb_error *error)
{
    cpb_arena *const arena = batch->scratch;
    const int64_t ranks = batch->domain->ranks, most_bins = batch->n + ranks;
    cpb_status status;
    *t = (trial){
        .batch = batch,
        .least = cpb_arena_take(arena, (size_t)most_bins, sizeof *t->least),
        .chain = cpb_arena_take(arena, (size_t)ranks, sizeof *t->chain),
        .best = draft,
        .best_time = draft->limit < INT64_MAX ? draft->limit + 1 : INT64_MAX,
    };
    if (!t->least || !t->chain)
        return cpb_fail_memory(error);
    CPB_TRY(cpb_fill_create(batch, batch->domain->ranks, &t->fill, error));
    CPB_TRY(cpb_bins_create_all(batch, (int32_t)most_bins, &t->deal, error));
    t->fill.rounds = ROUNDS;
done:
    return status;
}

/* Bin by bin, 17/20 of its tokens from the front and the rest from the back. */
static void deal_sorted(trial *t)
{
    const cpb_batch *const batch = t->batch;
    const int64_t *const tokens = t->deal.size;
    const int64_t room = cpb_ceil_div(batch->tokens, t->deal.n_bins);
    int64_t front = 0, back = batch->n;
    for (int32_t bin = 0; bin < t->deal.n_bins; bin++) {
        const bool last = bin + 1 == t->deal.n_bins;
        int64_t used = 0;
        while (front < back &&
               (last || used + tokens[front] <= room - room * 3 / 20 || !used)) {
            used += tokens[front];
            t->deal.bin[front++] = bin;
        }
        while (front < back && used + tokens[back - 1] <= room) {
            used += tokens[--back];
            t->deal.bin[back] = bin;
        }
    }
}

/* No bin takes less than the mean work of its ranks. Returns the least time of the step,
 * and the same for each block in t->chain. */
static int64_t find_least(trial *t, int32_t width, bool meet)
{
    const cpb_batch *const batch = t->batch;
    const int32_t blocks = batch->domain->ranks / width;
    int64_t sum = 0, longest = 0;
    memset(t->least, 0, (size_t)t->deal.n_bins * sizeof *t->least);
    memset(t->chain, 0, (size_t)blocks * sizeof *t->chain);
    for (int64_t j = 0; j < batch->n; j++)
        t->least[t->deal.bin[j]] += batch->jobs[j].work;
    for (int32_t first = 0; first < t->deal.n_bins; first += blocks) {
        int64_t largest = 0;
        for (int32_t b = 0; b < blocks; b++) {
            int64_t *const least = &t->least[first + b];
            if (t->deal.start[first + b + 1] > t->deal.start[first + b])
                *least = batch->price.fixed + cpb_ceil_div(*least, width);
            largest = cpb_max(largest, *least);
            t->chain[b] += *least;
            longest = cpb_max(longest, t->chain[b]);
        }
        sum += largest;
    }
    return meet ? sum : longest;
}

/* The time of a bin, INT64_MAX where it does not fit or is sure to take more than `most`. */
static int64_t fill_bin(trial *t, int32_t bin, int32_t width, dealing how, int64_t most)
{
    cpb_fill *const fill = &t->fill;
    cpb_chain *const parts = &t->parts;
    parts->most = fill->most = most;
    parts->list = fill->list = t->deal.list + t->deal.start[bin];
    parts->n = fill->n = t->deal.start[bin + 1] - t->deal.start[bin];
    parts->first = fill->first = bin % (t->batch->domain->ranks / width) * width;
    parts->width = fill->width = width;
    if (!fill->n)
        return 0;
    if (how == PARTS)
        cpb_chain_run(parts);
    else
        cpb_fill_run(fill);
    if (how == PARTS)
        return parts->fits ? parts->time : INT64_MAX;
    return fill->fits ? fill->time : INT64_MAX;
}

/* Fill every bin; the time of the step, INT64_MAX where one does not fit or the time is
 * sure not to be below the best. Blocks wait for each other after every micro-batch if
 * `meet`. */
static int64_t fill_bins(trial *t, int32_t width, bool meet, dealing how)
{
    const int32_t blocks = t->batch->domain->ranks / width;
    int64_t time = find_least(t, width, meet), longest = 0;
    if (time >= t->best_time)
        return INT64_MAX;
    for (int32_t first = 0; first < t->deal.n_bins; first += blocks) {
        int64_t largest = 0;
        for (int32_t b = 0; meet && b < blocks; b++)
            largest = cpb_max(largest, t->least[first + b]);
        for (int32_t b = 0; b < blocks; b++) {
            const int64_t counted = meet ? largest : t->least[first + b];
            const int64_t so_far = meet ? time : t->chain[b];
            const int64_t filled =
                fill_bin(t, first + b, width, how, t->best_time - 1 - so_far + counted);
            if (filled == INT64_MAX)
                return INT64_MAX;
            const int64_t more = filled - counted;
            t->chain[b] += more;
            time = meet ? time + cpb_max(0, more) : cpb_max(time, t->chain[b]);
            largest = cpb_max(largest, filled);
            if (time >= t->best_time)
                return INT64_MAX;
        }
        longest = cpb_max(longest, largest);
    }
    return meet ? time + (t->batch->domain->stages - 1) * longest : time;
}

/* The cuts of the best are kept, and those before are written over. */
static void swap_cuts(trial *t)
{
    int64_t *const kept = t->best->cuts;
    t->best->cuts = t->parts.cuts;
    t->parts.cuts = kept;
}

/* Deal, fill, and keep what is better than all before. */
static void attempt(trial *t, int32_t width, int32_t block, int32_t micro_batches,
                    dealing how)
{
    const cpb_batch *const batch = t->batch;
    const int32_t blocks = batch->domain->ranks / width;
    const bool meet = !block || batch->domain->meet == CPB_MEET_MICRO;
    const int64_t most = cpb_max(1, cpb_ceil_div(batch->n, blocks));
    t->deal.n_bins = (int32_t)cpb_min(micro_batches, most) * blocks;
    t->deal.room = width * batch->budget;
    if (how == SORTED)
        deal_sorted(t);
    else if (!cpb_bins_deal_all(&t->deal))
        return;
    cpb_bins_list(&t->deal);
    t->parts.n_cuts = t->parts.excess = 0;
    const int64_t time = fill_bins(t, width, meet, how);
    if (time >= t->best_time)
        return;
    t->best_time = time;
    t->found = true;
    t->best->micro_batches = micro_batches;
    t->best->block = block;
    const cpb_place *const place = how == PARTS ? t->parts.place : t->fill.place;
    if (how == PARTS)
        swap_cuts(t);
    for (int64_t j = 0; j < batch->n; j++) {
        t->best->place[j] = place[j];
        t->best->place[j].micro = t->deal.bin[j] / blocks;
    }
}

/* Beyond the spares, numbers are doubled as long as that is better or nothing was found. */
static void try_width(trial *t, int32_t width, int32_t block)
{
    const cpb_batch *const batch = t->batch;
    const int64_t blocks = batch->domain->ranks / width;
    const int64_t full = cpb_ceil_div(batch->tokens, batch->budget * width * blocks);
    const int64_t least = cpb_min(cpb_max(1, full), CPB_MAX_MICRO_BATCHES);
    const int64_t mean = batch->work / batch->domain->ranks;
    int64_t last = 0;
    bool better = false;
    for (int k = 0; k < CPB_SPARES || better || !t->found; k++) {
        const int64_t wanted = cpb_batch_spare(least, k);
        const int32_t micro = cpb_batch_micro(batch, wanted);
        if (!micro)
            t->needed = wanted;
        if (!micro || (k >= CPB_SPARES && last > batch->n))
            break;
        if (micro == last)
            continue;
        if (micro <= batch->n / blocks &&
            mean + micro * batch->price.fixed >= t->best_time)
            break;
        const int64_t before = t->best_time;
        last = micro;
        attempt(t, width, block, micro, MIXED);
        if (!block && micro > 1 && !batch->in_order)
            attempt(t, width, block, micro, SORTED);
        if (t->parts.cuts)
            attempt(t, width, block, micro, PARTS);
        better = t->best_time < before;
    }
}

static cpb_status finish(const trial *t, cpb_error *error)
{
    if (t->found || t->best->limit < INT64_MAX)
        return CPB_OK;
    return cpb_row_fail_micro(t->batch, cpb_max(1, t->needed), error);
}

cpb_status cpb_row_lockstep(cpb_batch *batch, cpb_draft *draft, cpb_error *error)
{
    trial t;
    cpb_status status;
    if (batch->domain->one_size)
        return cpb_fail(
            error, CPB_UNSUPPORTED, -1,
            "row 'lockstep' has groups of several sizes; use one with fixed "
            "groups");
    if (batch->domain->meet == CPB_MEET_STEP)
        draft->limit = INT64_MAX; /* takes less than the sum of its micro-batches */
    CPB_TRY(create(batch, draft, &t, error));
    try_width(&t, batch->domain->ranks, 0);
    status = finish(&t, error);
done:
    return status;
}

/* Where no group of all ranks may cut documents anywhere, smaller ones may. */
static cpb_status create_parts(trial *t, cpb_error *error)
{
    const cpb_batch *const batch = t->batch;
    const int32_t widest = batch->sizes[batch->n_sizes - 1];
    cpb_status status;
    CPB_TRY(cpb_chain_create(batch, widest, &t->parts, error));
    t->best->cuts = cpb_arena_take(batch->scratch, (size_t)t->parts.most_cuts,
                                   sizeof *t->best->cuts);
    if (!t->best->cuts)
        status = cpb_fail_memory(error);
done:
    return status;
}

cpb_status cpb_row_grid(cpb_batch *batch, cpb_draft *draft, cpb_error *error)
{
    trial t;
    cpb_status status;
    CPB_TRY(create(batch, draft, &t, error));
    if (!batch->domain->groups_only && !cpb_batch_may_cut(batch))
        CPB_TRY(create_parts(&t, error));
    for (size_t s = cpb_batch_least_size(batch, batch->longest); s < batch->n_sizes;
         s = cpb_batch_next_rung(batch, s))
        try_width(&t, batch->sizes[s], batch->sizes[s]);
    status = finish(&t, error);
done:
    return status;
}
