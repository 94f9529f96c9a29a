// SPDX-License-Identifier: Apache-2.0
/* Dense attention in double. Products by CBLAS; what a query may see is asked pair by
 * pair. The other side of the pairs is made in stretches of STRETCH positions. */
#include "dense.h"

#include "../message.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRETCH = 512, MOST_POSITIONS = 64, MOST_SCORES = 1 << 22 };

size_t dense_most(const dense_problem *problem)
{
    const int64_t group = problem->shape.q_heads / problem->shape.kv_heads;
    const int64_t n = MOST_SCORES / (group * cpb_mask_tokens(problem->mask));
    return (size_t)(n < 1 ? 1 : n > MOST_POSITIONS ? MOST_POSITIONS : n);
}

/* What one call shares. A row is one position and one query head of the group. */
typedef struct block {
    const dense_problem *p;
    int64_t tokens, dim, group, head; /* head: of keys */
    size_t n;
    const int64_t *positions;
    int64_t first, end;     /* of the other side; outside nothing is allowed */
    uint8_t *allowed;       /* [n][tokens] */
    int rows;               /* n * group, or n */
    double *left, *left2;   /* [rows][dim] */
    double *right, *right2; /* [STRETCH][dim] */
    double *scores;         /* [rows][tokens], or [rows][STRETCH] */
    double *dscores;        /* [rows][STRETCH] */
    double *sums, *sums2;   /* [rows][dim] */
} block;

/* Ask the mask for every pair of the block. */
static void ask(block *b, bool by_query)
{
    const cpb_mask *const mask = b->p->mask;
    b->first = b->tokens;
    for (int64_t i = 0; i < (int64_t)b->n; i++)
        for (int64_t t = 0; t < b->tokens; t++) {
            const bool allowed = by_query ? cpb_mask_allows(mask, b->positions[i], t)
                                          : cpb_mask_allows(mask, t, b->positions[i]);
            b->allowed[i * b->tokens + t] = allowed;
            b->first = allowed && t < b->first ? t : b->first;
            b->end = allowed && t >= b->end ? t + 1 : b->end;
        }
}

static bool block_open(const dense_problem *p, size_t n, const int64_t *positions,
                       bool by_query, block *b, cpb_error *error)
{
    const int64_t group = p->shape.q_heads / p->shape.kv_heads;
    const size_t rows = n * (size_t)(by_query ? group : 1);
    const size_t dim = (size_t)p->shape.head_dim;
    const size_t tokens = (size_t)cpb_mask_tokens(p->mask);
    *b = (block){.p = p,
                 .tokens = (int64_t)tokens,
                 .dim = (int64_t)dim,
                 .group = group,
                 .n = n,
                 .positions = positions,
                 .rows = (int)rows};
    b->allowed = malloc(n * tokens);
    b->scores = malloc(rows * (by_query ? tokens : STRETCH) * sizeof(double));
    b->dscores = malloc(rows * STRETCH * sizeof(double));
    b->left = malloc((4 * rows + 2 * STRETCH) * dim * sizeof(double));
    if (!b->allowed || !b->scores || !b->dscores || !b->left)
        return fail_memory(error);
    b->left2 = b->left + rows * dim;
    b->sums = b->left2 + rows * dim;
    b->sums2 = b->sums + rows * dim;
    b->right = b->sums2 + rows * dim;
    b->right2 = b->right + STRETCH * dim;
    ask(b, by_query);
    return true;
}

static void block_free(block *b)
{
    free(b->allowed);
    free(b->scores);
    free(b->dscores);
    free(b->left);
}

static numbers_source source(const block *b, numbers_array array)
{
    const int64_t heads =
        array == NUMBERS_KV ? 2 * b->p->shape.kv_heads : b->p->shape.q_heads;
    return (numbers_source){b->p->seed, array, heads * b->dim};
}

/* Rows of the block's positions, head `first` and the heads behind it. */
static void load_left(const block *b, numbers_array array, int64_t first, int64_t heads,
                      double *to)
{
    for (size_t i = 0; i < b->n; i++)
        numbers_doubles(source(b, array), b->positions[i], first * b->dim,
                        heads * b->dim, to + (int64_t)i * heads * b->dim);
}

static void load_right(const block *b, numbers_array array, int64_t head, int64_t begin,
                       int64_t n, double *to)
{
    for (int64_t i = 0; i < n; i++)
        numbers_doubles(source(b, array), begin + i, head * b->dim, b->dim,
                        to + i * b->dim);
}

/* scores[rows][stride] = factor * left * right^T */
static void multiply(const block *b, const double *left, const double *right, int64_t n,
                     double factor, double *scores, int64_t stride)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, b->rows, (int)n, (int)b->dim,
                factor, left, (int)b->dim, right, (int)b->dim, 0, scores, (int)stride);
}

/* sums[rows][dim] += factor * weights * right */
static void gather(const block *b, const double *weights, int64_t stride, int64_t n,
                   const double *right, double factor, double *sums)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, b->rows, (int)b->dim, (int)n,
                factor, weights, (int)stride, right, (int)b->dim, 1, sums, (int)b->dim);
}

static int64_t stretch(const block *b, int64_t begin)
{
    return begin + STRETCH > b->end ? b->end - begin : STRETCH;
}

/* A row of scores becomes weights; the log-sum-exp is returned. */
static double soften(const block *b, int row)
{
    const uint8_t *const allowed = b->allowed + row / b->group * b->tokens;
    double *const s = b->scores + (int64_t)row * b->tokens;
    double top = -INFINITY, sum = 0;
    for (int64_t k = b->first; k < b->end; k++)
        top = allowed[k] && s[k] > top ? s[k] : top;
    for (int64_t k = b->first; k < b->end; k++)
        sum += s[k] = allowed[k] ? exp(s[k] - top) : 0;
    for (int64_t k = b->first; k < b->end && sum > 0; k++)
        s[k] /= sum;
    return top + log(sum);
}

static void attend_forward(block *b)
{
    const int64_t kv_heads = b->p->shape.kv_heads;
    load_left(b, NUMBERS_Q, b->head * b->group, b->group, b->left);
    memset(b->sums, 0, (size_t)(b->rows * b->dim) * sizeof(double));
    for (int64_t k = b->first; k < b->end; k += STRETCH) {
        load_right(b, NUMBERS_KV, b->head, k, stretch(b, k), b->right);
        multiply(b, b->left, b->right, stretch(b, k), b->p->shape.scale, b->scores + k,
                 b->tokens);
    }
    for (int row = 0; row < b->rows; row++)
        b->left2[row] = soften(b, row); /* log-sum-exps, until they are stored */
    for (int64_t k = b->first; k < b->end; k += STRETCH) {
        load_right(b, NUMBERS_KV, kv_heads + b->head, k, stretch(b, k), b->right);
        gather(b, b->scores + k, b->tokens, stretch(b, k), b->right, 1, b->sums);
    }
}

/* Where a row of the block stands in arrays of all heads. */
static int64_t place(const block *b, int row)
{
    return row / b->group * b->p->shape.q_heads + b->head * b->group + row % b->group;
}

static void store(const block *b, const double *rows, double *to)
{
    for (int row = 0; row < b->rows; row++)
        memcpy(to + place(b, row) * b->dim, rows + row * b->dim,
               (size_t)b->dim * sizeof(double));
}

/* Gradients of the queries, whose weights and results stand in the block. */
static void attend_backward(block *b, const dense_queries *q)
{
    load_left(b, NUMBERS_DOUT, b->head * b->group, b->group, b->left2);
    for (int row = 0; row < b->rows; row++)
        q->delta[place(b, row)] = cblas_ddot((int)b->dim, b->sums + row * b->dim, 1,
                                             b->left2 + row * b->dim, 1);
    memset(b->sums2, 0, (size_t)(b->rows * b->dim) * sizeof(double));
    for (int64_t k = b->first; k < b->end; k += STRETCH) {
        const int64_t n = stretch(b, k);
        load_right(b, NUMBERS_KV, b->p->shape.kv_heads + b->head, k, n, b->right2);
        load_right(b, NUMBERS_KV, b->head, k, n, b->right);
        multiply(b, b->left2, b->right2, n, 1, b->dscores, STRETCH);
        for (int row = 0; row < b->rows; row++)
            for (int64_t i = 0; i < n; i++) {
                double *const d = b->dscores + (int64_t)row * STRETCH + i;
                *d =
                    b->scores[row * b->tokens + k + i] * (*d - q->delta[place(b, row)]);
            }
        gather(b, b->dscores, STRETCH, n, b->right, b->p->shape.scale, b->sums2);
    }
    store(b, b->sums2, q->dq);
}

bool dense_compute_queries(const dense_problem *problem, const dense_queries *queries,
                           cpb_error *error)
{
    block b;
    const bool good =
        block_open(problem, queries->n, queries->positions, true, &b, error);
    for (; good && b.head < problem->shape.kv_heads; b.head++) {
        attend_forward(&b);
        for (int row = 0; row < b.rows; row++)
            queries->lse[place(&b, row)] = b.left2[row];
        store(&b, b.sums, queries->out);
        if (queries->dq)
            attend_backward(&b, queries);
    }
    block_free(&b);
    return good;
}

/* Scores and their gradients of keys by queries, one query head. */
static void weigh_keys(const block *b, const dense_keys *keys, int64_t j, int64_t begin,
                       int64_t n)
{
    for (int row = 0; row < b->rows; row++)
        for (int64_t i = 0; i < n; i++) {
            const double *const stats = keys->stats + ((begin + i) * b->group + j) * 2;
            double *const s = b->scores + (int64_t)row * STRETCH + i;
            double *const d = b->dscores + (int64_t)row * STRETCH + i;
            const bool seen = b->allowed[row * b->tokens + begin + i];
            *s = seen ? exp(*s - stats[0]) : 0;
            *d = *s * (*d - stats[1]);
        }
}

bool dense_compute_keys(const dense_problem *problem, const dense_keys *keys,
                        cpb_error *error)
{
    block b;
    const bool good = block_open(problem, keys->n, keys->positions, false, &b, error);
    const double scale = problem->shape.scale;
    if (good) {
        const size_t bytes = keys->n * (size_t)b.dim * sizeof(double);
        load_left(&b, NUMBERS_KV, keys->head, 1, b.left);
        load_left(&b, NUMBERS_KV, problem->shape.kv_heads + keys->head, 1, b.left2);
        memset(keys->dk, 0, bytes);
        memset(keys->dv, 0, bytes);
    }
    for (int64_t j = 0; good && j < b.group; j++)
        for (int64_t q = b.first; q < b.end; q += STRETCH) {
            const int64_t n = stretch(&b, q), head = keys->head * b.group + j;
            load_right(&b, NUMBERS_Q, head, q, n, b.right);
            load_right(&b, NUMBERS_DOUT, head, q, n, b.right2);
            multiply(&b, b.left, b.right, n, scale, b.scores, STRETCH);
            multiply(&b, b.left2, b.right2, n, 1, b.dscores, STRETCH);
            weigh_keys(&b, keys, j, q, n);
            gather(&b, b.scores, STRETCH, n, b.right2, 1, keys->dv);
            gather(&b, b.dscores, STRETCH, n, b.right, scale, keys->dk);
        }
    block_free(&b);
    return good;
}
