// SPDX-License-Identifier: Apache-2.0
/* The score: every figure of docs/formats.md, from the plan alone. */
#include "step.h"

#include "receive_floor.h"
#include "score_layer.h"

#include "../balance/bound.h"
#include "../base/error.h"

#include <assert.h>
#include <string.h>

/* Everything a score gathers before it is summed up. */
typedef struct scoring {
    const cpb_plan *plan;
    const cpb_masks *masks;
    const cpb_setup *setup;
    int32_t ranks;
    cpb_arena *arena;
    cpb_layer *layers;     /* [masks->n] */
    cpb_rank_score *cells; /* [ranks] */
    int64_t pair_max;
    int64_t limit; /* stop as soon as the step time is known to be longer */
    bool stopped;
} scoring;

static int64_t weight_of(const cpb_masks *masks, size_t m)
{
    return masks->weight ? masks->weight[m] : 1;
}

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

/* Stretches of one document in the runs of a rank. */
static int64_t count_segments(const cpb_mask *mask, const cpb_own_keys *own)
{
    int64_t segments = 0;
    for (size_t i = 0; i < own->n; i++) {
        int64_t q = own->runs[i].begin;
        size_t d = cpb_document_of(mask->n_documents, mask->document_ends, q);
        for (; q < own->runs[i].end; d++) {
            segments += mask->document_ends[d] > q;
            q = cpb_max(q, mask->document_ends[d]);
        }
    }
    return segments;
}

/* Tokens that go from one rank to another, summed over the masks. */
static void note_row(scoring *s, int32_t receiver, const int64_t *got, int64_t *matrix)
{
    for (int32_t r = 0; r < s->ranks; r++) {
        s->pair_max = cpb_max(s->pair_max, got[r]);
        if (matrix)
            matrix[(size_t)r * (size_t)s->ranks + (size_t)receiver] = got[r];
    }
}

static cpb_status gather_rank(scoring *s, int32_t r, int64_t *got, int64_t *matrix)
{
    cpb_arena scratch = {.allocator = s->arena->allocator};
    const cpb_shard shard = {r, cpb_plan_runs(s->plan, r), cpb_plan_n_runs(s->plan, r)};
    cpb_own_keys own;
    cpb_status status;

    CPB_TRY(cpb_own_keys_create(shard.runs, shard.n_runs, cpb_plan_tokens(s->plan),
                                &scratch, &own));
    cpb_rank_score *const cell = &s->cells[r];
    *cell = (cpb_rank_score){
        .runs = (int64_t)own.n,
        .segments = count_segments(s->masks->mask[0], &own),
    };
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

/* Add weight * value, or report that the sum is too large. */
static bool add_weighted(int64_t *sum, int64_t weight, cpb_wide value)
{
    const cpb_wide total = *sum + value * weight;
    *sum = total > INT64_MAX ? INT64_MAX : (int64_t)total;
    return total <= INT64_MAX;
}

static cpb_status fail_large(cpb_error *error)
{
    return cpb_fail(
        error, CPB_TOO_LARGE, -1,
        "a modelled time passes %lld ps; use more ranks, smaller weights or "
        "a profile with lower prices",
        (long long)INT64_MAX);
}

static bool sum_cell(const scoring *s, size_t m, int32_t r, cpb_rank_score *cell)
{
    const cpb_layer *const layer = &s->layers[m];
    const cpb_layer_cell *const part = &layer->cells[r];
    const int64_t weight = weight_of(s->masks, m);
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
    return add_weighted(&cell->pairs, weight, part->cost.pairs) &&
           add_weighted(&cell->own_pairs, weight, part->cost.own_pairs) &&
           add_weighted(&cell->tiles, weight, part->cost.tiles) &&
           add_weighted(&cell->compute, weight, compute) &&
           add_weighted(&cell->load, weight, load) &&
           add_weighted(&cell->receive, weight, part->receive) &&
           add_weighted(&cell->send, weight, part->send);
}

static cpb_status sum_cells(scoring *s, cpb_error *error)
{
    bool fits = true;
    for (int32_t r = 0; r < s->ranks; r++)
        for (size_t m = 0; m < s->masks->n; m++)
            fits = sum_cell(s, m, r, &s->cells[r]) && fits;
    for (int32_t r = 0; r < s->ranks; r++)
        s->cells[r].peers = cpb_layers_peers(s->layers, s->masks->n, r);
    return fits ? CPB_OK : fail_large(error);
}

/* Chunk costs are exact, hence good for a bound, where no q-tile holds two chunks. */
static bool chunks_are_exact(const cpb_promise *promise, const cpb_setup *setup)
{
    if (promise->granularity == 1)
        return false;
    if (setup->cost == CPB_PAIRS)
        return true;
    if (setup->kernel == CPB_VARLEN)
        return false;
    return promise->chunk % cpb_setup_tiling(setup).tile_q == 0;
}

static cpb_status chunk_bound(const scoring *s, int64_t *bound, cpb_error *error)
{
    const cpb_promise *const promise = cpb_plan_promise(s->plan);
    const int64_t positions = cpb_plan_tokens(s->plan) + cpb_plan_padding(s->plan);
    const int64_t n = cpb_ceil_div(positions, promise->chunk);
    cpb_arena scratch = {.allocator = s->arena->allocator};
    cpb_work *work = NULL;
    cpb_status status = CPB_OK;

    int64_t *const cost = cpb_arena_zeros(&scratch, (size_t)n, sizeof *cost);
    int64_t *const part = cpb_arena_take(&scratch, (size_t)n, sizeof *part);
    if (!cost || !part) {
        status = cpb_fail_memory(error);
        goto done;
    }
    for (size_t m = 0; m < s->masks->n; m++) {
        CPB_TRY(cpb_work_create(s->masks->mask[m], s->setup, &s->arena->allocator,
                                &work, error));
        cpb_work_chunks(work, promise->chunk, n, part);
        for (int64_t c = 0; c < n; c++)
            cost[c] += weight_of(s->masks, m) * part[c];
        cpb_work_free(work);
        work = NULL;
    }
    const cpb_load_problem problem = {
        .n = n,
        .cost = cost,
        .ranks = s->ranks,
        .seats = cpb_seats_of(promise->sizes, positions, promise->chunk, s->ranks,
                              promise->cap),
        .speeds = cpb_setup_speeds(s->setup, s->ranks),
    };
    if (cpb_load_bound(&problem, &scratch, bound) != CPB_OK)
        status = cpb_fail_memory(error);
done:
    cpb_work_free(work);
    cpb_arena_free(&scratch);
    return status;
}

/* The ranks are as fast together as this many of the fastest, in units of 1 / fastest. */
static int64_t joint_speed(const scoring *s, int64_t *fastest)
{
    int64_t sum = 0;
    *fastest = 1;
    if (!s->setup->speeds)
        return s->ranks;
    for (int32_t r = 0; r < s->ranks; r++) {
        sum += s->setup->speeds[r];
        *fastest = cpb_max(*fastest, s->setup->speeds[r]);
    }
    return sum;
}

/* If no slowed load exceeds L, the loads sum to at most L times joint speed / fastest. */
static int64_t token_bound(const scoring *s)
{
    cpb_wide total = 0;
    int64_t query = 0;
    for (size_t m = 0; m < s->masks->n; m++) {
        const cpb_floor floor = cpb_work_floor(s->masks->mask[m], s->setup);
        total += floor.total * weight_of(s->masks, m);
        query = cpb_max(query, floor.query);
    }
    int64_t fastest;
    const int64_t speed = joint_speed(s, &fastest);
    return cpb_max(query, (int64_t)((total * fastest + speed - 1) / speed));
}

static cpb_status set_loads(const scoring *s, cpb_score *score, cpb_error *error)
{
    cpb_wide total = 0;
    for (int32_t r = 0; r < s->ranks; r++) {
        total += s->cells[r].load;
        score->load_max = cpb_max(score->load_max, s->cells[r].load);
    }
    score->load_mean = (double)total / s->ranks;
    score->load_bound = token_bound(s);
    if (chunks_are_exact(cpb_plan_promise(s->plan), s->setup)) {
        int64_t bound;
        if (chunk_bound(s, &bound, error) != CPB_OK)
            return CPB_NO_MEMORY;
        score->load_bound = cpb_max(score->load_bound, bound);
    }
    if (total > 0)
        score->imbalance = (double)score->load_max / score->load_mean - 1;
    if (score->load_bound > 0)
        score->gap = (double)score->load_max / (double)score->load_bound - 1;
    return CPB_OK;
}

static void set_maxima(const scoring *s, cpb_score *score)
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

/* Node traffic and step times, mask by mask. */
static cpb_status set_times(const scoring *s, cpb_score *score, cpb_error *error)
{
    const int32_t nodes = s->setup->nodes;
    int64_t *const in = cpb_arena_zeros(s->arena, (size_t)nodes, sizeof *in);
    int64_t *const out = cpb_arena_zeros(s->arena, (size_t)nodes, sizeof *out);
    if (!in || !out)
        return cpb_fail_memory(error);
    for (size_t m = 0; m < s->masks->n; m++) {
        const int64_t weight = weight_of(s->masks, m);
        const cpb_layer *const layer = &s->layers[m];
        for (int32_t i = 0; i < nodes; i++) {
            in[i] += weight * layer->net_in[i];
            out[i] += weight * layer->net_out[i];
        }
        if (!add_weighted(&score->step_time, weight, cpb_layer_step(layer)))
            return fail_large(error);
    }
    for (int32_t i = 0; i < nodes; i++) {
        score->net_in_max = cpb_max(score->net_in_max, in[i]);
        score->net_out_max = cpb_max(score->net_out_max, out[i]);
    }
    return CPB_OK;
}

/* Tiles of the original order: one rank that holds everything. */
static cpb_status set_tiles_added(const scoring *s, cpb_score *score, cpb_error *error)
{
    const cpb_range whole = {0, cpb_plan_tokens(s->plan)};
    score->tiles_added = score->tiles;
    for (size_t m = 0; m < s->masks->n; m++) {
        int64_t tiles;
        if (cpb_layer_tiles(&s->layers[m], &whole, 1, &tiles) != CPB_OK)
            return cpb_fail_memory(error);
        score->tiles_added -= weight_of(s->masks, m) * tiles;
    }
    return CPB_OK;
}

/* The largest load that the tolerance lets a rank have, as this plan's mean and bound
 * say, bounds what any plan must move. */
static cpb_status set_receive_bounds(const scoring *s, cpb_score *score,
                                     cpb_error *error)
{
    const cpb_wide million = 1000000;
    const cpb_wide share = million + cpb_plan_promise(s->plan)->tolerance_ppm;
    cpb_wide sum = 0;
    for (int32_t r = 0; r < s->ranks; r++)
        sum += s->cells[r].load;
    const cpb_wide by_mean = sum * share / (million * s->ranks);
    const cpb_wide by_bound = score->load_bound * share / million;
    for (size_t m = 0; m < s->masks->n; m++) {
        const int64_t weight = weight_of(s->masks, m);
        cpb_receive_floor floor;
        const cpb_wide load = (by_mean > by_bound ? by_mean : by_bound) / weight;
        if (cpb_receive_floor_of(s->plan, s->masks->mask[m], s->setup, load,
                                 &s->arena->allocator, &floor) != CPB_OK)
            return cpb_fail_memory(error);
        score->receive_bound += weight * floor.total;
        score->receive_max_bound =
            cpb_max(score->receive_max_bound, weight * floor.most);
    }
    score->receive_max_bound =
        cpb_max(score->receive_max_bound, cpb_ceil_div(score->receive_bound, s->ranks));
    return CPB_OK;
}

/* Whether the ranks so far show that the step takes longer than the limit. */
static bool passes_limit(const scoring *s, int32_t rank)
{
    cpb_wide floor = 0;
    if (s->limit == INT64_MAX)
        return false;
    for (size_t m = 0; m < s->masks->n; m++)
        floor += weight_of(s->masks, m) * cpb_layer_step_floor(&s->layers[m], rank);
    return floor > s->limit;
}

static cpb_status gather(scoring *s, int64_t *matrix, cpb_error *error)
{
    cpb_owners owners;
    cpb_status status;
    int64_t *const got = cpb_arena_take(s->arena, (size_t)s->ranks, sizeof *got);
    s->layers = cpb_arena_zeros(s->arena, s->masks->n, sizeof *s->layers);
    if (!got || !s->layers)
        return cpb_fail_memory(error);
    CPB_TRY(cpb_owners_create(s->plan, s->arena, &owners));
    CPB_TRY(cpb_owners_tally(&owners, s->arena));
    for (size_t m = 0; m < s->masks->n; m++)
        CPB_TRY(cpb_layer_start(&s->layers[m], s->masks->mask[m],
                                weight_of(s->masks, m), s->setup, s->plan, &owners,
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

static cpb_status start(scoring *s, const cpb_plan *plan, const cpb_masks *masks,
                        const cpb_setup *setup, cpb_arena *arena, cpb_rank_score *cells,
                        cpb_error *error)
{
    cpb_status status;
    *s = (scoring){
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

/* What the layers take together if no rank waits for the wire. */
static int64_t longest_compute(const scoring *s)
{
    cpb_wide sum = 0;
    for (size_t m = 0; m < s->masks->n; m++) {
        cpb_wide longest = 0;
        for (int32_t r = 0; r < s->ranks; r++) {
            const cpb_wide compute = cpb_layer_compute(&s->layers[m], r);
            longest = compute > longest ? compute : longest;
        }
        sum += weight_of(s->masks, m) * longest;
    }
    return sum < INT64_MAX ? (int64_t)sum : INT64_MAX;
}

cpb_status cpb_step_within(const cpb_plan *plan, const cpb_masks *masks,
                           const cpb_setup *setup, int64_t limit,
                           const cpb_allocator *allocator, int64_t *step,
                           int64_t *compute, cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_score score = {0};
    scoring s;
    cpb_status status;

    CPB_TRY(start(&s, plan, masks, setup, &arena, NULL, error));
    s.limit = limit;
    CPB_TRY(gather(&s, NULL, error));
    if (!s.stopped)
        CPB_TRY(set_times(&s, &score, error));
    *step = s.stopped ? INT64_MAX : score.step_time;
    *compute = longest_compute(&s);
done:
    cpb_arena_free(&arena);
    return status;
}

cpb_status cpb_score_plan(const cpb_plan *plan, const cpb_masks *masks,
                          const cpb_setup *setup, const cpb_allocator *allocator,
                          cpb_score *score, cpb_rank_score *ranks, int64_t *matrix,
                          cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    scoring s;
    cpb_status status;

    assert(score);
    *score = (cpb_score){0};
    CPB_TRY(start(&s, plan, masks, setup, &arena, ranks, error));
    if (matrix)
        memset(matrix, 0, (size_t)s.ranks * (size_t)s.ranks * sizeof *matrix);
    CPB_TRY(gather(&s, matrix, error));
    CPB_TRY(sum_cells(&s, error));
    set_maxima(&s, score);
    CPB_TRY(set_loads(&s, score, error));
    CPB_TRY(set_receive_bounds(&s, score, error));
    CPB_TRY(set_times(&s, score, error));
    CPB_TRY(set_tiles_added(&s, score, error));
done:
    cpb_arena_free(&arena);
    return status;
}
