// SPDX-License-Identifier: Apache-2.0
/* Rows of a tile of queries and of a chunk of keys, between a pass's arrays and scratch, in
 * the type REAL. Rows of a matrix are queries of the heads that share a key head, token by
 * token. Scores are in base 2: q is scaled by scale * log2(e) when it is loaded.
 *
 * Keys of one head lie a token apart, each on pages of its own, which takes as long as
 * products do to find. So a chunk of them is copied once for all tiles of queries, and its
 * gradients are summed beside it until the last tile is through. */
#include "attend.h"

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
