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
            if (last->ranks != place->ranks || last->tokens + held > batch->budget) {
                *last = (open_micro){.ranks = place->ranks};
                for (int32_t r = place->first; r < place->first + place->ranks; r++)
                    last->micro = (int32_t)cpb_max(last->micro, next[r]);
                for (int32_t r = place->first; r < place->first + place->ranks; r++)
                    next[r] = last->micro + 1;
                most = (int32_t)cpb_max(most, last->micro + 1);
            }
            last->tokens += held;
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
                           const int32_t *next)
{
    int32_t most = 0;
    for (int32_t r = 0; r < batch->domain->ranks; r++)
        p->head[r] = -1;
    for (int64_t j = batch->n; j-- > 0;) {
        if (draft->place[j].ranks > 1)
            continue;
        p->next[j] = p->head[draft->place[j].first];
        p->head[draft->place[j].first] = (int32_t)j;
    }
    for (int32_t r = 0; r < batch->domain->ranks; r++)
        most = (int32_t)cpb_max(most, pack_rank(batch, draft, p, r, next[r]));
    return most;
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
    cpb_fill_run(&fill);
    if (!fill.fits)
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "the documents find no place on %d ranks", ranks);
    const int32_t longs = deal_longs(batch, draft, open, next);
    const int32_t all = pack_wholes(batch, draft, &p, next);
    draft->micro_batches = (int32_t)cpb_max(longs, all);
    draft->block = 0;
    const int32_t allowed = cpb_batch_micro(batch, draft->micro_batches);
    if (!allowed)
        return cpb_row_fail_micro(batch, draft->micro_batches, error);
    draft->micro_batches = allowed;
done:
    return status;
}
