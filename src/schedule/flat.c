// SPDX-License-Identifier: Apache-2.0
/* flat: no groups. Jobs are dealt to micro-batches of equal work, and a chain fills each on
 * all ranks.
 *
 * More micro-batches than the tokens need cost `fixed` each, but let ranks with short
 * documents, which are full before their time is, work as long as the others. A few numbers
 * are tried on one micro-batch each, which are alike, since all have the mean work, and on
 * one of those with giants, which have more. */
#include "chain.h"
#include "deal.h"
#include "rows.h"

#include "../base/error.h"

typedef struct flat {
    const cpb_batch *batch;
    cpb_chain chain;
    cpb_bins deal;
    int64_t *ahead; /* [bins] */
    int32_t giants; /* bins at the front that get more work than others */
    int64_t full;   /* micro-batches whose ranks are full of tokens */
    int64_t excess; /* that the chain needed where the estimate was best */
    int64_t needed; /* micro-batches, where none was allowed */
} flat;

static cpb_status create(const cpb_batch *batch, flat *f, cpb_error *error)
{
    const size_t most_bins = (size_t)batch->n + 1;
    const int32_t ranks = batch->domain->ranks;
    cpb_status status;
    *f = (flat){
        .batch = batch,
        .ahead = cpb_arena_take(batch->scratch, most_bins, sizeof *f->ahead),
    };
    if (!f->ahead)
        return cpb_fail_memory(error);
    CPB_TRY(cpb_chain_create(batch, ranks, &f->chain, error));
    CPB_TRY(cpb_bins_create_all(batch, (int32_t)most_bins, &f->deal, error));
    f->deal.ahead = f->ahead;
    f->deal.room = ranks * batch->budget;
    f->full = cpb_ceil_div(batch->tokens, f->deal.room);
    f->chain.width = ranks;
done:
    return status;
}

/* How long ranks should work in a micro-batch in which a part at the end of job `j` hides
 * its keys. */
static int64_t wanted_time(const flat *f, int64_t j)
{
    const cpb_price *const price = &f->batch->price;
    const int64_t tokens = f->batch->jobs[j].tokens;
    return price->token * cpb_min(f->chain.hidden, tokens) +
           (cpb_price_key(price) + price->received_key) * tokens;
}

/* Bins of giants, which want more time than the mean, get as much work as fills it, so
 * that their ranks do not wait for keys; but no more than 5/6 of what a bin full of
 * tokens has in the mean. */
static void plan_ahead(flat *f)
{
    const int64_t ranks = f->batch->domain->ranks;
    const int32_t n = f->deal.n_bins;
    int64_t left = f->batch->work / ranks;
    const int64_t most = cpb_schedule_mean(f->batch) / cpb_max(1, f->full) * 5 / 6;
    f->giants = 0;
    for (int32_t k = 0; n > 1 && k < n && k < f->batch->n; k++) {
        const int64_t time = cpb_min(wanted_time(f, k), most);
        if (time <= left / (n - k) || time > left)
            break;
        left -= time;
        f->ahead[k] = time;
        f->giants++;
    }
    const int64_t others = f->giants < n ? left / (n - f->giants) : 0;
    for (int32_t k = 0; k < n; k++)
        f->ahead[k] = k < f->giants ? (f->ahead[k] - others) * ranks : 0;
}

static bool deal(flat *f, int32_t micro)
{
    const int64_t n = f->batch->n;
    f->deal.n_bins = (int32_t)cpb_min(micro, cpb_max(1, n));
    plan_ahead(f);
    if (!cpb_bins_deal_all(&f->deal))
        return false;
    cpb_bins_list(&f->deal);
    f->chain.n_cuts = 0;
    f->chain.excess = 0;
    return true;
}

/* Fill micro-batch `m`; its time, INT64_MAX where it does not fit. */
static int64_t fill(flat *f, int32_t m)
{
    f->chain.list = f->deal.list + f->deal.start[m];
    f->chain.n = f->deal.start[m + 1] - f->deal.start[m];
    if (!f->chain.n)
        return 0;
    cpb_chain_run(&f->chain);
    return f->chain.fits ? f->chain.time : INT64_MAX;
}

/* The time of the step, by the first micro-batch of giants, if there are any, and the
 * middle one of the others; INT64_MAX where it is above `most`. */
static int64_t estimate(flat *f, int32_t micro, int64_t most)
{
    const int64_t more = f->batch->domain->stages - 1;
    if (!deal(f, micro))
        return INT64_MAX;
    const int64_t giants = f->giants, others = f->deal.n_bins - giants;
    const int64_t high = CPB_MAX_STEP / (giants + others + more);
    const int64_t giant = giants ? fill(f, 0) : 0;
    if (giant >= high || (most -= giants * giant) < 0)
        return INT64_MAX;
    f->chain.most = others ? most / others : INT64_MAX;
    const int64_t other = others ? fill(f, (int32_t)(giants + others / 2)) : 0;
    f->chain.most = INT64_MAX;
    if (other >= high)
        return INT64_MAX;
    return giants * giant + others * other + more * cpb_max(giant, other);
}

/* The number of micro-batches with the least estimate, 0 where none fits. Estimates fall
 * as ranks get room, then rise with what micro-batches cost: the first that rises ends the
 * search. */
static int32_t choose(flat *f)
{
    const cpb_batch *const batch = f->batch;
    const int64_t least = cpb_min(cpb_max(1, f->full), CPB_MAX_MICRO_BATCHES);
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
    if (!draft->micro_batches && f.chain.unit > 1) {
        f.chain.unit = 1; /* a budget of less than a few tiles leaves no choice */
        draft->micro_batches = fill_enough(&f, choose(&f));
    }
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
