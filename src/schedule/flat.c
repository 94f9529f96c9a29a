// SPDX-License-Identifier: Apache-2.0
/* flat: no groups. Jobs are dealt to micro-batches of equal work, and a chain fills each on
 * all ranks.
 *
 * More micro-batches than the tokens need cost `fixed` each, but let ranks with short
 * documents, which are full before their time is, work as long as the others. A few numbers
 * are tried on one micro-batch each; they are alike, since all have the mean work. */
#include "chain.h"
#include "deal.h"
#include "rows.h"

#include "../base/error.h"

typedef struct flat {
    const cpb_batch *batch;
    cpb_chain chain;
    cpb_deal deal;
    int64_t *cost;   /* [jobs] */
    int64_t *tokens; /* [jobs] */
    int32_t *list;   /* [jobs] by micro-batch */
    int64_t *start;  /* [bins + 1] */
    int64_t most_bins;
    int64_t excess; /* that the chain needed where the estimate was best */
    int64_t needed; /* micro-batches, where none was allowed */
} flat;

static cpb_status create(const cpb_batch *batch, flat *f, cpb_error *error)
{
    cpb_arena *const arena = batch->scratch;
    const size_t n = (size_t)batch->n;
    const int32_t ranks = batch->domain->ranks;
    cpb_status status;
    *f = (flat){
        .batch = batch,
        .most_bins = batch->n + 1,
        .cost = cpb_arena_take(arena, n, sizeof *f->cost),
        .tokens = cpb_arena_take(arena, n, sizeof *f->tokens),
        .list = cpb_arena_take(arena, n, sizeof *f->list),
        .start = cpb_arena_take(arena, n + 2, sizeof *f->start),
    };
    if (!f->cost || !f->tokens || !f->list || !f->start)
        return cpb_fail_memory(error);
    const int64_t most_cuts = 4 * (batch->tokens / batch->budget + 2 * ranks);
    CPB_TRY(cpb_chain_create(batch, ranks, most_cuts, &f->chain, error));
    CPB_TRY(cpb_deal_create(batch, (int32_t)f->most_bins, &f->deal, error));
    for (size_t j = 0; j < n; j++) {
        f->cost[j] = batch->jobs[j].work + batch->jobs[j].tokens;
        f->tokens[j] = batch->jobs[j].tokens;
    }
    f->deal.size = f->tokens;
    f->deal.cost = f->cost;
    f->deal.room = ranks * batch->budget;
    f->chain.width = ranks;
done:
    return status;
}

static bool deal(flat *f, int32_t micro)
{
    const int64_t n = f->batch->n;
    f->deal.n_bins = (int32_t)cpb_min(micro, cpb_max(1, n));
    if (!cpb_deal_all(&f->deal))
        return false;
    cpb_deal_list(&f->deal, n, f->list, f->start);
    f->chain.n_cuts = 0;
    f->chain.excess = 0;
    return true;
}

/* Fill micro-batch `m`; its time, INT64_MAX where it does not fit. */
static int64_t fill(flat *f, int32_t m)
{
    f->chain.list = f->list + f->start[m];
    f->chain.n = f->start[m + 1] - f->start[m];
    if (!f->chain.n)
        return 0;
    cpb_chain_run(&f->chain);
    return f->chain.fits ? f->chain.time : INT64_MAX;
}

/* The time of the step, by one micro-batch that has its work in the middle; INT64_MAX
 * where it is above `most`. */
static int64_t estimate(flat *f, int32_t micro, int64_t most)
{
    const cpb_domain *const domain = f->batch->domain;
    if (!deal(f, micro))
        return INT64_MAX;
    const int32_t n = f->deal.n_bins;
    f->chain.most = most < INT64_MAX ? most / (n + domain->stages - 1) : most;
    const int64_t time = fill(f, n / 2);
    f->chain.most = INT64_MAX;
    return time < CPB_MAX_STEP / (n + domain->stages) ? time * (n + domain->stages - 1)
                                                      : INT64_MAX;
}

/* The number of micro-batches with the least estimate, 0 where none fits. Estimates fall
 * as ranks get room, then rise with what micro-batches cost: the first that rises ends the
 * search. */
static int32_t choose(flat *f)
{
    const cpb_batch *const batch = f->batch;
    const int64_t full = cpb_ceil_div(batch->tokens, f->deal.room);
    const int64_t least = cpb_min(cpb_max(1, full), CPB_MAX_MICRO_BATCHES);
    int64_t best_time = INT64_MAX;
    int32_t best = 0, last = 0;
    for (int k = 0; k < CPB_SPARES || !best; k++) {
        const int64_t wanted = cpb_batch_spare(least, k);
        const int32_t micro = cpb_batch_micro(batch, wanted);
        if (!micro)
            f->needed = wanted;
        if (!micro || (k >= CPB_SPARES && last > batch->n))
            break;
        if (micro == last)
            continue;
        last = micro;
        const int64_t time = estimate(f, micro, best_time);
        if (time > best_time)
            break;
        best_time = time;
        f->excess = f->chain.excess;
        best = time < INT64_MAX ? micro : 0;
    }
    return best;
}

/* All micro-batches; false where one does not fit. */
static bool fill_all(flat *f, int32_t micro)
{
    if (!deal(f, micro))
        return false;
    f->chain.excess = f->excess;
    for (int32_t m = 0; m < f->deal.n_bins; m++)
        if (fill(f, m) == INT64_MAX)
            return false;
    return true;
}

/* More micro-batches than estimated, where one of them is worse than the one estimated. */
static int32_t fill_enough(flat *f, int32_t micro)
{
    while (micro && !fill_all(f, micro))
        micro =
            micro <= f->batch->n ? cpb_batch_micro(f->batch, micro + micro / 8 + 1) : 0;
    return micro;
}

cpb_status cpb_row_flat(cpb_batch *batch, cpb_draft *draft, cpb_error *error)
{
    flat f;
    cpb_status status;
    if (!cpb_batch_may_cut(batch))
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "row 'flat' cuts documents anywhere over all ranks, which %s",
                        batch->domain->groups_only ? "a runtime of groups only does not"
                                                   : "is no group size of the list");
    CPB_TRY(create(batch, &f, error));
    draft->micro_batches = fill_enough(&f, choose(&f));
    if (!draft->micro_batches && !f.needed && !batch->domain->micro_most)
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "row 'flat' finds no place for its slices within a budget of "
                        "%lld tokens; try another row",
                        (long long)batch->budget);
    if (!draft->micro_batches)
        return cpb_row_fail_micro(
            batch, f.needed ? f.needed : batch->domain->micro_most + INT64_C(1), error);
    draft->block = batch->domain->ranks;
    draft->cuts = f.chain.cuts;
    for (int64_t j = 0; j < batch->n; j++) {
        draft->place[j] = f.chain.place[j];
        draft->place[j].micro = f.deal.bin[j];
    }
done:
    return status;
}
