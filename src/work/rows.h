// SPDX-License-Identifier: Apache-2.0
/* What a cost index holds, between the file that prices its rows and the one that looks
 * them up. */
#ifndef CPB_SRC_WORK_ROWS_H
#define CPB_SRC_WORK_ROWS_H

#include "work.h"

/* Rows are q-tiles of the original order. `before[i]` is what all rows before row i
 * cost; inside a row cost grows evenly from token to token. */
struct cpb_work {
    cpb_arena memory; /* owns the work too */
    const cpb_mask *mask;
    bool pairs;     /* exact counts; no rows */
    int64_t token;  /* per token */
    int64_t tile_q; /* rows are multiples of it where `begin` is NULL */
    int64_t n_rows;
    int32_t *begin;  /* [n_rows + 1] or NULL */
    int64_t *before; /* [n_rows + 1] */

    /* For many look-ups: where to search for the band (pairs) or row of a position. */
    int32_t *index; /* [(tokens >> shift) + 2] the last one that begins at or before
                       i << shift; NULL: search all */
    int shift;
};

/* Fill in the rows of a work whose costs are no pairs. */
cpb_status cpb_work_price_rows(cpb_work *work, const cpb_setup *setup,
                               cpb_arena *memory, cpb_error *error);

#endif
