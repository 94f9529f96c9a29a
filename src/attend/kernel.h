// SPDX-License-Identifier: Apache-2.0
/* Attention of one tile, in one type of sums. The file that includes this one sets
 *   REAL, GEMM           the type and its matrix product
 *   KERNEL               the name of the row that it defines
 *   TOP, POWERS, GRADIENTS, SCALE (attend, ...)   the loops of rows.h in that type
 * Rows of a matrix are queries of the heads that share a key head, token by token. Scores
 * are in base 2: q is scaled by scale * log2(e) when it is loaded.
 *
 * Keys of one head lie a token apart, each on pages of its own, which takes as long as
 * products do to find. So a chunk of them is copied once for all tiles of queries, and its
 * gradients are summed beside it until the last tile is through. */
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
    cpb_range chunk;    /* keys that are at hand */
    int64_t begin, end; /* slots of the tile */
    int group, dim, block;
    REAL *q, *out, *scores, *top, *sum, *dout, *dscores;
} tile_run;

/* Keys that are multiplied at once, and backward their gradients. */
typedef struct key_block {
    int64_t begin, end;
    int n;
    const REAL *k, *v; /* [n][dim] */
    REAL *dk, *dv;     /* [n][dim] */
} key_block;

static tile_run tile_open(cpb_attend *attend, const cpb_pass_arrays *arrays,
                          int64_t tile, int64_t head, cpb_range chunk)
{
    const cpb_scratch *const s = &attend->scratch;
    return (tile_run){.attend = attend,
                      .arrays = arrays,
                      .head = head,
                      .chunk = chunk,
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

/* Rows of one head lie a token apart, which no processor foresees: ask for the one that
 * comes AHEAD later. */
enum { AHEAD = 8, LINE = 64 / sizeof(float) };

static void ask_for(const float *row, int64_t n)
{
    for (int64_t i = 0; i < n; i += LINE)
        __builtin_prefetch(row + i);
}

/* Copy a tile of an array like q into rows of scratch. */
static void load_rows(const tile_run *run, const float *from, REAL factor,
                      REAL *restrict rows)
{
    const int64_t n = (int64_t)run->group * run->dim;
    for (int64_t slot = run->begin; slot < run->end; slot++) {
        const float *const restrict in = from + index_of(run, slot, 0) * run->dim;
        REAL *const restrict out = rows + (slot - run->begin) * n;
        if (slot + AHEAD < run->end)
            ask_for(in + AHEAD * run->attend->shape.q_heads * run->dim, n);
        for (int64_t i = 0; i < n; i++)
            out[i] = (REAL)in[i] * factor;
    }
}

/* Where keys of a head start in an array like kv, and how far apart they lie. */
static int64_t key_stride(const cpb_attend *attend)
{
    return 2 * attend->shape.kv_heads * attend->shape.head_dim;
}

static int64_t key_index(const cpb_attend *attend, int64_t slot, int64_t head)
{
    return slot * key_stride(attend) + head * attend->shape.head_dim;
}

static void load_chunk(cpb_attend *attend, const cpb_pass_arrays *arrays, int64_t head,
                       cpb_range chunk)
{
    const cpb_scratch *const s = &attend->scratch;
    const int64_t dim = attend->shape.head_dim, stride = key_stride(attend);
    const int64_t n = cpb_range_length(chunk), half = stride / 2;
    const float *from = arrays->kv + key_index(attend, chunk.begin, head);
    REAL *restrict k = s->k, *restrict v = s->v;
    for (int64_t i = 0; i < n; i++, from += stride, k += dim, v += dim) {
        if (i + AHEAD < n) {
            ask_for(from + AHEAD * stride, dim);
            ask_for(from + AHEAD * stride + half, dim);
        }
        for (int64_t d = 0; d < dim; d++) {
            k[d] = (REAL)from[d];
            v[d] = (REAL)from[half + d];
        }
    }
    if (!arrays->dkv)
        return;
    memset(s->dk, 0, (size_t)(n * dim) * sizeof(REAL));
    memset(s->dv, 0, (size_t)(n * dim) * sizeof(REAL));
}

/* All tiles are through: gradients of the chunk are complete. */
static void store_chunk(const cpb_attend *attend, const cpb_pass_arrays *arrays,
                        int64_t head, cpb_range chunk)
{
    const int64_t dim = attend->shape.head_dim, stride = key_stride(attend);
    float *to = arrays->dkv + key_index(attend, chunk.begin, head);
    const REAL *dk = attend->scratch.dk, *dv = attend->scratch.dv;
    for (int64_t i = chunk.begin; i < chunk.end;
         i++, to += stride, dk += dim, dv += dim)
        for (int64_t d = 0; d < dim; d++) {
            to[d] = (float)dk[d];
            to[stride / 2 + d] = (float)dv[d];
        }
}

static key_block open_block(const tile_run *run, cpb_range keys)
{
    const cpb_scratch *const s = &run->attend->scratch;
    const int64_t at = (keys.begin - run->chunk.begin) * run->dim;
    key_block b = {.begin = keys.begin,
                   .end = keys.end,
                   .n = (int)cpb_range_length(keys),
                   .k = (const REAL *)s->k + at,
                   .v = (const REAL *)s->v + at};
    if (run->arrays->dkv) {
        b.dk = (REAL *)s->dk + at;
        b.dv = (REAL *)s->dv + at;
    }
    return b;
}

/* scores = rows * keys^T. */
static void multiply_keys(const tile_run *run, int rows, const REAL *left,
                          const REAL *keys, const key_block *b, REAL *scores)
{
    GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, rows, b->n, run->dim, 1, left,
         run->dim, keys, run->dim, 0, scores, run->block);
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

/* Online softmax: scores of row r become weights relative to the largest score so far,
 * and what was summed before is made relative to it as well. */
static void weigh_row(const tile_run *run, int64_t r, REAL *scores, int64_t n)
{
    if (n <= 0)
        return;
    const REAL top = TOP(run->attend, scores, n);
    if (top > run->top[r]) {
        const REAL factor = (REAL)exp2((double)(run->top[r] - top));
        run->top[r] = top;
        run->sum[r] *= factor;
        SCALE(run->attend, run->out + r * run->dim, run->dim, factor);
    }
    run->sum[r] += POWERS(run->attend, scores, n, run->top[r]);
}

static void forward_block(const tile_run *run, const cpb_band *band, const key_block *b,
                          cpb_range slots, bool full)
{
    const int64_t first = row_of(run, slots.begin, 0);
    const int rows = (int)(row_of(run, slots.end, 0) - first);
    REAL *scores = run->scores;
    multiply_keys(run, rows, run->q + first * run->dim, b->k, b, scores);
    for (int64_t slot = slots.begin; slot < slots.end; slot++) {
        const cpb_range in = full ? (cpb_range){0, b->n} : seen(band, b, slot);
        for (int j = 0; j < run->group; j++, scores += run->block) {
            weigh_row(run, row_of(run, slot, j), scores + in.begin, in.end - in.begin);
            if (!full)
                clear_outside(scores, in, b->n);
        }
    }
    GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, run->dim, b->n, 1,
         run->scores, run->block, b->v, run->dim, 1, run->out + first * run->dim,
         run->dim);
}

/* d scores = weights * (dout v^T - delta), then what follows from them: gradients of
 * values, keys and queries. */
static void backward_block(const tile_run *run, const cpb_band *band,
                           const key_block *b, cpb_range slots, bool full)
{
    const int64_t first = row_of(run, slots.begin, 0);
    const int rows = (int)(row_of(run, slots.end, 0) - first);
    const int block = run->block, dim = run->dim;
    const REAL *const q = run->q + first * dim, *const dout = run->dout + first * dim;
    REAL *scores = run->scores, *dscores = run->dscores;
    multiply_keys(run, rows, q, b->k, b, scores);
    multiply_keys(run, rows, dout, b->v, b, dscores);
    for (int64_t slot = slots.begin; slot < slots.end; slot++) {
        const cpb_range in = full ? (cpb_range){0, b->n} : seen(band, b, slot);
        for (int j = 0; j < run->group; j++, scores += block, dscores += block) {
            const int64_t r = row_of(run, slot, j);
            if (!full) {
                clear_outside(scores, in, b->n);
                clear_outside(dscores, in, b->n);
            }
            GRADIENTS(run->attend, scores + in.begin, dscores + in.begin,
                      in.end - in.begin, run->top[r], run->sum[r]);
        }
    }
    GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, b->n, dim, rows, 1, run->scores,
         block, dout, dim, 1, b->dv, dim);
    GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, b->n, dim, rows, (REAL)ln_2,
         run->dscores, block, q, dim, 1, b->dk, dim);
    GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, dim, b->n,
         (REAL)run->attend->shape.scale, run->dscores, block, b->k, dim, 1,
         run->out + first * dim, dim);
}

typedef void block_run(const tile_run *run, const cpb_band *band, const key_block *b,
                       cpb_range slots, bool full);

/* First of `slots` whose bound lies above `key`; bounds ascend. */
static int64_t first_above(const cpb_band *band, cpb_range slots, int64_t key,
                           int64_t (*bound)(const cpb_band *, int64_t))
{
    while (slots.begin < slots.end) {
        const int64_t middle = slots.begin + cpb_range_length(slots) / 2;
        if (bound(band, middle) > key)
            slots.end = middle;
        else
            slots.begin = middle + 1;
    }
    return slots.begin;
}

/* One block of keys with the slots that see some of it, a piece of them at a time. */
static void run_block(const tile_run *run, const cpb_band *band, cpb_range slots,
                      cpb_range keys, block_run *block)
{
    const cpb_range see = {first_above(band, slots, keys.begin, cpb_band_end),
                           first_above(band, slots, keys.end - 1, cpb_band_first)};
    if (see.begin >= see.end)
        return;
    const key_block b = open_block(run, keys);
    const int64_t step = cpb_even_length(cpb_range_length(see), run->attend->piece);
    for (int64_t at = see.begin; at < see.end; at += step) {
        const cpb_range piece = {at, cpb_min(at + step, see.end)};
        const bool full = cpb_band_first(band, piece.end - 1) <= keys.begin &&
                          cpb_band_end(band, piece.begin) >= keys.end;
        ++*(full ? &run->attend->full_tiles : &run->attend->partial_tiles);
        block(run, band, &b, piece, full);
    }
}

/* Slots of the tile in a band. */
static cpb_range slots_of(const tile_run *run, const cpb_band *band)
{
    return (cpb_range){cpb_max(band->q_begin, run->begin),
                       cpb_min(band->q_end, run->end)};
}

/* Keys of the chunk that some of these slots see; empty where it begins at its end. */
static cpb_range keys_of(const tile_run *run, const cpb_band *band, cpb_range slots)
{
    const int64_t begin = cpb_max(cpb_band_first(band, slots.begin), run->chunk.begin);
    const int64_t end = cpb_min(cpb_band_end(band, slots.end - 1), run->chunk.end);
    return (cpb_range){begin, cpb_max(begin, end)};
}

static const cpb_band *band_at(const cpb_part *part, size_t i)
{
    return &part->bands[part->of_tile[i]];
}

/* Whether a tile has anything to do with the chunk. */
static bool meets(const tile_run *run, const cpb_part *part, int64_t tile)
{
    for (size_t i = part->first[tile]; i < part->first[tile + 1]; i++) {
        const cpb_band *const band = band_at(part, i);
        if (cpb_range_length(keys_of(run, band, slots_of(run, band))))
            return true;
    }
    return false;
}

/* All bands of a tile, their keys in blocks. */
static void run_bands(const tile_run *run, const cpb_part *part, int64_t tile,
                      block_run *block)
{
    for (size_t i = part->first[tile]; i < part->first[tile + 1]; i++) {
        const cpb_band *const band = band_at(part, i);
        const cpb_range slots = slots_of(run, band), keys = keys_of(run, band, slots);
        const int64_t step = cpb_even_length(cpb_range_length(keys), run->block);
        for (int64_t at = keys.begin; at < keys.end; at += step)
            run_block(run, band, slots, (cpb_range){at, cpb_min(at + step, keys.end)},
                      block);
    }
}

/* Join a row's sums to what the other part of the keys gave before. */
static void store_row(const tile_run *run, int64_t slot, int j)
{
    const int64_t r = row_of(run, slot, j), at = index_of(run, slot, j);
    float *const restrict out = run->arrays->out + at * run->dim;
    float *const lse = run->arrays->lse + at;
    const REAL *const restrict row = run->out + r * run->dim;
    if (run->sum[r] == 0)
        return;
    const double mine = (double)run->top[r] * ln_2 + log((double)run->sum[r]);
    const double top = fmax(mine, (double)*lse);
    const double old = exp((double)*lse - top), new = exp(mine - top);
    const REAL keep = (REAL)(old / (old + new));
    const REAL take = (REAL)(new / (old + new) / (double)run->sum[r]);
    for (int d = 0; d < run->dim; d++)
        out[d] = (float)((REAL)out[d] * keep + row[d] * take);
    *lse = (float)(top + log(old + new));
}

static void forward_tile(cpb_attend *attend, const cpb_pass_arrays *arrays,
                         const cpb_part *part, int64_t tile, int64_t head,
                         cpb_range chunk)
{
    const tile_run run = tile_open(attend, arrays, tile, head, chunk);
    const int64_t rows = row_of(&run, run.end, 0);
    if (!meets(&run, part, tile))
        return;
    load_rows(&run, arrays->q, (REAL)(attend->shape.scale * log2_e), run.q);
    memset(run.out, 0, (size_t)(rows * run.dim) * sizeof *run.out);
    for (int64_t r = 0; r < rows; r++) {
        run.top[r] = (REAL)-INFINITY;
        run.sum[r] = 0;
    }
    run_bands(&run, part, tile, forward_block);
    for (int64_t slot = run.begin; slot < run.end; slot++) {
        if (slot + AHEAD < run.end)
            ask_for(arrays->out + index_of(&run, slot + AHEAD, 0) * run.dim,
                    (int64_t)run.group * run.dim);
        for (int j = 0; j < run.group; j++)
            store_row(&run, slot, j);
    }
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
                          const cpb_part *part, int64_t tile, int64_t head,
                          cpb_range chunk)
{
    const tile_run run = tile_open(attend, arrays, tile, head, chunk);
    const int64_t rows = row_of(&run, run.end, 0);
    if (!meets(&run, part, tile))
        return;
    load_rows(&run, arrays->q, (REAL)(attend->shape.scale * log2_e), run.q);
    load_rows(&run, arrays->dout, 1, run.dout);
    memset(run.out, 0, (size_t)(rows * run.dim) * sizeof *run.out);
    for (int64_t slot = run.begin; slot < run.end; slot++)
        for (int j = 0; j < run.group; j++)
            load_saved(&run, slot, j);
    run_bands(&run, part, tile, backward_block);
    add_rows(&run, run.out, arrays->dq);
}

const cpb_kernel_row KERNEL = {.bytes = sizeof(REAL),
                               .load_chunk = load_chunk,
                               .store_chunk = store_chunk,
                               .forward = forward_tile,
                               .backward = backward_tile};
