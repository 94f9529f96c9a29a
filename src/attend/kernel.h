// SPDX-License-Identifier: Apache-2.0
/* Attention of one tile, in one type of sums. The file that includes this one sets
 *   REAL, GEMM           the type and its matrix product
 *   KERNEL               the name of the row that it defines
 *   TOP, POWERS, GRADIENTS, SCALE (attend, ...)   the loops of rows.h in that type
 *   IN_PLACE             whether keys are read where they lie, or converted first
 * Rows of a matrix are queries of the heads that share a key head, token by token. Scores
 * are in base 2: q is scaled by scale * log2(e) when it is loaded. */
#include "attend.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

static const double log2_e = 1.4426950408889634, ln_2 = 0.6931471805599453;

/* What the functions below share. */
typedef struct tile_run {
    cpb_attend *attend;
    const cpb_pass_arrays *arrays;
    int64_t head;       /* key head */
    int64_t begin, end; /* slots of the tile */
    int group, dim, block;
    REAL *q, *out, *scores, *top, *sum, *dout, *dscores;
} tile_run;

/* A block of keys, and its gradients backward. */
typedef struct key_block {
    int64_t begin, end;
    int n;
    const REAL *k, *v;
    int stride;    /* of k and v */
    REAL *dk, *dv; /* of stride `dstride` */
    int dstride;
} key_block;

static tile_run tile_open(cpb_attend *attend, const cpb_pass_arrays *arrays,
                          int64_t tile, int64_t head)
{
    const cpb_scratch *const s = &attend->scratch;
    return (tile_run){.attend = attend,
                      .arrays = arrays,
                      .head = head,
                      .begin = tile * attend->tile,
                      .end = cpb_min((tile + 1) * attend->tile, attend->queries),
                      .group = (int)attend->group,
                      .dim = (int)attend->shape.head_dim,
                      .block = (int)attend->block,
                      .q = s->q,
                      .out = s->out,
                      .scores = s->scores,
                      .top = s->top,
                      .sum = s->sum,
                      .dout = s->dout,
                      .dscores = s->dscores};
}

/* Row of scratch for head `j` of the group and the query in `slot`. */
static int64_t row_of(const tile_run *run, int64_t slot, int j)
{
    return (slot - run->begin) * run->group + j;
}

/* Index of the same query and head in arrays with one number each. */
static int64_t index_of(const tile_run *run, int64_t slot, int j)
{
    return slot * run->attend->shape.q_heads + run->head * run->group + j;
}

/* Copy a tile of an array like q into rows of scratch. */
static void load_rows(const tile_run *run, const float *from, double factor, REAL *rows)
{
    const int64_t n = (int64_t)run->group * run->dim;
    for (int64_t slot = run->begin; slot < run->end; slot++) {
        const float *const in = from + index_of(run, slot, 0) * run->dim;
        REAL *const out = rows + (slot - run->begin) * n;
        for (int64_t i = 0; i < n; i++)
            out[i] = (REAL)(in[i] * factor);
    }
}

static const REAL *load_keys(const tile_run *run, const float *from, int64_t stride,
                             int n, void *scratch)
{
#if IN_PLACE
    (void)run, (void)stride, (void)n, (void)scratch;
    return from;
#else
    REAL *const to = scratch;
    for (int64_t i = 0; i < n; i++)
        for (int64_t d = 0; d < run->dim; d++)
            to[i * run->dim + d] = from[i * stride + d];
    return to;
#endif
}

/* Keys begin .. end - 1 of the head. */
static key_block open_block(const tile_run *run, int64_t begin, int64_t end)
{
    const cpb_attend *const a = run->attend;
    const int64_t half = a->shape.kv_heads * run->dim, stride = 2 * half;
    const int64_t at = begin * stride + run->head * run->dim;
    const float *const k = run->arrays->kv + at;
    const int n = (int)(end - begin);
    key_block b = {.begin = begin,
                   .end = end,
                   .n = n,
                   .k = load_keys(run, k, stride, n, a->scratch.k),
                   .v = load_keys(run, k + half, stride, n, a->scratch.v),
                   .stride = IN_PLACE ? (int)stride : run->dim,
                   .dstride = (int)stride};
    if (run->arrays->dkv) {
#if IN_PLACE
        b.dk = run->arrays->dkv + at;
#else
        b.dk = a->scratch.dkv + at;
#endif
        b.dv = b.dk + half;
    }
    return b;
}

/* scores = rows * keys^T. */
static void multiply_keys(const tile_run *run, int rows, const REAL *left,
                          const REAL *keys, const key_block *b, REAL *scores)
{
    GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, rows, b->n, run->dim, 1, left,
         run->dim, keys, b->stride, 0, scores, run->block);
}

/* Columns of a block that a query sees. */
static cpb_range seen(const cpb_band *band, const key_block *b, int64_t slot)
{
    const int64_t first = cpb_max(cpb_band_first(band, slot), b->begin) - b->begin;
    const int64_t end = cpb_min(cpb_band_end(band, slot), b->end) - b->begin;
    return first < end ? (cpb_range){first, end} : (cpb_range){0, 0};
}

/* What lies outside a range weighs nothing. */
static void clear_outside(REAL *row, cpb_range in, int n)
{
    memset(row, 0, (size_t)in.begin * sizeof *row);
    memset(row + in.end, 0, (size_t)(n - in.end) * sizeof *row);
}

/* Online softmax: scores become weights relative to the largest score so far, and what
 * was summed before is made relative to it as well. */
static void weigh_row(const tile_run *run, int64_t r, cpb_range in)
{
    REAL *const row = run->scores + r * run->block + in.begin;
    const int64_t n = in.end - in.begin;
    if (n <= 0)
        return;
    const REAL top = TOP(run->attend, row, n);
    if (top > run->top[r]) {
        const REAL factor = (REAL)exp2((double)(run->top[r] - top));
        run->top[r] = top;
        run->sum[r] *= factor;
        SCALE(run->attend, run->out + r * run->dim, run->dim, factor);
    }
    run->sum[r] += POWERS(run->attend, row, n, run->top[r]);
}

static void forward_block(const tile_run *run, const cpb_band *band, cpb_range slots,
                          cpb_range keys, bool full)
{
    const key_block b = open_block(run, keys.begin, keys.end);
    const int64_t first = row_of(run, slots.begin, 0), end = row_of(run, slots.end, 0);
    const int rows = (int)(end - first);
    multiply_keys(run, rows, run->q + first * run->dim, b.k, &b,
                  run->scores + first * run->block);
    for (int64_t slot = slots.begin; slot < slots.end; slot++) {
        const cpb_range in = full ? (cpb_range){0, b.n} : seen(band, &b, slot);
        for (int j = 0; j < run->group; j++) {
            const int64_t r = row_of(run, slot, j);
            if (!full)
                clear_outside(run->scores + r * run->block, in, b.n);
            weigh_row(run, r, in);
        }
    }
    GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, run->dim, b.n, 1,
         run->scores + first * run->block, run->block, b.v, b.stride, 1,
         run->out + first * run->dim, run->dim);
}

/* d scores = weights * (dout v^T - delta), then what follows from them: gradients of
 * values, keys and queries. */
static void backward_block(const tile_run *run, const cpb_band *band, cpb_range slots,
                           cpb_range keys, bool full)
{
    const key_block b = open_block(run, keys.begin, keys.end);
    const int64_t first = row_of(run, slots.begin, 0), end = row_of(run, slots.end, 0);
    const int rows = (int)(end - first), block = run->block, dim = run->dim;
    REAL *const scores = run->scores + first * block;
    REAL *const dscores = run->dscores + first * block;
    const REAL *const q = run->q + first * dim, *const dout = run->dout + first * dim;
    multiply_keys(run, rows, q, b.k, &b, scores);
    multiply_keys(run, rows, dout, b.v, &b, dscores);
    for (int64_t slot = slots.begin; slot < slots.end; slot++) {
        const cpb_range in = full ? (cpb_range){0, b.n} : seen(band, &b, slot);
        for (int j = 0; j < run->group; j++) {
            const int64_t r = row_of(run, slot, j), at = r * block + in.begin;
            if (!full) {
                clear_outside(run->scores + r * block, in, b.n);
                clear_outside(run->dscores + r * block, in, b.n);
            }
            GRADIENTS(run->attend, run->scores + at, run->dscores + at,
                      in.end - in.begin, run->top[r], run->sum[r]);
        }
    }
    GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, b.n, dim, rows, 1, scores, block,
         dout, dim, 1, b.dv, b.dstride);
    GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, b.n, dim, rows, (REAL)ln_2, dscores,
         block, q, dim, 1, b.dk, b.dstride);
    GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, dim, b.n,
         (REAL)run->attend->shape.scale, dscores, block, b.k, b.stride, 1,
         run->out + first * dim, dim);
}

typedef void block_run(const tile_run *run, const cpb_band *band, cpb_range slots,
                       cpb_range keys, bool full);

/* A stretch of keys in blocks of nearly equal lengths. */
static void run_stretch(const tile_run *run, const cpb_band *band, cpb_range slots,
                        cpb_range keys, bool full, block_run *block)
{
    const int64_t length = cpb_range_length(keys);
    if (length <= 0)
        return;
    const int64_t n = cpb_ceil_div(length, run->block);
    *(full ? &run->attend->full_tiles : &run->attend->partial_tiles) += n;
    for (int64_t i = 0; i < n; i++)
        block(
            run, band, slots,
            (cpb_range){keys.begin + length * i / n, keys.begin + length * (i + 1) / n},
            full);
}

/* All bands of a tile: first keys that some queries see, then those that all see, then
 * those that some see. */
static void run_bands(const tile_run *run, const cpb_part *part, int64_t tile,
                      block_run *block)
{
    for (size_t i = part->first[tile]; i < part->first[tile + 1]; i++) {
        const cpb_band *const band = &part->bands[part->of_tile[i]];
        const cpb_range slots = {cpb_max(band->q_begin, run->begin),
                                 cpb_min(band->q_end, run->end)};
        const int64_t last = slots.end - 1;
        const cpb_range hull = {cpb_band_first(band, slots.begin),
                                cpb_band_end(band, last)};
        const cpb_range all = {cpb_band_first(band, last),
                               cpb_band_end(band, slots.begin)};
        if (all.begin >= all.end) {
            run_stretch(run, band, slots, hull, false, block);
            continue;
        }
        run_stretch(run, band, slots, (cpb_range){hull.begin, all.begin}, false, block);
        run_stretch(run, band, slots, all, true, block);
        run_stretch(run, band, slots, (cpb_range){all.end, hull.end}, false, block);
    }
}

/* Join a row's sums to what the other part of the keys gave before. */
static void store_row(const tile_run *run, int64_t slot, int j)
{
    const int64_t r = row_of(run, slot, j), at = index_of(run, slot, j);
    float *const out = run->arrays->out + at * run->dim;
    float *const lse = run->arrays->lse + at;
    const REAL *const row = run->out + r * run->dim;
    if (run->sum[r] == 0)
        return;
    const double mine = (double)run->top[r] * ln_2 + log((double)run->sum[r]);
    const double top = fmax(mine, (double)*lse);
    const double old = exp((double)*lse - top), new = exp(mine - top);
    const double keep = old / (old + new);
    const double take = new / (old + new) / (double)run->sum[r];
    for (int d = 0; d < run->dim; d++)
        out[d] = (float)(out[d] * keep + (double)row[d] * take);
    *lse = (float)(top + log(old + new));
}

static void forward_tile(cpb_attend *attend, const cpb_pass_arrays *arrays,
                         const cpb_part *part, int64_t tile, int64_t head)
{
    const tile_run run = tile_open(attend, arrays, tile, head);
    const int64_t rows = row_of(&run, run.end, 0);
    load_rows(&run, arrays->q, attend->shape.scale * log2_e, run.q);
    memset(run.out, 0, (size_t)(rows * run.dim) * sizeof *run.out);
    for (int64_t r = 0; r < rows; r++) {
        run.top[r] = (REAL)-INFINITY;
        run.sum[r] = 0;
    }
    run_bands(&run, part, tile, forward_block);
    for (int64_t slot = run.begin; slot < run.end; slot++)
        for (int j = 0; j < run.group; j++)
            store_row(&run, slot, j);
}

/* lse in base 2, and delta = dout . out. */
static void load_saved(const tile_run *run, int64_t slot, int j)
{
    const int64_t r = row_of(run, slot, j), at = index_of(run, slot, j);
    const float *const out = run->arrays->saved_out + at * run->dim;
    const float *const dout = run->arrays->dout + at * run->dim;
    double delta = 0;
    for (int d = 0; d < run->dim; d++)
        delta += (double)out[d] * (double)dout[d];
    run->top[r] = (REAL)((double)run->arrays->saved_lse[at] * log2_e);
    run->sum[r] = (REAL)delta;
}

static void add_rows(const tile_run *run, const REAL *rows, float *to)
{
    const int64_t n = (int64_t)run->group * run->dim;
    for (int64_t slot = run->begin; slot < run->end; slot++) {
        float *const out = to + index_of(run, slot, 0) * run->dim;
        const REAL *const in = rows + (slot - run->begin) * n;
        for (int64_t i = 0; i < n; i++)
            out[i] = (float)((REAL)out[i] + in[i]);
    }
}

static void backward_tile(cpb_attend *attend, const cpb_pass_arrays *arrays,
                          const cpb_part *part, int64_t tile, int64_t head)
{
    const tile_run run = tile_open(attend, arrays, tile, head);
    const int64_t rows = row_of(&run, run.end, 0);
    load_rows(&run, arrays->q, attend->shape.scale * log2_e, run.q);
    load_rows(&run, arrays->dout, 1, run.dout);
    memset(run.out, 0, (size_t)(rows * run.dim) * sizeof *run.out);
    for (int64_t slot = run.begin; slot < run.end; slot++)
        for (int j = 0; j < run.group; j++)
            load_saved(&run, slot, j);
    run_bands(&run, part, tile, backward_block);
    add_rows(&run, run.out, arrays->dq);
}

const cpb_kernel_row KERNEL = {.bytes = sizeof(REAL),
                               .forward = forward_tile,
                               .backward = backward_tile,
                               .round = ROUND};
