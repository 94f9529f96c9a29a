// SPDX-License-Identifier: Apache-2.0
/* The rivals with fixed groups: the size that the longest document needs, the same for
 * everybody, every document cut over its whole group.
 *
 * first-fit      packs of at most size * budget tokens, first fit in the loader's order,
 *                dealt to the groups round robin
 * longest-first  longest document first, to the pack with the fewest tokens
 * wlb            longest document first, to the pack with the least time that has room
 *                (workload-balanced variable-length packing, WLB-LLM, OSDI '25, without
 *                its delay of outliers, which changes what is in the step) */
#include "deal.h"
#include "rows.h"

#include "../base/error.h"

/* The fixed groups of a batch. */
typedef struct fixed {
    size_t s;      /* their size is sizes[s] */
    int32_t ranks; /* = sizes[s] */
    int32_t n;     /* of them */
    int64_t *held; /* [jobs] tokens of a job on one rank */
} fixed;

static cpb_status create(cpb_batch *batch, fixed *f, cpb_error *error)
{
    f->s = cpb_batch_least_size(batch, batch->longest);
    f->ranks = batch->sizes[f->s];
    f->n = batch->domain->ranks / f->ranks;
    f->held = cpb_arena_take(batch->scratch, (size_t)batch->n, sizeof *f->held);
    if (!f->held)
        return cpb_fail_memory(error);
    for (int64_t j = 0; j < batch->n; j++)
        f->held[j] = cpb_ceil_div(batch->jobs[j].tokens, f->ranks);
    return CPB_OK;
}

/* Pack k is micro-batch k / n of group k % n. */
static void place(const cpb_batch *batch, const fixed *f, const int32_t *pack,
                  cpb_draft *draft)
{
    for (int64_t j = 0; j < batch->n; j++)
        draft->place[j] = (cpb_place){.micro = pack[j] / f->n,
                                      .first = pack[j] % f->n * f->ranks,
                                      .ranks = f->ranks};
}

static cpb_status set_micro(const cpb_batch *batch, int64_t needed, cpb_draft *draft,
                            cpb_error *error)
{
    draft->micro_batches = cpb_batch_micro(batch, needed);
    return draft->micro_batches ? CPB_OK : cpb_row_fail_micro(batch, needed, error);
}

cpb_status cpb_row_first_fit(cpb_batch *batch, cpb_draft *draft, cpb_error *error)
{
    fixed f;
    cpb_item *order = NULL;
    cpb_first_fit fit;
    cpb_status status;
    CPB_TRY(create(batch, &f, error));
    CPB_TRY(cpb_batch_order(batch, &order, error));
    int32_t *const pack =
        cpb_arena_take(batch->scratch, (size_t)batch->n, sizeof *pack);
    if (!pack || !cpb_first_fit_create(batch->scratch, batch->n, &fit))
        return cpb_fail_memory(error);
    int32_t most = 0;
    cpb_first_fit_reset(&fit, batch->n, batch->budget);
    for (int64_t i = 0; i < batch->n; i++) {
        const int64_t j = order[i].value;
        pack[j] = cpb_first_fit_put(&fit, f.held[j]);
        most = (int32_t)cpb_max(most, pack[j] + 1);
    }
    place(batch, &f, pack, draft);
    status = set_micro(batch, cpb_ceil_div(most, f.n), draft, error);
done:
    return status;
}

/* Into as few micro-batches of packs as have room for everything. */
static cpb_status deal_packs(cpb_batch *batch, const fixed *f, const int64_t *cost,
                             cpb_draft *draft, cpb_error *error)
{
    cpb_bins deal;
    cpb_status status;
    int64_t held = 0;
    for (int64_t j = 0; j < batch->n; j++)
        held += f->held[j];
    const int64_t most = cpb_ceil_div(batch->n, f->n);
    int64_t micro = cpb_max(1, cpb_ceil_div(held, batch->budget * f->n));
    CPB_TRY(
        cpb_bins_create(batch, (int32_t)(cpb_max(most, micro) * f->n), &deal, error));
    deal.room = batch->budget;
    deal.size = f->held;
    deal.cost = cost;
    for (;; micro++) {
        CPB_TRY(set_micro(batch, micro, draft, error));
        micro = draft->micro_batches;
        deal.n_bins = (int32_t)(cpb_min(micro, cpb_max(most, 1)) * f->n);
        if (cpb_bins_deal(&deal, batch->n))
            break;
    }
    place(batch, f, deal.bin, draft);
done:
    return status;
}

cpb_status cpb_row_longest_first(cpb_batch *batch, cpb_draft *draft, cpb_error *error)
{
    fixed f;
    cpb_status status;
    CPB_TRY(create(batch, &f, error));
    CPB_TRY(deal_packs(batch, &f, f.held, draft, error));
done:
    return status;
}

cpb_status cpb_row_wlb(cpb_batch *batch, cpb_draft *draft, cpb_error *error)
{
    fixed f;
    cpb_status status;
    CPB_TRY(create(batch, &f, error));
    int64_t *const time =
        cpb_arena_take(batch->scratch, (size_t)batch->n, sizeof *time);
    if (!time)
        return cpb_fail_memory(error);
    for (int64_t j = 0; j < batch->n; j++)
        time[j] = cpb_batch_alone(batch, j, f.s) - batch->price.fixed;
    CPB_TRY(deal_packs(batch, &f, time, draft, error));
done:
    return status;
}
