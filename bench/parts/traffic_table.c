// SPDX-License-Identifier: Apache-2.0
/* The table of bench_traffic. */
#define _POSIX_C_SOURCE 200809L

#include "traffic_table.h"

#include "draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

traffic_table traffic_table_new(const traffic_case *at, int packs)
{
    traffic_table table = {.at = *at, .packs = packs};
    const size_t n = (size_t)packs * MOST_ROWS;
    table.cells = calloc(n, sizeof *table.cells);
    if (!table.cells) {
        perror("bench_traffic");
        exit(1);
    }
    for (size_t i = 0; i < n; i++)
        table.cells[i].plan = table.cells[i].flat = table.cells[i].two_level =
            table.cells[i].card = NAN;
    return table;
}

void traffic_table_add(traffic_table *table, const char *name)
{
    if (table->n_rows < MOST_ROWS)
        table->names[table->n_rows++] = name;
}

void traffic_table_free(traffic_table *table)
{
    free(table->cells);
    table->cells = NULL;
}

traffic_figures *traffic_cell(const traffic_table *table, int pack, size_t row)
{
    return &table->cells[(size_t)pack * MOST_ROWS + row];
}

/* --- Columns --------------------------------------------------------------------- */

/* The row called `name` on a pack, or NULL. */
static const traffic_figures *named(const traffic_table *t, int pack, const char *name)
{
    for (size_t row = 0; row < t->n_rows; row++)
        if (strcmp(t->names[row], name) == 0 && traffic_cell(t, pack, row)->made)
            return traffic_cell(t, pack, row);
    return NULL;
}

typedef double value_fn(const traffic_table *t, int pack, size_t row);

static double total(const traffic_table *t, int pack, size_t row)
{
    return traffic_cell(t, pack, row)->total / (double)t->at.tokens;
}

/* Nothing of nothing is as much as the other. */
static double ratio(double a, double b)
{
    return a == b ? 1 : a / b;
}

#define AGAINST(function, field, other)                                                \
    static double function(const traffic_table *t, int pack, size_t row)               \
    {                                                                                  \
        const traffic_figures *const peer = named(t, pack, other);                     \
        return peer ? ratio(traffic_cell(t, pack, row)->field, peer->field) : NAN;     \
    }
AGAINST(total_of_ptrr, total, "ptrr")
AGAINST(total_of_min_heap, total, "min-heap")
AGAINST(total_of_metis, total, "METIS")
AGAINST(send_of_min_heap, send, "min-heap")
AGAINST(receive_of_min_heap, receive, "min-heap")
AGAINST(plan_of_frugal, plan, "frugal")

/* A hundredth of the tokens is added to both, for bounds of nothing. */
static double total_of_bound(const traffic_table *t, int pack, size_t row)
{
    const traffic_figures *const f = traffic_cell(t, pack, row);
    const double few = (double)t->at.tokens / 100;
    return (f->total + few) / (f->bound + few);
}

static double bound_of_ptrr(const traffic_table *t, int pack, size_t row)
{
    const traffic_figures *const peer = named(t, pack, "ptrr");
    return peer ? traffic_cell(t, pack, row)->bound / peer->total : NAN;
}

#define FIELD(function, expression)                                                    \
    static double function(const traffic_table *t, int pack, size_t row)               \
    {                                                                                  \
        const traffic_figures *const f = traffic_cell(t, pack, row);                   \
        return expression;                                                             \
    }
FIELD(runs, f->runs)
FIELD(excess, 100 * f->excess)
FIELD(size, f->size)
FIELD(plan_ms, 1e3 * f->plan)
FIELD(flat_ms, 1e3 * f->flat)
FIELD(two_level_ms, 1e3 * f->two_level)
FIELD(card, f->card)

/* The largest load, of the least that any row of the table has. */
static double load_of_best(const traffic_table *t, int pack, size_t row)
{
    double best = INFINITY;
    for (size_t other = 0; other < t->n_rows; other++)
        if (traffic_cell(t, pack, other)->made)
            best = fmin(best, traffic_cell(t, pack, other)->load);
    return ratio(traffic_cell(t, pack, row)->load, best);
}

static const struct {
    const char *name;
    value_fn *value;
    int digits;
} columns[] = {
    {"total / S", total, 3},
    {"/ ptrr", total_of_ptrr, 3},
    {"/ min-heap", total_of_min_heap, 3},
    {"/ METIS", total_of_metis, 2},
    {"/ bound", total_of_bound, 2},
    {"bound / ptrr", bound_of_ptrr, 3},
    {"send / min-heap", send_of_min_heap, 2},
    {"receive / min-heap", receive_of_min_heap, 2},
    {"runs_max", runs, 0},
    {"excess %", excess, 2},
    {"load / best row's", load_of_best, 4},
    {"largest shard", size, 3},
    {"plan ms", plan_ms, 2},
    {"plan / frugal's", plan_of_frugal, 2},
    {"+ flat ms", flat_ms, 2},
    {"+ two-level ms", two_level_ms, 2},
    {"card / all-gather", card, 3},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* --- Printing -------------------------------------------------------------------- */

/* Median and worst of the values that are there.
 * \return how many. */
static size_t summarise(double *values, size_t n, double *middle, double *worst)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            values[kept++] = values[i];
    if (!kept)
        return 0;
    *middle = median(values, kept);
    *worst = values[kept - 1];
    return kept;
}

static void print_values(double *values, int packs, int digits)
{
    double middle, worst;
    if (!summarise(values, (size_t)packs, &middle, &worst))
        printf(" - |");
    else
        printf(" %.*f (%.*f) |", digits, middle, digits, worst);
}

static void print_column(const traffic_table *t, size_t row, size_t column,
                         double *values)
{
    for (int pack = 0; pack < t->packs; pack++)
        values[pack] = traffic_cell(t, pack, row)->made
                           ? columns[column].value(t, pack, row)
                           : NAN;
    print_values(values, t->packs, columns[column].digits);
}

/* How many packs are balanced within the tolerance. */
static void print_within(const traffic_table *t, size_t row, double tolerance)
{
    int within = 0;
    for (int pack = 0; pack < t->packs; pack++)
        within += traffic_cell(t, pack, row)->made &&
                  traffic_cell(t, pack, row)->excess <= tolerance * (1 + 1e-12);
    printf(" %d of %d |", within, t->packs);
}

/* Totals at this tolerance, of those at the tolerance before; a hundredth of S is added
 * on both sides. */
static void print_change(const traffic_table *t, size_t row,
                         const traffic_table *before, double *values)
{
    const double extra = (double)t->at.tokens / 100;
    if (!before->n_rows)
        return;
    for (int pack = 0; pack < t->packs; pack++)
        values[pack] = traffic_cell(t, pack, row)->made
                           ? (traffic_cell(t, pack, row)->total + extra) /
                                 (traffic_cell(before, pack, row)->total + extra)
                           : NAN;
    print_values(values, t->packs, 2);
}

void traffic_table_print(const traffic_table *t, const char *source, double tolerance,
                         const traffic_table *before)
{
    double *const values = calloc((size_t)t->packs, sizeof *values);
    if (!values)
        exit(1);
    printf("\n| %s, %lld tokens, W = %d, tolerance %g %%, %d packs |", source,
           (long long)t->at.tokens, (int)t->at.ranks, 100 * tolerance, t->packs);
    for (size_t c = 0; c < COLUMNS; c++)
        printf(" %s |", columns[c].name);
    printf(" within |%s\n|", before->n_rows ? " total / tolerance before |" : "");
    for (size_t c = 0; c < COLUMNS + 2 + (before->n_rows > 0); c++)
        printf("---|");
    printf("\n");
    for (size_t row = 0; row < t->n_rows; row++) {
        printf("| %s |", t->names[row]);
        for (size_t c = 0; c < COLUMNS; c++)
            print_column(t, row, c, values);
        print_within(t, row, tolerance);
        print_change(t, row, before, values);
        printf("\n");
    }
    fflush(stdout);
    free(values);
}
