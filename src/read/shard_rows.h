// SPDX-License-Identifier: Apache-2.0
/* The rows of a shard block mask, as stretches of tiles. */
#ifndef CPB_SRC_SHARD_ROWS_H
#define CPB_SRC_SHARD_ROWS_H

#include "shard.h"

/* Neighbouring tiles of one kind in one row; blocks fit 32 bits (CPB_MAX_TOKENS). */
typedef struct cpb_tile_run {
    int32_t begin;
    int32_t end;
} cpb_tile_run;

/* Rows under construction or done: row i holds runs[first[i]] up to
 * runs[first[i + 1] - 1], ascending. */
typedef struct cpb_tile_rows {
    cpb_arena *arena;
    int64_t n_rows;
    size_t *first; /* [rows + 1] */
    size_t n;
    size_t room;
    cpb_tile_run *runs;
} cpb_tile_rows;

/* Partial and full tiles. */
enum { CPB_PARTIAL, CPB_WHOLE, CPB_TILE_KINDS };

/* Fill in the rows of both kinds, in memory of `arena`.
 *
 * \param rows    blocks of queries; those behind the shard are left empty
 * \param columns blocks of keys that the layout's slots reach
 * \return CPB_OK, CPB_INVALID for a key that the layout lacks, CPB_NO_MEMORY. */
cpb_status cpb_shard_rows(const cpb_shard *shard, int64_t block_q, int64_t block_k,
                          int64_t rows, int64_t columns, cpb_arena *arena,
                          cpb_tile_rows lists[CPB_TILE_KINDS], cpb_error *error);

#endif
