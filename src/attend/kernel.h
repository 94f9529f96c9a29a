// SPDX-License-Identifier: Apache-2.0
/* Attention of one tile, in one type of sums. The file that includes this one sets
 *   REAL, GEMM           the type and its matrix product
 *   KERNEL               the name of the row that it defines
 *   TOP, POWERS, GRADIENTS, SCALE (attend, ...)   the loops of rows.h in that type */
#include "kernel_rows.h"

#include <cblas.h>

/* scores = rows * keys^T. */
static void multiply_keys(const tile_run *run, int rows, const REAL *left,
                          const REAL *keys, const key_block *b, REAL *scores)
{
    GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, rows, b->n, run->dim, 1, left,
         run->dim, keys, run->dim, 0, scores, run->block);
}

/* Columns of a block that a query sees. */
static cpb_range seen(const cpb_slot_band *band, const key_block *b, int64_t slot)
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

static void forward_block(const tile_run *run, const cpb_slot_band *band,
                          const key_block *b, cpb_range slots, bool full)
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
static void backward_block(const tile_run *run, const cpb_slot_band *band,
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

typedef void block_run(const tile_run *run, const cpb_slot_band *band,
                       const key_block *b, cpb_range slots, bool full);

/* First of `slots` whose bound lies above `key`; bounds ascend. */
static int64_t first_above(const cpb_slot_band *band, cpb_range slots, int64_t key,
                           int64_t (*bound)(const cpb_slot_band *, int64_t))
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
static void run_block(const tile_run *run, const cpb_slot_band *band, cpb_range slots,
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
static cpb_range slots_of(const tile_run *run, const cpb_slot_band *band)
{
    return (cpb_range){cpb_max(band->q_begin, run->begin),
                       cpb_min(band->q_end, run->end)};
}

/* Keys of the chunk that some of these slots see; empty where it begins at its end. */
static cpb_range keys_of(const tile_run *run, const cpb_slot_band *band,
                         cpb_range slots)
{
    const int64_t begin = cpb_max(cpb_band_first(band, slots.begin), run->chunk.begin);
    const int64_t end = cpb_min(cpb_band_end(band, slots.end - 1), run->chunk.end);
    return (cpb_range){begin, cpb_max(begin, end)};
}

static const cpb_slot_band *band_at(const cpb_bands *part, size_t i)
{
    return &part->bands[part->of_tile[i]];
}

/* Whether a tile has anything to do with the chunk. */
static bool meets(const tile_run *run, const cpb_bands *part, int64_t tile)
{
    for (size_t i = part->first[tile]; i < part->first[tile + 1]; i++) {
        const cpb_slot_band *const band = band_at(part, i);
        if (cpb_range_length(keys_of(run, band, slots_of(run, band))))
            return true;
    }
    return false;
}

/* All bands of a tile, their keys in blocks. */
static void run_bands(const tile_run *run, const cpb_bands *part, int64_t tile,
                      block_run *block)
{
    for (size_t i = part->first[tile]; i < part->first[tile + 1]; i++) {
        const cpb_slot_band *const band = band_at(part, i);
        const cpb_range slots = slots_of(run, band), keys = keys_of(run, band, slots);
        const int64_t step = cpb_even_length(cpb_range_length(keys), run->block);
        for (int64_t at = keys.begin; at < keys.end; at += step)
            run_block(run, band, slots, (cpb_range){at, cpb_min(at + step, keys.end)},
                      block);
    }
}

static void forward_tile(cpb_attend *attend, const cpb_pass_arrays *arrays,
                         const cpb_bands *part, int64_t tile, int64_t head,
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

static void backward_tile(cpb_attend *attend, const cpb_pass_arrays *arrays,
                          const cpb_bands *part, int64_t tile, int64_t head,
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
