// SPDX-License-Identifier: Apache-2.0
/* One rank's passes. Keys travel while the rank attends to its own; gradients of received
 * keys travel back while it works on its own. */
#define _POSIX_C_SOURCE 200809L
#include "attend.h"
#include "base/error.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* A pass on its way. */
typedef struct pass {
    cpb_attend *attend;
    const cpb_link *link;
    const cpb_pass_arrays *arrays;
    const cpb_progress *progress;
    cpb_attend_times times;
    cpb_way way;
    int32_t stage;  /* that has started; `steps` once all are over */
    float *travels; /* rows that go forward, or gradients that go back */
} pass;

static pass pass_open(cpb_attend *attend, const cpb_link *link,
                      const cpb_pass_arrays *arrays, const cpb_progress *progress,
                      cpb_way way)
{
    pass p = {.attend = attend,
              .link = link,
              .arrays = arrays,
              .progress = progress,
              .way = way};
    const int64_t row_bytes =
        2 * attend->shape.kv_heads * attend->shape.head_dim * (int64_t)sizeof(float);
    for (int32_t i = 0; i < attend->steps; i++) {
        p.times.bytes_in += attend->lists[way][i].in * row_bytes;
        p.times.bytes_out += attend->lists[way][i].out * row_bytes;
    }
    attend->full_tiles = attend->partial_tiles = 0;
    return p;
}

static void pass_close(pass *p, cpb_attend_times *times)
{
    p->times.full_tiles = p->attend->full_tiles;
    p->times.partial_tiles = p->attend->partial_tiles;
    if (times)
        *times = p->times;
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double seconds(const pass *p)
{
    return p->link->clock(p->link->context);
}

static cpb_status start_stage(pass *p, cpb_error *error)
{
    cpb_lists *const lists = &p->attend->lists[p->way][p->stage];
    for (size_t i = 0; i < lists->n_gives; i++)
        lists->gives[i].rows = p->travels;
    for (size_t i = 0; i < lists->n_gets; i++)
        lists->gets[i].rows = p->way == CPB_FORWARD ? p->travels : p->attend->arrivals;
    const cpb_round round = {lists->n_gives, lists->gives, lists->n_gets, lists->gets};
    return p->link->start(p->link->context, &round, error);
}

/* Forward a stage may start as soon as the one before is over: it gives what came. */
static cpb_status poke(pass *p, cpb_error *error)
{
    bool over = false;
    if (p->stage == p->attend->steps)
        return CPB_OK;
    cpb_status status = p->link->poke(p->link->context, &over, error);
    if (status != CPB_OK || !over || p->way != CPB_FORWARD)
        return status;
    return ++p->stage < p->attend->steps ? start_stage(p, error) : CPB_OK;
}

/* One part of the work: the tiles of every chunk of every head, in this order. */
typedef struct part_run {
    const cpb_bands *part;
    int64_t chunks, done, reported; /* of tiles; of cpb_bands.work */
} part_run;

static void report(const pass *p, part_run *run)
{
    const int64_t heads = p->attend->shape.kv_heads;
    const double all = (double)(heads * run->chunks * p->attend->n_tiles);
    const int64_t done = (int64_t)((double)run->part->work * (double)++run->done / all);
    if (p->progress && p->progress->step)
        p->progress->step(p->progress->context, done - run->reported);
    run->reported = done;
}

static cpb_status work_chunk(pass *p, part_run *run, int64_t head, cpb_range chunk,
                             cpb_error *error)
{
    cpb_attend *const a = p->attend;
    const cpb_kernel_row *const kernel = a->kernel;
    cpb_tile_run *const tile_run =
        p->way == CPB_FORWARD ? kernel->forward : kernel->backward;
    cpb_status status = CPB_OK;
    kernel->load_chunk(a, p->arrays, head, chunk);
    for (int64_t tile = 0; tile < a->n_tiles && status == CPB_OK; tile++) {
        tile_run(a, p->arrays, run->part, tile, head, chunk);
        report(p, run);
        status = poke(p, error);
    }
    if (p->way == CPB_BACKWARD)
        kernel->store_chunk(a, p->arrays, head, chunk);
    return status;
}

/* All tiles of one part. */
static cpb_status work(pass *p, cpb_where where, cpb_error *error)
{
    static const cpb_phase phases[] = {CPB_PHASE_OWN, CPB_PHASE_RECEIVED};
    cpb_attend *const a = p->attend;
    const cpb_range places[] = {{0, a->queries}, {a->queries, a->keys}};
    const cpb_range keys = places[where];
    const int64_t step = cpb_even_length(cpb_range_length(keys), a->chunk);
    part_run run = {.part = &a->part[where],
                    .chunks = cpb_ceil_div(cpb_range_length(keys), step)};
    const double start = processor_seconds();
    cpb_status status = CPB_OK;
    p->times.begin[phases[where]] = seconds(p);
    for (int64_t head = 0; head < a->shape.kv_heads && run.part->n_bands; head++)
        for (int64_t at = keys.begin; at < keys.end && status == CPB_OK; at += step)
            status = work_chunk(p, &run, head,
                                (cpb_range){at, cpb_min(at + step, keys.end)}, error);
    p->times.end[phases[where]] = seconds(p);
    p->times.compute += processor_seconds() - start;
    return status;
}

/* Whoever began a stage ends it, also the stages that follow it. */
static cpb_status wait_forward(pass *p, cpb_error *error)
{
    cpb_status status = CPB_OK;
    p->times.begin[CPB_PHASE_WAIT] = seconds(p);
    while (p->stage < p->attend->steps) {
        CPB_TRY(p->link->wait(p->link->context, error));
        if (++p->stage < p->attend->steps)
            CPB_TRY(start_stage(p, error));
    }
    p->times.end[CPB_PHASE_WAIT] = seconds(p);
done:
    return status;
}

/* Add what arrived to the rows that had been given, in the order of the stage's list. */
static void add_arrivals(const pass *p)
{
    const cpb_attend *const a = p->attend;
    const cpb_stage stage =
        cpb_exchange_stage(a->exchange, a->rank, CPB_BACKWARD, p->stage);
    const int64_t row = 2 * a->shape.kv_heads * a->shape.head_dim;
    const float *from = a->arrivals;
    for (size_t t = 0; t < stage.n_gets; t++) {
        float *const to = p->travels + stage.gets[t].source * row;
        const int64_t n = cpb_range_length(stage.gets[t].keys) * row;
        for (int64_t i = 0; i < n; i++)
            to[i] += from[i];
        from += n;
    }
}

static cpb_status wait_backward(pass *p, cpb_error *error)
{
    cpb_status status = CPB_OK;
    p->times.begin[CPB_PHASE_WAIT] = seconds(p);
    while (p->stage < p->attend->steps) {
        CPB_TRY(p->link->wait(p->link->context, error));
        add_arrivals(p);
        if (++p->stage < p->attend->steps)
            CPB_TRY(start_stage(p, error));
    }
    p->times.end[CPB_PHASE_WAIT] = seconds(p);
done:
    return status;
}

/* Finite inputs give a finite log-sum-exp unless scores overflow. */
static cpb_status check_scores(const cpb_attend *attend, const float *lse,
                               cpb_error *error)
{
    const int64_t heads = attend->shape.q_heads;
    for (int64_t i = 0; i < attend->queries * heads; i++)
        if (isnan(lse[i]) || lse[i] == INFINITY)
            return cpb_fail(error, CPB_INVALID, cpb_position_of(attend, i / heads),
                            "scores of the query at position %lld, head %lld overflow",
                            (long long)cpb_position_of(attend, i / heads),
                            (long long)(i % heads));
    return CPB_OK;
}

cpb_status cpb_attend_forward(cpb_attend *attend, const cpb_link *link, const float *q,
                              float *kv, float *out, float *lse,
                              const cpb_progress *progress, cpb_attend_times *times,
                              cpb_error *error)
{
    const cpb_attend_sizes sizes = cpb_attend_size(attend);
    const int64_t half = sizes.kv_row / 2; /* keys, then values */
    const cpb_pass_arrays arrays = {.q = q, .kv = kv, .out = out, .lse = lse};
    pass p = pass_open(attend, link, &arrays, progress, CPB_FORWARD);
    cpb_status status = CPB_OK;
    p.travels = kv;
    CPB_TRY(cpb_check_finite(attend, "query", q, sizes.q_row, sizes.q_row, error));
    CPB_TRY(cpb_check_finite(attend, "key", kv, half, sizes.kv_row, error));
    CPB_TRY(cpb_check_finite(attend, "value", kv + half, half, sizes.kv_row, error));
    memset(out, 0, (size_t)(sizes.queries * sizes.q_row) * sizeof *out);
    for (int64_t i = 0; i < sizes.queries * sizes.lse_row; i++)
        lse[i] = -INFINITY;
    CPB_TRY(start_stage(&p, error));
    CPB_TRY(work(&p, CPB_OWN, error));
    CPB_TRY(wait_forward(&p, error));
    CPB_TRY(work(&p, CPB_RECEIVED, error));
    CPB_TRY(check_scores(attend, lse, error));
    pass_close(&p, times);
done:
    return status;
}

cpb_status cpb_attend_backward(cpb_attend *attend, const cpb_link *link,
                               const cpb_attend_saved *saved, float *dq, float *dkv,
                               const cpb_progress *progress, cpb_attend_times *times,
                               cpb_error *error)
{
    const cpb_attend_sizes sizes = cpb_attend_size(attend);
    const cpb_pass_arrays arrays = {.q = saved->q,
                                    .kv = saved->kv,
                                    .saved_out = saved->out,
                                    .saved_lse = saved->lse,
                                    .dout = saved->dout,
                                    .dq = dq,
                                    .dkv = dkv};
    const size_t key_values = (size_t)(sizes.keys * sizes.kv_row);
    pass p = pass_open(attend, link, &arrays, progress, CPB_BACKWARD);
    cpb_status status = CPB_OK;
    p.travels = dkv;
    CPB_TRY(attend->backward ? CPB_OK
                             : cpb_fail(error, CPB_INVALID, -1,
                                        "no backward pass was prepared; create the "
                                        "attention with it"));
    CPB_TRY(cpb_check_finite(attend, "gradient of the output", saved->dout, sizes.q_row,
                             sizes.q_row, error));
    memset(dq, 0, (size_t)(sizes.queries * sizes.q_row) * sizeof *dq);
    memset(dkv, 0, key_values * sizeof *dkv);
    p.stage = attend->steps; /* nothing travels yet */
    CPB_TRY(work(&p, CPB_RECEIVED, error));
    p.stage = 0;
    CPB_TRY(start_stage(&p, error));
    CPB_TRY(work(&p, CPB_OWN, error));
    CPB_TRY(wait_backward(&p, error));
    pass_close(&p, times);
done:
    return status;
}
