// SPDX-License-Identifier: Apache-2.0
/* Tiles of a shard: what a kernel visits, counted in closed form per q-tile. */
#ifndef CPB_SRC_TILES_H
#define CPB_SRC_TILES_H

#include "../base/memory.h"
#include "../mask/mask.h"

#include <cpb/cost.h>

/* What a q-tile holds. */
typedef struct cpb_tile_count {
    int64_t nonempty; /* tiles with an allowed pair */
    int64_t full;     /* of these, tiles whose tile_q x tile_k pairs are all allowed */
} cpb_tile_count;

/* How tiles are counted. */
typedef struct cpb_tiling {
    int64_t tile_q;
    int64_t tile_k;
    int k_bits;  /* tile_k == 1 << k_bits, or 0: divide */
    bool varlen; /* q-tiles and key tiles start anew at each segment and slice */
    bool split;  /* tell full tiles from partial ones; otherwise `full` is 0 */
} cpb_tiling;

/* floor(key / tile_k), without a division where there is a choice. */
static inline int64_t cpb_tile_below(const cpb_tiling *tiling, int64_t key)
{
    return tiling->k_bits ? key >> tiling->k_bits : key / tiling->tile_k;
}

/* ceil(key / tile_k) */
static inline int64_t cpb_tile_above(const cpb_tiling *tiling, int64_t key)
{
    return cpb_tile_below(tiling, key + tiling->tile_k - 1);
}

struct cpb_parts;

/* Count the tiles of a q-tile that several slices or runs share. */
cpb_tile_count cpb_parts_count(struct cpb_parts *parts, const cpb_tiling *tiling);

/* Consecutive q-tiles of one kind: each in one slice alone; or, with n == 1, one that is
 * shared; or all without a pair. Alone, the keys that tile i sees are
 * [low + i * low_step, high + i * high_step), those that all its rows see are
 * [low_all + i * low_step, high_all + i * high_step), both counted from the origin of
 * the key tiles. */
typedef struct cpb_stretch {
    int64_t at;              /* original position of the first row */
    int64_t rows;            /* rows of a q-tile; tile_q unless it is ragged */
    int64_t n;               /* q-tiles */
    const cpb_slice *slice;  /* in which they lie alone, or NULL */
    struct cpb_parts *parts; /* of a shared q-tile, or NULL; valid during the visit */
    int64_t low, high, low_all, high_all;
    int64_t low_step, high_step;
} cpb_stretch;

/* `n` q-tiles of `rows` rows from `q` on, all inside `slice`; key tiles count from
 * `origin`. */
cpb_stretch cpb_stretch_of(const cpb_slice *slice, int64_t q, int64_t rows, int64_t n,
                           int64_t origin);

/* The count of q-tile i of a stretch. Declared here to be inlined into loops. */
static inline cpb_tile_count cpb_stretch_count(const cpb_stretch *stretch,
                                               const cpb_tiling *tiling, int64_t i)
{
    if (!stretch->slice)
        return stretch->parts ? cpb_parts_count(stretch->parts, tiling)
                              : (cpb_tile_count){0, 0};
    const int64_t low = stretch->low + i * stretch->low_step;
    const int64_t high = stretch->high + i * stretch->high_step;
    cpb_tile_count count = {cpb_tile_above(tiling, high) - cpb_tile_below(tiling, low),
                            0};
    if (tiling->split && stretch->rows == tiling->tile_q) {
        const int64_t low_all = stretch->low_all + i * stretch->low_step;
        const int64_t high_all = stretch->high_all + i * stretch->high_step;
        count.full = cpb_max(0, cpb_tile_below(tiling, cpb_max(0, high_all)) -
                                    cpb_tile_above(tiling, low_all));
    }
    return count;
}

typedef void cpb_stretch_fn(void *context, const cpb_stretch *stretch);

/* Visit every q-tile of a shard in its order.
 *
 * \param runs [n_runs] the shard; positions past the last token are pads
 * \return CPB_OK or CPB_NO_MEMORY.
 * O(stretches + parts of q-tiles that more than one slice or run share). */
cpb_status cpb_tiles_visit(const cpb_mask *mask, const cpb_tiling *tiling,
                           const cpb_range *runs, size_t n_runs, cpb_arena *scratch,
                           cpb_stretch_fn *visit, void *context);

#endif
