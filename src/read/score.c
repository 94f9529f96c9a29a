// SPDX-License-Identifier: Apache-2.0
/* The score: every figure of docs/formats.md, from the plan alone. */
#include "scoring.h"

#include "../base/error.h"
#include "../base/range.h"

#include <assert.h>
#include <string.h>

static cpb_status set_loads(const cpb_scoring *s, cpb_score *score, cpb_error *error)
{
    cpb_wide total = 0;
    for (int32_t r = 0; r < s->ranks; r++) {
        total += s->cells[r].load;
        score->load_max = cpb_max(score->load_max, s->cells[r].load);
    }
    score->load_mean = (double)total / s->ranks;
    const cpb_status status = cpb_bound_loads(s, &score->load_bound, error);
    if (status != CPB_OK)
        return status;
    if (total > 0)
        score->imbalance = (double)score->load_max / score->load_mean - 1;
    if (score->load_bound > 0)
        score->gap = (double)score->load_max / (double)score->load_bound - 1;
    return CPB_OK;
}

/* Stretches of one document in the runs of a rank. */
static int64_t count_segments(const cpb_scoring *s, int32_t rank)
{
    const cpb_mask *const mask = s->masks->mask[0];
    const cpb_range *const runs = cpb_plan_runs(s->plan, rank);
    int64_t segments = 0;
    size_t first = 0;
    for (size_t i = 0; i < cpb_plan_n_runs(s->plan, rank); i++) {
        const int64_t end = cpb_min(runs[i].end, mask->tokens);
        int64_t q = runs[i].begin;
        if (q >= end)
            continue;
        first = cpb_document_near(mask, first, q);
        for (size_t d = first; q < end; d++) {
            segments += mask->document_ends[d] > q;
            q = cpb_max(q, mask->document_ends[d]);
        }
    }
    return segments;
}

static void set_segments(cpb_scoring *s)
{
    for (int32_t r = 0; r < s->ranks; r++)
        s->cells[r].segments = count_segments(s, r);
}

static void set_maxima(const cpb_scoring *s, cpb_score *score)
{
    cpb_wide pairs = 0, own = 0;
    score->pair_max = s->pair_max;
    for (int32_t r = 0; r < s->ranks; r++) {
        const cpb_rank_score *const cell = &s->cells[r];
        pairs += cell->pairs;
        own += cell->own_pairs;
        score->tiles += cell->tiles;
        score->receive_total += cell->receive;
        score->receive_max = cpb_max(score->receive_max, cell->receive);
        score->send_max = cpb_max(score->send_max, cell->send);
        score->runs_max = cpb_max(score->runs_max, cell->runs);
        score->segments_max = cpb_max(score->segments_max, cell->segments);
        score->memory_max = cpb_max(score->memory_max, cell->memory);
        score->peers_max = (int32_t)cpb_max(score->peers_max, cell->peers);
    }
    score->own_work = pairs ? (double)own / (double)pairs : 1;
}

/* What goes over the cards of nodes. */
static cpb_status set_cards(const cpb_scoring *s, cpb_score *score, cpb_error *error)
{
    const int32_t nodes = s->setup->nodes;
    int64_t *const in = cpb_arena_zeros(s->arena, (size_t)nodes, sizeof *in);
    int64_t *const out = cpb_arena_zeros(s->arena, (size_t)nodes, sizeof *out);
    if (!in || !out)
        return cpb_fail_memory(error);
    for (size_t m = 0; m < s->masks->n; m++)
        for (int32_t i = 0; i < nodes; i++) {
            in[i] += cpb_scoring_weight(s, m) * s->layers[m].net_in[i];
            out[i] += cpb_scoring_weight(s, m) * s->layers[m].net_out[i];
        }
    for (int32_t i = 0; i < nodes; i++) {
        score->net_in_max = cpb_max(score->net_in_max, in[i]);
        score->net_out_max = cpb_max(score->net_out_max, out[i]);
    }
    return CPB_OK;
}

/* What relays make of sends. Each mask has an exchange of its own. */
static cpb_status set_relayed(const cpb_scoring *s, cpb_score *score, cpb_error *error)
{
    const size_t ranks = (size_t)s->ranks;
    int64_t *const send = cpb_arena_take(s->arena, ranks, sizeof *send);
    int64_t *const sum = cpb_arena_zeros(s->arena, ranks, sizeof *sum);
    if (!send || !sum)
        return cpb_fail_memory(error);
    for (size_t m = 0; m < s->masks->n; m++) {
        if (cpb_layer_relay(&s->layers[m], send) != CPB_OK)
            return cpb_fail_memory(error);
        for (size_t r = 0; r < ranks; r++)
            if (!cpb_add_weighted(&sum[r], cpb_scoring_weight(s, m), send[r]))
                return cpb_fail_large(error);
    }
    for (size_t r = 0; r < ranks; r++)
        score->relay_send_max = cpb_max(score->relay_send_max, sum[r]);
    return CPB_OK;
}

/* Tiles of the original order: one rank that holds everything. */
static cpb_status set_tiles_added(const cpb_scoring *s, cpb_score *score,
                                  cpb_error *error)
{
    const cpb_range whole = {0, cpb_plan_tokens(s->plan)};
    score->tiles_added = score->tiles;
    for (size_t m = 0; m < s->masks->n; m++) {
        int64_t tiles;
        if (cpb_layer_tiles(&s->layers[m], &whole, 1, &tiles) != CPB_OK)
            return cpb_fail_memory(error);
        score->tiles_added -= cpb_scoring_weight(s, m) * tiles;
    }
    return CPB_OK;
}

cpb_status cpb_score_plan(const cpb_plan *plan, const cpb_masks *masks,
                          const cpb_setup *setup, const cpb_allocator *allocator,
                          cpb_score *score, cpb_rank_score *ranks, int64_t *matrix,
                          cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_scoring s;
    cpb_status status;

    assert(score);
    *score = (cpb_score){0};
    CPB_TRY(cpb_scoring_start(&s, plan, masks, setup, &arena, ranks, error));
    if (matrix)
        memset(matrix, 0, (size_t)s.ranks * (size_t)s.ranks * sizeof *matrix);
    CPB_TRY(cpb_scoring_gather(&s, matrix, error));
    CPB_TRY(cpb_scoring_sum(&s, error));
    set_segments(&s);
    set_maxima(&s, score);
    CPB_TRY(set_loads(&s, score, error));
    CPB_TRY(cpb_bound_traffic(&s, score, error));
    CPB_TRY(set_cards(&s, score, error));
    CPB_TRY(set_relayed(&s, score, error));
    CPB_TRY(cpb_scoring_step(&s, &score->step_time, error));
    CPB_TRY(set_tiles_added(&s, score, error));
done:
    cpb_arena_free(&arena);
    return status;
}
