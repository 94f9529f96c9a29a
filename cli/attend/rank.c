// SPDX-License-Identifier: Apache-2.0
/* One rank of `cpb attend`. */
#include "../message.h"
#include "run.h"

#include <stdlib.h>

static const cpb_range one = {0, 1};

/* Every rank gives `bytes` bytes to rank 0, which gets them all, by rank. Collective. */
static cpb_status gather(const cpb_link *link, const void *mine, size_t bytes,
                         void *all, cpb_error *error)
{
    const cpb_give give = {0, bytes, 1, &one, mine};
    cpb_round round = {1, &give, 0, NULL};
    cpb_get *gets = NULL;
    if (link->rank == 0) {
        gets = calloc((size_t)link->ranks, sizeof *gets);
        if (!gets) {
            fail_memory(error);
            return CPB_NO_MEMORY;
        }
        for (int32_t r = 0; r < link->ranks; r++)
            gets[r] = (cpb_get){r, bytes, 1, &one, (char *)all + (size_t)r * bytes};
        round.n_gets = (size_t)link->ranks;
        round.gets = gets;
    }
    cpb_status status = link->start(link->context, &round, error);
    if (status == CPB_OK)
        status = link->wait(link->context, error);
    free(gets);
    return status;
}

static void release(run_arrays *a)
{
    float *const owned[] = {a->q, a->kv, a->out, a->lse, a->dout, a->dq, a->dkv};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    cpb_attend_free(a->attend);
    cpb_exchange_free(a->exchange);
}

/* One number more than asked for, so that nothing is no failure. */
static float *floats(int64_t rows, int64_t row)
{
    return calloc((size_t)(rows * row) + 1, sizeof(float));
}

static cpb_status prepare(const run_job *job, int32_t rank, run_arrays *a,
                          cpb_error *error)
{
    cpb_status status = cpb_exchange_create(job->plan, job->dense.mask, &job->exchange,
                                            NULL, &a->exchange, error);
    if (status == CPB_OK)
        status = cpb_attend_create(job->plan, job->dense.mask, a->exchange, rank,
                                   &job->dense.shape, job->backward, NULL, &a->attend,
                                   error);
    if (status != CPB_OK)
        return status;
    const cpb_attend_sizes s = a->sizes = cpb_attend_size(a->attend);
    a->q = floats(s.queries, s.q_row);
    a->kv = floats(s.keys, s.kv_row);
    a->out = floats(s.queries, s.q_row);
    a->lse = floats(s.queries, s.lse_row);
    a->dout = floats(job->backward ? s.queries : 0, s.q_row);
    a->dq = floats(job->backward ? s.queries : 0, s.q_row);
    a->dkv = floats(job->backward ? s.keys : 0, s.kv_row);
    if (a->q && a->kv && a->out && a->lse && a->dout && a->dq && a->dkv)
        return CPB_OK;
    fail_memory(error);
    return CPB_NO_MEMORY;
}

/* Pads stay zero; nobody reads them. */
static void fill(const run_job *job, int32_t rank, const run_arrays *a)
{
    const cpb_range *const runs = cpb_plan_runs(job->plan, rank);
    const int64_t tokens = cpb_plan_tokens(job->plan);
    const uint64_t seed = job->dense.seed;
    const cpb_attend_sizes *const s = &a->sizes;
    int64_t slot = 0;
    for (size_t i = 0; i < cpb_plan_n_runs(job->plan, rank); i++)
        for (int64_t at = runs[i].begin; at < runs[i].end; at++, slot++) {
            if (at >= tokens)
                continue;
            numbers_floats((numbers_source){seed, NUMBERS_Q, s->q_row}, at, 0, s->q_row,
                           a->q + slot * s->q_row);
            numbers_floats((numbers_source){seed, NUMBERS_KV, s->kv_row}, at, 0,
                           s->kv_row, a->kv + slot * s->kv_row);
            if (job->backward)
                numbers_floats((numbers_source){seed, NUMBERS_DOUT, s->q_row}, at, 0,
                               s->q_row, a->dout + slot * s->q_row);
        }
}

/* One rank's way through a pass, in steps of the bar. */
typedef struct advance {
    attend_bar *bar;
    int64_t work, done, shown;
} advance;

static void on_step(void *context, int64_t done)
{
    advance *const way = context;
    way->done += done;
    const int64_t steps = way->work ? way->done * BAR_STEPS / way->work : 0;
    bar_add(way->bar, steps - way->shown);
    way->shown = steps;
}

static cpb_status run_passes(const run_job *job, const cpb_link *link, run_arrays *a,
                             cpb_attend_times times[RUN_PASSES], cpb_error *error)
{
    advance way = {.bar = job->bar, .work = a->sizes.work};
    const cpb_progress progress = {on_step, &way};
    const cpb_attend_saved saved = {a->q, a->kv, a->out, a->lse, a->dout};
    cpb_status status = cpb_attend_forward(a->attend, link, a->q, a->kv, a->out, a->lse,
                                           &progress, &times[RUN_FORWARD], error);
    bar_add(job->bar, BAR_STEPS - way.shown);
    way.done = way.shown = 0;
    if (status != CPB_OK || !job->backward)
        return status;
    status = cpb_attend_backward(a->attend, link, &saved, a->dq, a->dkv, &progress,
                                 &times[RUN_BACKWARD], error);
    bar_add(job->bar, BAR_STEPS - way.shown);
    return status;
}

cpb_status run_rank(void *context, const cpb_link *link, cpb_error *error)
{
    const run_job *const job = context;
    run_arrays a = {.attend = NULL};
    run_result result = {.checked = 0};
    cpb_status status = prepare(job, link->rank, &a, error);
    if (status == CPB_OK) {
        fill(job, link->rank, &a);
        result.scratch = a.sizes.scratch;
        result.arrays = a.sizes.keys * a.sizes.kv_row * (int64_t)sizeof(float) *
                        (job->backward ? 2 : 1);
        /* Nobody passes a greeting before everybody is ready. */
        status = cpb_attend_greet(a.attend, link, error);
    }
    if (status == CPB_OK)
        status = run_passes(job, link, &a, result.times, error);
    if (status == CPB_OK && !job->only_timed)
        status = run_verify(job, link, &a, &result, error);
    if (status == CPB_OK)
        status = gather(link, &result, sizeof result, job->results, error);
    release(&a);
    return status;
}
