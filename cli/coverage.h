// SPDX-License-Identifier: Apache-2.0
/* How many pairs of strips lie in each cell of a grid, from closed forms: exact for
 * cells of any size. */
#ifndef CPB_CLI_COVERAGE_H
#define CPB_CLI_COVERAGE_H

#include "strips.h"

/* One side of the grid: cell i holds tokens floor(i * tokens / cells) up to the next. */
typedef struct cli_cells {
    int64_t tokens;
    int64_t n; /* 1 .. tokens */
} cli_cells;

/* First token of cell i. */
int64_t cells_begin(cli_cells cells, int64_t i);

/* Starts as {0}. */
typedef struct cli_coverage {
    cli_cells rows, columns;
    int64_t *pairs; /* [rows.n * columns.n], after coverage_finish() */
    int64_t
        *whole; /* [rows.n * (columns.n + 1)] rows that cover all cells from here on */
} cli_coverage;

bool coverage_create(cli_cells rows, cli_cells columns, cli_coverage *coverage,
                     cpb_error *error);

void coverage_free(cli_coverage *coverage);

/* Forget all strips. */
void coverage_clear(cli_coverage *coverage);

/* O(cells that an edge of the strip passes). */
void coverage_add(cli_coverage *coverage, const cli_strip *strip);

/* Fill in `pairs`. */
void coverage_finish(cli_coverage *coverage);

/* Pairs that a cell has room for. */
int64_t coverage_room(const cli_coverage *coverage, int64_t row, int64_t column);

#endif
