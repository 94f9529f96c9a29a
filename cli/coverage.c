// SPDX-License-Identifier: Apache-2.0
/* Pairs of strips per cell of a grid. A strip is what lies left of its right edge minus
 * what lies left of its left edge; an edge covers whole cells up to the one that it
 * passes, which a running sum over the row collects, and a part of those. */
#include "coverage.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

int64_t cells_begin(cli_cells cells, int64_t i)
{
    return i * cells.tokens / cells.n;
}

/* The cell of a token; the number of cells for those past the end. */
static int64_t cell_of(cli_cells cells, int64_t token)
{
    if (token >= cells.tokens)
        return cells.n;
    return ((token + 1) * cells.n - 1) / cells.tokens;
}

bool coverage_create(cli_cells rows, cli_cells columns, cli_coverage *coverage,
                     cpb_error *error)
{
    const size_t n = (size_t)(rows.n * columns.n);
    *coverage = (cli_coverage){rows, columns, calloc(n, sizeof *coverage->pairs),
                               calloc(n + (size_t)rows.n, sizeof *coverage->whole)};
    return (coverage->pairs && coverage->whole) || fail_memory(error);
}

void coverage_free(cli_coverage *coverage)
{
    free(coverage->pairs);
    free(coverage->whole);
    *coverage = (cli_coverage){0};
}

void coverage_clear(cli_coverage *coverage)
{
    const size_t n = (size_t)(coverage->rows.n * coverage->columns.n);
    memset(coverage->pairs, 0, n * sizeof *coverage->pairs);
    memset(coverage->whole, 0,
           (n + (size_t)coverage->rows.n) * sizeof *coverage->whole);
}

/* Sum of clamp(j, 0, width) over all j <= last. */
static int64_t clamped_sum(int64_t last, int64_t width)
{
    if (last <= 0)
        return 0;
    if (last <= width)
        return last * (last + 1) / 2;
    return width * (width + 1) / 2 + (last - width) * width;
}

/* Pairs of a cell (from key `begin`, `width` wide) left of an edge that stands before
 * key `at` in the first of n rows. */
static int64_t left_of(int64_t at, int64_t steps, int64_t n, int64_t begin,
                       int64_t width)
{
    const int64_t before = at - begin;
    if (steps)
        return clamped_sum(before + n - 1, width) - clamped_sum(before - 1, width);
    return n * (before <= 0 ? 0 : before < width ? before : width);
}

/* Add (sign 1) or take away (-1) what lies left of an edge, in n rows of one row of
 * cells. */
static void add_edge(cli_coverage *to, int64_t row, int64_t at, int64_t steps,
                     int64_t n, int64_t sign)
{
    int64_t *const whole = to->whole + row * (to->columns.n + 1);
    int64_t *const pairs = to->pairs + row * to->columns.n;
    const int64_t first = cell_of(to->columns, at);
    const int64_t last = cell_of(to->columns, at + steps * (n - 1));
    whole[0] += sign * n;
    whole[first] -= sign * n;
    for (int64_t c = first; c <= last && c < to->columns.n; c++) {
        const int64_t begin = cells_begin(to->columns, c);
        pairs[c] += sign * left_of(at, steps, n, begin,
                                   cells_begin(to->columns, c + 1) - begin);
    }
}

void coverage_add(cli_coverage *coverage, const cli_strip *strip)
{
    const int64_t end = strip->first + strip->rows;
    int64_t row = cell_of(coverage->rows, strip->first);
    for (int64_t from = strip->first; from < end; row++) {
        const int64_t next = cells_begin(coverage->rows, row + 1);
        const int64_t to = next < end ? next : end;
        const int64_t skipped = from - strip->first;
        add_edge(coverage, row, strip->right + skipped * strip->right_steps,
                 strip->right_steps, to - from, 1);
        add_edge(coverage, row, strip->left + skipped * strip->left_steps,
                 strip->left_steps, to - from, -1);
        from = to;
    }
}

void coverage_finish(cli_coverage *coverage)
{
    for (int64_t row = 0; row < coverage->rows.n; row++) {
        const int64_t *const whole = coverage->whole + row * (coverage->columns.n + 1);
        int64_t *const pairs = coverage->pairs + row * coverage->columns.n;
        int64_t rows = 0;
        for (int64_t c = 0; c < coverage->columns.n; c++) {
            rows += whole[c];
            pairs[c] += rows * (cells_begin(coverage->columns, c + 1) -
                                cells_begin(coverage->columns, c));
        }
    }
}

int64_t coverage_room(const cli_coverage *coverage, int64_t row, int64_t column)
{
    return (cells_begin(coverage->rows, row + 1) - cells_begin(coverage->rows, row)) *
           (cells_begin(coverage->columns, column + 1) -
            cells_begin(coverage->columns, column));
}
