// SPDX-License-Identifier: Apache-2.0
/* Attention on random numbers: every rank in one process, and a dense oracle in double
 * that knows nothing of slices, tiles or ranks. */
#ifndef CPB_TESTING_ATTEND_WORLD_H
#define CPB_TESTING_ATTEND_WORLD_H

#include "exchange_world.h"

#include <cpb/attend.h>
#include <float.h>
#include <math.h>
#include <pthread.h>

/* One problem. Arrays are in original order, pads included; gradients in double are the
 * oracle's. */
typedef struct problem {
    const cpb_mask *mask;
    const cpb_plan *plan;
    cpb_exchange_options exchange;
    cpb_attention shape;
    bool backward;
    int64_t n; /* positions, pads included */
    float *q, *kv, *dout;
    double *out, *lse, *dq, *dkv;
    float *got_out, *got_lse, *got_dq, *got_dkv; /* put together again */
    int64_t bytes_in, bytes_out, moved; /* of all ranks; `moved` by the exchange */
    int64_t pairs;
    pthread_mutex_t lock; /* over the sums above */
} problem;

static inline float *random_floats(uint64_t *seed, int64_t n)
{
    float *const values = malloc((size_t)n * sizeof *values + 1);
    for (int64_t i = 0; i < n; i++)
        values[i] = (float)test_random(seed, -1000, 1000) / 700.0F;
    return values;
}

static inline int64_t q_row(const problem *p)
{
    return p->shape.q_heads * p->shape.head_dim;
}

static inline int64_t kv_row(const problem *p)
{
    return 2 * p->shape.kv_heads * p->shape.head_dim;
}

static inline double dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Offsets of a key and its value in a row of kv, for a query head. */
static inline int64_t key_at(const problem *p, int64_t k, int64_t head)
{
    const int64_t group = p->shape.q_heads / p->shape.kv_heads;
    return k * kv_row(p) + head / group * p->shape.head_dim;
}

/* One query of one head, forward and backward, straight from the definition. */
static inline void oracle_row(problem *p, int64_t q, int64_t head)
{
    const int64_t dim = p->shape.head_dim, half = p->shape.kv_heads * dim;
    const int64_t tokens = cpb_mask_tokens(p->mask), at = q * q_row(p) + head * dim;
    double *const weight = calloc((size_t)tokens, sizeof *weight);
    double top = -INFINITY, sum = 0, delta = 0;
    for (int64_t k = 0; k < tokens; k++) {
        weight[k] =
            cpb_mask_allows(p->mask, q, k)
                ? p->shape.scale * dot(p->q + at, p->kv + key_at(p, k, head), dim)
                : -INFINITY;
        top = fmax(top, weight[k]);
    }
    for (int64_t k = 0; k < tokens && top > -INFINITY; k++)
        sum += weight[k] = exp(weight[k] - top);
    p->lse[q * p->shape.q_heads + head] = top + log(sum);
    for (int64_t k = 0; k < tokens && sum > 0; k++) {
        weight[k] /= sum;
        const float *const v = p->kv + key_at(p, k, head) + half;
        for (int64_t d = 0; d < dim; d++)
            p->out[at + d] += weight[k] * (double)v[d];
    }
    for (int64_t d = 0; d < dim; d++)
        delta += p->out[at + d] * (double)p->dout[at + d];
    for (int64_t k = 0; k < tokens && sum > 0; k++) {
        const int64_t ka = key_at(p, k, head), va = ka + half;
        const double ds =
            weight[k] * (dot(p->dout + at, p->kv + va, dim) - delta) * p->shape.scale;
        for (int64_t d = 0; d < dim; d++) {
            p->dkv[va + d] += weight[k] * (double)p->dout[at + d];
            p->dkv[ka + d] += ds * (double)p->q[at + d];
            p->dq[at + d] += ds * (double)p->kv[ka + d];
        }
    }
    free(weight);
}

static inline void problem_open(problem *p, uint64_t *seed)
{
    p->n = cpb_plan_tokens(p->plan) + cpb_plan_padding(p->plan);
    const size_t queries = (size_t)(p->n * q_row(p)), keys = (size_t)(p->n * kv_row(p));
    const size_t lses = (size_t)(p->n * p->shape.q_heads);
    p->q = random_floats(seed, (int64_t)queries);
    p->kv = random_floats(seed, (int64_t)keys);
    p->dout = random_floats(seed, (int64_t)queries);
    p->out = calloc(queries, sizeof *p->out);
    p->lse = calloc(lses, sizeof *p->lse);
    p->dq = calloc(queries, sizeof *p->dq);
    p->dkv = calloc(keys, sizeof *p->dkv);
    p->got_out = calloc(queries, sizeof *p->got_out);
    p->got_lse = calloc(lses, sizeof *p->got_lse);
    p->got_dq = calloc(queries, sizeof *p->got_dq);
    p->got_dkv = calloc(keys, sizeof *p->got_dkv);
    p->bytes_in = p->bytes_out = p->moved = 0;
    pthread_mutex_init(&p->lock, NULL);
    for (int64_t q = 0; q < cpb_mask_tokens(p->mask); q++)
        for (int64_t head = 0; head < p->shape.q_heads; head++)
            oracle_row(p, q, head);
}

static inline void problem_close(problem *p)
{
    void *const owned[] = {p->q,   p->kv,      p->dout,    p->out,    p->lse,    p->dq,
                           p->dkv, p->got_out, p->got_lse, p->got_dq, p->got_dkv};
    for (size_t i = 0; i < COUNT_OF(owned); i++)
        free(owned[i]);
    pthread_mutex_destroy(&p->lock);
}

/* What one rank owns while it runs. */
typedef struct rank_arrays {
    cpb_exchange *exchange;
    cpb_attend *attend;
    cpb_attend_sizes sizes;
    float *q, *kv, *out, *lse, *dout, *dq, *dkv;
} rank_arrays;

static inline void rank_free(rank_arrays *a)
{
    float *const owned[] = {a->q, a->kv, a->out, a->lse, a->dout, a->dq, a->dkv};
    for (size_t i = 0; i < COUNT_OF(owned); i++)
        free(owned[i]);
    cpb_attend_free(a->attend);
    cpb_exchange_free(a->exchange);
}

static inline float *floats(int64_t rows, int64_t row)
{
    return calloc((size_t)(rows * row) + 1, sizeof(float));
}

static inline cpb_status rank_prepare(rank_arrays *a, const problem *p, int32_t rank,
                                      cpb_error *error)
{
    cpb_status status =
        cpb_exchange_create(p->plan, p->mask, &p->exchange, NULL, &a->exchange, error);
    if (status == CPB_OK)
        status = cpb_attend_create(p->plan, p->mask, a->exchange, rank, &p->shape,
                                   p->backward, NULL, &a->attend, error);
    if (status != CPB_OK)
        return status;
    a->sizes = cpb_attend_size(a->attend);
    a->q = floats(a->sizes.queries, a->sizes.q_row);
    a->kv = floats(a->sizes.keys, a->sizes.kv_row);
    a->out = floats(a->sizes.queries, a->sizes.q_row);
    a->lse = floats(a->sizes.queries, a->sizes.lse_row);
    a->dout = floats(a->sizes.queries, a->sizes.q_row);
    a->dq = floats(a->sizes.queries, a->sizes.q_row);
    a->dkv = floats(a->sizes.keys, a->sizes.kv_row);
    return CPB_OK;
}

static inline void count_bytes(problem *p, const rank_arrays *a, int32_t rank,
                               const cpb_attend_times *times)
{
    const cpb_traffic traffic = cpb_exchange_traffic(a->exchange, rank);
    const int64_t row = kv_row(p) * (int64_t)sizeof(float);
    assert_int_equal(times->bytes_in, traffic.receive * row);
    assert_int_equal(times->bytes_out, traffic.send * row);
    pthread_mutex_lock(&p->lock);
    p->bytes_in += times->bytes_in;
    p->bytes_out += times->bytes_out;
    pthread_mutex_unlock(&p->lock);
}

static inline cpb_status run_forward(problem *p, rank_arrays *a, const cpb_link *link,
                                     cpb_error *error)
{
    cpb_attend_times times;
    cpb_status status = cpb_attend_shard(p->plan, link, 0, p->q, (size_t)q_row(p) * 4,
                                         a->q, NULL, error);
    if (status == CPB_OK)
        status = cpb_attend_shard(p->plan, link, link->ranks - 1, p->kv,
                                  (size_t)kv_row(p) * 4, a->kv, NULL, error);
    if (status == CPB_OK)
        status = cpb_attend_forward(a->attend, link, a->q, a->kv, a->out, a->lse, NULL,
                                    &times, error);
    if (status != CPB_OK)
        return status;
    count_bytes(p, a, link->rank, &times);
    status = cpb_attend_unshard(p->plan, link, 0, a->out, (size_t)q_row(p) * 4,
                                p->got_out, NULL, error);
    return status != CPB_OK ? status
                            : cpb_attend_unshard(p->plan, link, 0, a->lse,
                                                 (size_t)p->shape.q_heads * 4,
                                                 p->got_lse, NULL, error);
}

static inline cpb_status run_backward(problem *p, rank_arrays *a, const cpb_link *link,
                                      cpb_error *error)
{
    const cpb_attend_saved saved = {a->q, a->kv, a->out, a->lse, a->dout};
    cpb_status status = cpb_attend_shard(p->plan, link, 0, p->dout,
                                         (size_t)q_row(p) * 4, a->dout, NULL, error);
    if (status == CPB_OK)
        status = cpb_attend_backward(a->attend, link, &saved, a->dq, a->dkv, NULL, NULL,
                                     error);
    if (status == CPB_OK)
        status = cpb_attend_unshard(p->plan, link, 0, a->dq, (size_t)q_row(p) * 4,
                                    p->got_dq, NULL, error);
    return status != CPB_OK
               ? status
               : cpb_attend_unshard(p->plan, link, 0, a->dkv, (size_t)kv_row(p) * 4,
                                    p->got_dkv, NULL, error);
}

/* The whole of a problem on one rank. */
static inline cpb_status run_problem(void *context, const cpb_link *link,
                                     cpb_error *error)
{
    problem *const p = context;
    rank_arrays a = {.attend = NULL};
    cpb_status status = rank_prepare(&a, p, link->rank, error);
    if (status == CPB_OK)
        status = cpb_attend_greet(a.attend, link, error);
    if (status == CPB_OK)
        status = run_forward(p, &a, link, error);
    if (status == CPB_OK && p->backward)
        status = run_backward(p, &a, link, error);
    rank_free(&a);
    return status;
}

/* Largest difference relative to the largest value, which counts as 0.1 where all are
 * below (a single key has no gradient at all); rows of pads must be zero. */
static inline double largest_error(const problem *p, const float *got,
                                   const double *expected, int64_t row)
{
    const int64_t tokens = cpb_mask_tokens(p->mask);
    double error = 0, largest = 0.1;
    for (int64_t i = 0; i < tokens * row; i++) {
        if (expected[i] < -FLT_MAX) {
            assert_true(got[i] < -FLT_MAX);
            continue;
        }
        assert_true(got[i] == got[i]); /* no NaN */
        error = fmax(error, fabs((double)got[i] - expected[i]));
        largest = fmax(largest, fabs(expected[i]));
    }
    for (int64_t i = tokens * row; i < p->n * row; i++)
        assert_true(got[i] == 0 || got[i] < -FLT_MAX);
    return error / largest;
}

#endif
