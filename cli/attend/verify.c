// SPDX-License-Identifier: Apache-2.0
/* Comparing a rank's results with dense attention: every position of a short sequence, a
 * seeded sample of a long one. Gradients of keys need log-sum-exps of all queries: dense
 * ones where the sequence is short, else those of the run, which are sampled too. */
#include "../message.h"
#include "run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 64 };

/* What one rank compares. */
typedef struct state {
    const run_job *job;
    const cpb_link *link;
    const run_arrays *a;
    run_result *result;
    cpb_attention shape;
    bool whole;
    size_t n;
    int64_t *slots, *positions; /* [n] of the shard, and in the sequence */
    double *stats;              /* [queries][q_heads][2] log-sum-exps and deltas */
    size_t block;               /* most positions at once */
    double *dense[RUN_N];       /* results of a block */
} state;

static cpb_status no_memory(cpb_error *error)
{
    fail_memory(error);
    return CPB_NO_MEMORY;
}

static void pick(state *s, int64_t slot, int64_t position)
{
    if (position >= cpb_plan_tokens(s->job->plan))
        return;
    s->slots[s->n] = slot;
    s->positions[s->n++] = position;
}

/* Pick own positions of `range`. */
static void pick_range(state *s, cpb_range range)
{
    const int32_t rank = s->link->rank;
    const cpb_range *const runs = cpb_plan_runs(s->job->plan, rank);
    int64_t first = 0; /* slot of the run */
    for (size_t i = 0; i < cpb_plan_n_runs(s->job->plan, rank); i++) {
        const int64_t low = range.begin > runs[i].begin ? range.begin : runs[i].begin;
        const int64_t high = range.end < runs[i].end ? range.end : runs[i].end;
        for (int64_t at = low; at < high; at++)
            pick(s, first + at - runs[i].begin, at);
        first += runs[i].end - runs[i].begin;
    }
}

static cpb_status choose(state *s, cpb_error *error)
{
    const int64_t tokens = cpb_plan_tokens(s->job->plan);
    const size_t most = s->whole ? (size_t)s->a->sizes.queries + 1 : SAMPLE;
    s->slots = malloc(most * sizeof *s->slots);
    s->positions = malloc(most * sizeof *s->positions);
    if (!s->slots || !s->positions)
        return no_memory(error);
    if (s->whole)
        pick_range(s, (cpb_range){0, tokens});
    for (int64_t i = 0; i < SAMPLE && !s->whole; i++) {
        const int64_t at = numbers_draw(s->job->dense.seed, i, tokens);
        pick_range(s, (cpb_range){at, at + 1});
    }
    s->result->checked = (int64_t)s->n;
    return CPB_OK;
}

static cpb_status allocate(state *s, cpb_error *error)
{
    const size_t width = (size_t)(s->shape.q_heads * s->shape.head_dim) + 1;
    s->block = dense_most(&s->job->dense);
    s->stats = calloc(2 * (size_t)(s->a->sizes.queries * s->shape.q_heads) + 1,
                      sizeof *s->stats);
    for (int i = 0; i < RUN_N; i++) {
        s->dense[i] = malloc(s->block * width * sizeof **s->dense);
        if (!s->dense[i])
            return no_memory(error);
    }
    return s->stats ? CPB_OK : no_memory(error);
}

static void compare(run_result *result, run_array array, const float *got,
                    const double *dense, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const bool nothing = isinf(dense[i]) && (double)got[i] == dense[i];
        const double error = nothing ? 0 : fabs((double)got[i] - dense[i]);
        if (!(error <= result->error[array])) /* NaN stays */
            result->error[array] = error;
        if (!nothing)
            result->largest[array] = fmax(result->largest[array], fabs(dense[i]));
    }
}

static double dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Log-sum-exps and deltas as the run left them. */
static void take_stats(state *s)
{
    const int64_t dim = s->shape.head_dim;
    for (int64_t i = 0; i < s->a->sizes.queries * s->shape.q_heads; i++) {
        s->stats[2 * i] = (double)s->a->lse[i];
        s->stats[2 * i + 1] = dot(s->a->out + i * dim, s->a->dout + i * dim, dim);
    }
}

/* Compare `n` picks from `first` on, and keep what gradients of keys need. */
static cpb_status check_queries(state *s, size_t first, size_t n, double *delta,
                                cpb_error *error)
{
    const bool back = s->job->backward;
    const int64_t heads = s->shape.q_heads, width = heads * s->shape.head_dim;
    const dense_queries queries = {.n = n,
                                   .positions = s->positions + first,
                                   .out = s->dense[RUN_OUT],
                                   .lse = s->dense[RUN_LSE],
                                   .dq = back ? s->dense[RUN_DQ] : NULL,
                                   .delta = delta};
    if (!dense_compute_queries(&s->job->dense, &queries, error))
        return CPB_NO_MEMORY;
    for (int64_t i = 0; i < (int64_t)n; i++) {
        const int64_t slot = s->slots[first + (size_t)i];
        compare(s->result, RUN_OUT, s->a->out + slot * width, queries.out + i * width,
                width);
        compare(s->result, RUN_LSE, s->a->lse + slot * heads, queries.lse + i * heads,
                heads);
        if (back)
            compare(s->result, RUN_DQ, s->a->dq + slot * width, queries.dq + i * width,
                    width);
        for (int64_t h = 0; h < heads && back && s->whole; h++) {
            s->stats[2 * (slot * heads + h)] = queries.lse[i * heads + h];
            s->stats[2 * (slot * heads + h) + 1] = delta[i * heads + h];
        }
    }
    return CPB_OK;
}

/* Steps of the bar for `done` of all picks, twice where keys follow queries. */
static void show(const state *s, size_t before, size_t done, size_t all)
{
    bar_add(s->job->bar,
            (int64_t)(done * BAR_STEPS / all) - (int64_t)(before * BAR_STEPS / all));
}

static cpb_status check_all_queries(state *s, cpb_error *error)
{
    double *const delta = calloc(s->block * (size_t)s->shape.q_heads, sizeof *delta);
    cpb_status status = delta ? CPB_OK : no_memory(error);
    for (size_t i = 0; i < s->n && status == CPB_OK; i += s->block) {
        const size_t n = s->n - i < s->block ? s->n - i : s->block;
        status = check_queries(s, i, n, delta, error);
        show(s, i, i + n, s->n);
    }
    free(delta);
    return status;
}

static cpb_status check_keys(state *s, int64_t head, const double *stats,
                             cpb_error *error)
{
    const int64_t dim = s->shape.head_dim, row = s->a->sizes.kv_row;
    for (size_t i = 0; i < s->n; i += s->block) {
        const dense_keys keys = {.n = s->n - i < s->block ? s->n - i : s->block,
                                 .positions = s->positions + i,
                                 .head = head,
                                 .stats = stats,
                                 .dk = s->dense[RUN_DK],
                                 .dv = s->dense[RUN_DV]};
        if (!dense_compute_keys(&s->job->dense, &keys, error))
            return CPB_NO_MEMORY;
        for (size_t j = 0; j < keys.n; j++) {
            const float *const got = s->a->dkv + s->slots[i + j] * row + head * dim;
            compare(s->result, RUN_DK, got, keys.dk + (int64_t)j * dim, dim);
            compare(s->result, RUN_DV, got + s->shape.kv_heads * dim,
                    keys.dv + (int64_t)j * dim, dim);
        }
    }
    return CPB_OK;
}

/* Every rank gets the log-sum-exps and deltas of one key head's queries. */
static cpb_status spread_stats(const state *s, int64_t head, double *mine, double *all,
                               cpb_error *error)
{
    const int64_t group = s->shape.q_heads / s->shape.kv_heads;
    const size_t row = 2 * (size_t)group * sizeof *mine;
    for (int64_t slot = 0; slot < s->a->sizes.queries; slot++)
        memcpy(mine + 2 * slot * group,
               s->stats + 2 * (slot * s->shape.q_heads + head * group), row);
    return cpb_attend_unshard(s->job->plan, s->link, -1, mine, row, all, NULL, error);
}

static cpb_status check_all_keys(state *s, cpb_error *error)
{
    const int64_t heads = s->shape.kv_heads;
    const size_t row = 2 * (size_t)(s->shape.q_heads / heads);
    const size_t n =
        (size_t)(cpb_plan_tokens(s->job->plan) + cpb_plan_padding(s->job->plan));
    double *const mine = malloc(((size_t)s->a->sizes.queries + 1) * row * sizeof *mine);
    double *const all = malloc(n * row * sizeof *all);
    cpb_status status = mine && all ? CPB_OK : no_memory(error);
    if (!s->whole)
        take_stats(s);
    for (int64_t head = 0; head < heads && status == CPB_OK; head++) {
        status = spread_stats(s, head, mine, all, error);
        if (status == CPB_OK)
            status = check_keys(s, head, all, error);
        show(s, (size_t)head, (size_t)head + 1, (size_t)heads);
    }
    free(mine);
    free(all);
    return status;
}

cpb_status run_verify(const run_job *job, const cpb_link *link, const run_arrays *a,
                      run_result *result, cpb_error *error)
{
    state s = {.job = job,
               .link = link,
               .a = a,
               .result = result,
               .shape = job->dense.shape,
               .whole = cpb_plan_tokens(job->plan) <= RUN_WHOLE};
    cpb_status status = choose(&s, error);
    if (status == CPB_OK)
        status = allocate(&s, error);
    if (status == CPB_OK)
        status = check_all_queries(&s, error);
    if (status == CPB_OK && job->backward)
        status = check_all_keys(&s, error);
    for (int i = 0; i < RUN_N; i++)
        free(s.dense[i]);
    free(s.stats);
    free(s.slots);
    free(s.positions);
    return status;
}
