// SPDX-License-Identifier: Apache-2.0
/* free: ranks meet at the end of the step only. One fill over the whole step; then jobs on
 * several ranks run first, in one order, and each rank packs its whole documents into
 * micro-batches. */
#include "deal.h"
#include "fill.h"
#include "rows.h"

#include "../base/error.h"

enum { ROUNDS = 24 };

/* The micro-batch that a rank, or a group named by its first rank, is filling. */
typedef struct open_micro {
    int32_t ranks;
    int32_t micro;
    int64_t tokens;
} open_micro;

/* Jobs on several ranks, in the order in which the fill placed them: the largest groups
 * first. A job joins the last micro-batch of its group where it has room. */
static int32_t deal_longs(const cpb_batch *batch, cpb_draft *draft, open_micro *open,
                          int32_t *next)
{
    int32_t most = 0;
    for (size_t s = batch->n_sizes; s-- > 0 && batch->sizes[s] > 1;) {
        for (int64_t j = 0; j < batch->n; j++) {
            cpb_place *const place = &draft->place[j];
            if (place->ranks != batch->sizes[s])
                continue;
            const int64_t held = cpb_ceil_div(batch->jobs[j].tokens, place->ranks);
            open_micro *const last = &open[place->first];
            if (place->cut || last->ranks != place->ranks ||
                last->tokens + held > batch->budget) {
                *last = (open_micro){.ranks = place->ranks};
                for (int32_t r = place->first; r < place->first + place->ranks; r++)
                    last->micro = (int32_t)cpb_max(last->micro, next[r]);
                for (int32_t r = place->first; r < place->first + place->ranks; r++)
                    next[r] = last->micro + 1;
                most = (int32_t)cpb_max(most, last->micro + 1);
            }
            last->tokens += place->cut ? batch->budget : held;
            place->micro = last->micro;
        }
    }
    return most;
}

/* Whole jobs, listed by rank. */
typedef struct packing {
    cpb_first_fit fit;
    int32_t *head; /* [ranks] */
    int32_t *next; /* [jobs] */
} packing;

/* Longest first, into the first micro-batch with room. Returns one past the last. */
static int32_t pack_rank(const cpb_batch *batch, cpb_draft *draft, packing *p,
                         int32_t rank, int32_t start)
{
    int32_t n = 0, most = 0;
    for (int32_t j = p->head[rank]; j >= 0; j = p->next[j])
        n++;
    cpb_first_fit_reset(&p->fit, n, batch->budget);
    for (int32_t j = p->head[rank]; j >= 0; j = p->next[j]) {
        const int32_t bin = cpb_first_fit_put(&p->fit, batch->jobs[j].tokens);
        draft->place[j].micro = start + bin;
        most = (int32_t)cpb_max(most, bin + 1);
    }
    return start + most;
}

static int32_t pack_wholes(const cpb_batch *batch, cpb_draft *draft, packing *p,
                           const int32_t *host, const int32_t *next)
{
    int32_t most = 0;
    for (int32_t r = 0; r < batch->domain->ranks; r++)
        p->head[r] = -1;
    for (int64_t j = batch->n; j-- > 0;) {
        if (host[j] >= 0)
            draft->place[j].micro = draft->place[host[j]].micro;
        if (draft->place[j].ranks > 1 || host[j] >= 0)
            continue;
        p->next[j] = p->head[draft->place[j].first];
        p->head[draft->place[j].first] = (int32_t)j;
    }
    for (int32_t r = 0; r < batch->domain->ranks; r++)
        most = (int32_t)cpb_max(most, pack_rank(batch, draft, p, r, next[r]));
    return most;
}

/* The cuts of jobs that come in parts. */
static cpb_status list_cuts(const cpb_fill *fill, cpb_draft *draft, cpb_error *error)
{
    const cpb_batch *const batch = fill->batch;
    int64_t n = 0;
    for (int64_t j = 0; j < batch->n; j++)
        n += draft->place[j].ranks - 1;
    draft->cuts = cpb_arena_take(batch->scratch, (size_t)n, sizeof *draft->cuts);
    if (!draft->cuts)
        return cpb_fail_memory(error);
    n = 0;
    for (int64_t j = 0; j < batch->n; j++) {
        cpb_place *const place = &draft->place[j];
        if (place->ranks == 1 || !fill->limit[j])
            continue;
        cpb_offer_cut(batch, j, place->ranks, fill->limit[j], draft->cuts + n);
        place->cut = (int32_t)n + 1;
        n += place->ranks - 1;
    }
    return CPB_OK;
}

/* Offers of parts for the jobs that may need several ranks. The others can fill up ranks
 * beside them. A key is priced with its time on the wire even where it hides, so that of
 * cuts that take about the same time the one with fewer keys is taken. */
static cpb_status offer_parts(const cpb_batch *batch, cpb_job_offers *offers,
                              cpb_error *error)
{
    const int64_t mean = batch->work / batch->domain->ranks;
    int64_t n = 0, work = 0, tokens = 0;
    cpb_status status;
    for (int64_t j = 0; j < batch->n; j++)
        if (batch->jobs[j].tokens > batch->budget || batch->jobs[j].work > mean)
            n = j + 1;
    for (int64_t j = n; j < batch->n; j++) {
        work += batch->jobs[j].work;
        tokens += batch->jobs[j].tokens;
    }
    CPB_TRY(cpb_offers_create(batch, cpb_min(n, batch->n_alone), offers, error));
    offers->filling = tokens ? work / tokens : 0;
    if (batch->price.overlap != CPB_OVERLAP_NONE)
        offers->key_price = cpb_price_key(&batch->price);
done:
    return status;
}

/* Where jobs in parts do not come close to the mean of the ranks, which a barrier would
 * rule out anyway, there may be too few whole jobs to fill ranks up with: then with all
 * cut evenly, if that is clearly better. */
static cpb_status fill_step(cpb_fill *fill, cpb_error *error)
{
    enum { CLOSE = 64 };
    const cpb_batch *const batch = fill->batch;
    const cpb_job_offers none = {.batch = batch};
    const int64_t mean = cpb_schedule_mean(batch);
    cpb_job_offers offers = none;
    cpb_status status = CPB_OK;
    if (!batch->domain->groups_only)
        CPB_TRY(offer_parts(batch, &offers, error));
    fill->offers = &offers;
    cpb_fill_run(fill);
    const int64_t time = fill->time;
    const bool retry = offers.n && batch->domain->meet == CPB_MEET_STEP;
    if (!retry || !fill->fits || time <= mean + mean / CLOSE)
        return CPB_OK;
    fill->offers = &none;
    cpb_fill_run(fill);
    if (fill->fits && fill->time < time - time / (2 * CLOSE))
        return CPB_OK;
    fill->offers = &offers;
    cpb_fill_run(fill);
done:
    return status;
}

cpb_status cpb_row_free(cpb_batch *batch, cpb_draft *draft, cpb_error *error)
{
    cpb_arena *const arena = batch->scratch;
    const int32_t ranks = batch->domain->ranks;
    const size_t n = (size_t)batch->n;
    cpb_fill fill;
    cpb_status status;
    if (batch->domain->one_size)
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "row 'free' has groups of several sizes; use one with fixed "
                        "groups");
    CPB_TRY(cpb_fill_create(batch, ranks, &fill, error));
    int32_t *const list = cpb_arena_take(arena, n, sizeof *list);
    int32_t *const next = cpb_arena_zeros(arena, (size_t)ranks, sizeof *next);
    open_micro *const open = cpb_arena_zeros(arena, (size_t)ranks, sizeof *open);
    packing p = {.head = fill.head, .next = fill.next};
    if (!list || !next || !open || !cpb_first_fit_create(arena, batch->n, &p.fit))
        return cpb_fail_memory(error);
    for (size_t j = 0; j < n; j++)
        list[j] = (int32_t)j;
    fill.list = list;
    fill.n = batch->n;
    fill.solo = true;
    fill.rounds = ROUNDS;
    fill.place = draft->place;
    CPB_TRY(fill_step(&fill, error));
    if (!fill.fits)
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "the documents find no place on %d ranks", ranks);
    CPB_TRY(list_cuts(&fill, draft, error));
    const int32_t longs = deal_longs(batch, draft, open, next);
    const int32_t all = pack_wholes(batch, draft, &p, fill.host, next);
    draft->micro_batches = (int32_t)cpb_max(longs, all);
    draft->block = 0;
    const int32_t allowed = cpb_batch_micro(batch, draft->micro_batches);
    if (!allowed)
        return cpb_row_fail_micro(batch, draft->micro_batches, error);
    draft->micro_batches = allowed;
done:
    return status;
}
