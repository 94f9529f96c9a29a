// SPDX-License-Identifier: Apache-2.0
/* From a plan and masks to layers and cells. */
#include "scoring.h"

#include "../base/error.h"
#include "../base/range.h"

#include <assert.h>
#include <string.h>

static cpb_status check_masks(const cpb_plan *plan, const cpb_masks *masks,
                              cpb_error *error)
{
    for (size_t m = 0; m < masks->n; m++)
        if (cpb_mask_tokens(masks->mask[m]) != cpb_plan_tokens(plan))
            return cpb_fail(error, CPB_INVALID, (int64_t)m,
                            "mask %lld has %lld tokens, the plan has %lld",
                            (long long)m, (long long)cpb_mask_tokens(masks->mask[m]),
                            (long long)cpb_plan_tokens(plan));
    return CPB_OK;
}

/* Tokens that go from one rank to another, summed over the masks. */
static void note_row(cpb_scoring *s, int32_t receiver, const int64_t *got,
                     int64_t *matrix)
{
    for (int32_t r = 0; r < s->ranks; r++) {
        s->pair_max = cpb_max(s->pair_max, got[r]);
        if (matrix)
            matrix[(size_t)r * (size_t)s->ranks + (size_t)receiver] = got[r];
    }
}

static cpb_status gather_rank(cpb_scoring *s, int32_t r, int64_t *got, int64_t *matrix)
{
    cpb_arena scratch = {.allocator = s->arena->allocator};
    const cpb_own_runs shard = {r, cpb_plan_runs(s->plan, r),
                                cpb_plan_n_runs(s->plan, r)};
    cpb_own_keys own;
    cpb_status status;

    CPB_TRY(cpb_own_keys_create(shard.runs, shard.n_runs, cpb_plan_tokens(s->plan),
                                &scratch, &own));
    cpb_rank_score *const cell = &s->cells[r];
    *cell = (cpb_rank_score){.runs = (int64_t)own.n};
    for (size_t i = 0; i < own.n; i++)
        cell->tokens += cpb_range_length(own.runs[i]);
    if (!own.n && s->setup->transport == CPB_EXCHANGE && !s->setup->nodes)
        goto done; /* needs nothing; there may be many such ranks */
    memset(got, 0, (size_t)s->ranks * sizeof *got);
    for (size_t m = 0; m < s->masks->n; m++)
        CPB_TRY(cpb_layer_add_rank(&s->layers[m], &shard, &own, &scratch, got));
    note_row(s, r, got, matrix);
done:
    cpb_arena_free(&scratch);
    return status;
}

/* Whether the ranks so far show that the step takes longer than the limit. */
static bool passes_limit(const cpb_scoring *s, int32_t rank)
{
    cpb_wide floor = 0;
    if (s->limit == INT64_MAX)
        return false;
    for (size_t m = 0; m < s->masks->n; m++)
        floor += cpb_scoring_weight(s, m) * cpb_layer_step_floor(&s->layers[m], rank);
    return floor > s->limit;
}

cpb_status cpb_scoring_gather(cpb_scoring *s, int64_t *matrix, cpb_error *error)
{
    cpb_status status;
    int64_t *const got = cpb_arena_take(s->arena, (size_t)s->ranks, sizeof *got);
    s->layers = cpb_arena_zeros(s->arena, s->masks->n, sizeof *s->layers);
    if (!got || !s->layers)
        return cpb_fail_memory(error);
    CPB_TRY(cpb_owners_create(s->plan, s->arena, &s->owners));
    CPB_TRY(cpb_owners_tally(&s->owners, s->arena));
    for (size_t m = 0; m < s->masks->n; m++)
        CPB_TRY(cpb_layer_start(&s->layers[m], s->masks->mask[m],
                                cpb_scoring_weight(s, m), s->setup, s->plan, &s->owners,
                                s->arena));
    for (int32_t r = 0; r < s->ranks && !s->stopped; r++) {
        CPB_TRY(gather_rank(s, r, got, matrix));
        s->stopped = passes_limit(s, r);
    }
    for (size_t m = 0; m < s->masks->n; m++)
        CPB_TRY(cpb_layer_finish(&s->layers[m]));
done:
    for (size_t m = 0; m < s->masks->n; m++)
        cpb_layer_free(&s->layers[m]);
    return status == CPB_OK ? CPB_OK : cpb_fail_memory(error);
}

cpb_status cpb_scoring_start(cpb_scoring *s, const cpb_plan *plan,
                             const cpb_masks *masks, const cpb_setup *setup,
                             cpb_arena *arena, cpb_rank_score *cells, cpb_error *error)
{
    cpb_status status;
    *s = (cpb_scoring){
        .plan = plan,
        .masks = masks,
        .setup = setup,
        .ranks = cpb_plan_ranks(plan),
        .arena = arena,
        .cells = cells,
        .limit = INT64_MAX,
    };
    assert(masks->n);
    CPB_TRY(cpb_setup_check(setup, s->ranks, error));
    CPB_TRY(check_masks(plan, masks, error));
    if (!s->cells)
        s->cells = cpb_arena_take(arena, (size_t)s->ranks, sizeof *s->cells);
    if (!s->cells)
        status = cpb_fail_memory(error);
done:
    return status;
}

bool cpb_add_weighted(int64_t *sum, int64_t weight, cpb_wide value)
{
    const cpb_wide total = *sum + value * weight;
    *sum = total > INT64_MAX ? INT64_MAX : (int64_t)total;
    return total <= INT64_MAX;
}

cpb_status cpb_fail_large(cpb_error *error)
{
    return cpb_fail(
        error, CPB_TOO_LARGE, -1,
        "a modelled time passes %lld ps; use more ranks, smaller weights or "
        "a profile with lower prices",
        (long long)INT64_MAX);
}

static bool sum_cell(const cpb_scoring *s, size_t m, int32_t r, cpb_rank_score *cell)
{
    const cpb_layer *const layer = &s->layers[m];
    const cpb_layer_cell *const part = &layer->cells[r];
    const int64_t weight = cpb_scoring_weight(s, m);
    const cpb_wide compute = cpb_layer_compute(layer, r);
    const cpb_wide load =
        s->setup->cost == CPB_PROFILE_TIME
            ? compute
            : cpb_setup_slowed(s->setup, s->ranks, r,
                               s->setup->cost == CPB_PAIRS ? part->cost.pairs
                                                           : part->cost.tiles);
    const int64_t memory =
        (cell->tokens + part->receive) * cpb_setup_key_bytes(s->setup);
    cell->memory = cpb_max(cell->memory, memory);
    return cpb_add_weighted(&cell->pairs, weight, part->cost.pairs) &&
           cpb_add_weighted(&cell->own_pairs, weight, part->cost.own_pairs) &&
           cpb_add_weighted(&cell->tiles, weight, part->cost.tiles) &&
           cpb_add_weighted(&cell->compute, weight, compute) &&
           cpb_add_weighted(&cell->load, weight, load) &&
           cpb_add_weighted(&cell->receive, weight, part->receive) &&
           cpb_add_weighted(&cell->send, weight, part->send);
}

cpb_status cpb_scoring_sum(cpb_scoring *s, cpb_error *error)
{
    bool fits = true;
    for (int32_t r = 0; r < s->ranks; r++)
        for (size_t m = 0; m < s->masks->n; m++)
            fits = sum_cell(s, m, r, &s->cells[r]) && fits;
    for (int32_t r = 0; r < s->ranks; r++)
        s->cells[r].peers = cpb_layers_peers(s->layers, s->masks->n, r);
    return fits ? CPB_OK : cpb_fail_large(error);
}

cpb_status cpb_scoring_step(const cpb_scoring *s, int64_t *step, cpb_error *error)
{
    *step = 0;
    for (size_t m = 0; m < s->masks->n; m++)
        if (!cpb_add_weighted(step, cpb_scoring_weight(s, m),
                              cpb_layer_step(&s->layers[m])))
            return cpb_fail_large(error);
    return CPB_OK;
}
