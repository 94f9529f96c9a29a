// SPDX-License-Identifier: Apache-2.0
/* Reports of many plans, collected and printed. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "comparison.h"

#include "figures.h"
#include "message.h"
#include "setup.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

/* One column of the table: a number of a report; the least is the best. */
typedef struct column {
    const char *title;
    int decimals;
    double (*value)(const cli_report *report);
} column;

static double imbalance(const cli_report *report)
{
    return 100 * report->all.score.imbalance;
}

static double gap(const cli_report *report)
{
    return 100 * report->all.score.gap;
}

static double sequences(const cli_report *report, int64_t tokens)
{
    return (double)tokens / (double)cpb_plan_tokens(report->plan);
}

static double received(const cli_report *report)
{
    return sequences(report, report->all.score.receive_total);
}

static double received_most(const cli_report *report)
{
    return sequences(report, report->all.score.receive_max);
}

static double tiles_added(const cli_report *report)
{
    return (double)report->all.score.tiles_added;
}

static double runs(const cli_report *report)
{
    return (double)report->all.score.runs_max;
}

static double peers(const cli_report *report)
{
    return (double)report->all.score.peers_max;
}

static double step(const cli_report *report)
{
    return figures_microseconds(report->all.score.step_time);
}

static double plan_time(const cli_report *report)
{
    return 1e3 * report->plan_seconds;
}

static const column columns[] = {{"imbalance %", 2, imbalance},
                                 {"gap %", 2, gap},
                                 {"received", 2, received},
                                 {"most", 3, received_most},
                                 {"tiles added", 0, tiles_added},
                                 {"runs", 0, runs},
                                 {"peers", 0, peers},
                                 {"step us", 1, step},
                                 {"plan ms", 3, plan_time}};

enum { N_COLUMNS = sizeof columns / sizeof *columns };

struct comparison_row {
    bool there;
    char chosen[TABLE_CELL_BYTES];
    double value[N_COLUMNS];
};

bool comparison_create(size_t n_packs, comparison_format format,
                       const cli_recipe *recipe, comparison *to, cpb_error *error)
{
    size_t n = 0;
    while (cpb_balancer_name(n))
        n++;
    *to = (comparison){
        .format = format, .n_packs = n_packs, .n_balancers = n, .recipe = recipe};
    to->rows = calloc(n_packs * n, sizeof *to->rows);
    to->refused = calloc(n, sizeof *to->refused);
    to->objects = json_array();
    to->csv_stream = open_memstream(&to->csv, &to->csv_bytes);
    if (!to->rows || !to->refused || !to->objects || !to->csv_stream)
        return fail_memory(error);
    fputs("pack,", to->csv_stream);
    report_print_csv_names(to->csv_stream);
    fputc('\n', to->csv_stream);
    return true;
}

void comparison_free(comparison *to)
{
    if (to->csv_stream)
        fclose(to->csv_stream);
    free(to->csv);
    json_decref(to->objects);
    free(to->refused);
    free(to->rows);
    *to = (comparison){0};
}

static bool add_object(comparison *to, size_t pack, const cli_report *report)
{
    bool good = true;
    json_push(to->objects,
              row_to_json(to->n_packs > 1 ? (int64_t)pack : -1, report, to->recipe),
              &good);
    return good;
}

bool comparison_add(comparison *to, size_t pack, size_t balancer,
                    const cli_report *report, cpb_error *error)
{
    struct comparison_row *const row = &to->rows[pack * to->n_balancers + balancer];
    const int64_t tokens = cpb_plan_tokens(report->plan);
    row->there = true;
    snprintf(row->chosen, sizeof row->chosen, "%s", report->chosen);
    for (size_t c = 0; c < N_COLUMNS; c++)
        row->value[c] = columns[c].value(report);
    to->tokens = tokens > to->tokens ? tokens : to->tokens;
    to->ranks = cpb_plan_ranks(report->plan);
    to->setup = report->setup;
    if (to->format == COMPARISON_CSV) {
        fprintf(to->csv_stream, "%zu,", pack);
        report_print_csv(to->csv_stream, report);
        fputc('\n', to->csv_stream);
    }
    return to->format != COMPARISON_JSON || add_object(to, pack, report) ||
           fail_memory(error);
}

void comparison_refuse(comparison *to, size_t balancer, const cpb_error *why)
{
    to->refused[balancer] = *why;
}

static bool by_csv(comparison *from, cpb_error *error)
{
    if (fflush(from->csv_stream) || ferror(from->csv_stream))
        return fail_memory(error);
    fwrite(from->csv, 1, from->csv_bytes, stdout);
    return true;
}

static int ascending(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* values[0 .. n) to one number; sorts them. */
typedef double summarise(double *values, size_t n);

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, ascending);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double worst(double *values, size_t n)
{
    qsort(values, n, sizeof *values, ascending);
    return values[n - 1];
}

/* How many packs a balancer was measured on; `values` gets its values of a column. */
static size_t collect(const comparison *from, size_t balancer, size_t c, double *values)
{
    size_t n = 0;
    for (size_t p = 0; p < from->n_packs; p++) {
        const struct comparison_row *const row =
            &from->rows[p * from->n_balancers + balancer];
        if (row->there)
            values[n++] = row->value[c];
    }
    return n;
}

/* A choice is worth telling where it is one: a single pack, another name. */
static void write_name(const comparison *from, size_t balancer, char *cell)
{
    const char *const name = cpb_balancer_name(balancer);
    const char *const chosen = from->rows[balancer].chosen;
    if (from->n_packs == 1 && strcmp(name, chosen))
        snprintf(cell, TABLE_CELL_BYTES, "%.18s (%.18s)", name, chosen);
    else
        snprintf(cell, TABLE_CELL_BYTES, "%s", name);
}

/* The least as printed, so that what looks equal is equally bold. */
static void mark_best(cli_table *table, size_t c, const double *value)
{
    size_t best = 1;
    for (size_t row = 2; row < table->rows; row++)
        if (value[row] < value[best])
            best = row;
    for (size_t row = 1; row < table->rows; row++)
        table->bold[row * table->columns + c] =
            !strcmp(table_cell(table, row, c), table_cell(table, best, c));
}

static void fill_column(const comparison *from, summarise *reduce, size_t c,
                        cli_table *table, double *values, double *shown)
{
    size_t row = 1;
    strcpy(table_cell(table, 0, c + 1), columns[c].title);
    for (size_t b = 0; b < from->n_balancers; b++) {
        const size_t n = collect(from, b, c, values);
        if (!n)
            continue;
        shown[row] = reduce(values, n);
        table_decimals(shown[row], columns[c].decimals, table_cell(table, row, c + 1));
        if (c == 0)
            write_name(from, b, table_cell(table, row, 0));
        row++;
    }
    mark_best(table, c + 1, shown);
}

static size_t count_present(const comparison *from)
{
    size_t present = 0;
    for (size_t b = 0; b < from->n_balancers; b++) {
        bool there = false;
        for (size_t p = 0; p < from->n_packs; p++)
            there = there || from->rows[p * from->n_balancers + b].there;
        present += there;
    }
    return present;
}

static bool print_table(const comparison *from, summarise *reduce, cpb_error *error)
{
    cli_table table;
    const size_t rows = count_present(from) + 1;
    double *const values = calloc(from->n_packs, sizeof *values);
    double *const shown = calloc(rows, sizeof *shown);
    const bool good = table_create(rows, N_COLUMNS + 1, &table) && values && shown;
    if (good) {
        strcpy(table_cell(&table, 0, 0), "balancer");
        for (size_t c = 0; c < N_COLUMNS; c++)
            fill_column(from, reduce, c, &table, values, shown);
        table_print(&table, table_is_terminal(stdout), stdout);
    }
    table_free(&table);
    free(values);
    free(shown);
    return good || fail_memory(error);
}

static void print_title(const comparison *from)
{
    if (from->n_packs > 1)
        printf("%zu packs of up to ", from->n_packs);
    setup_print(&from->setup, from->tokens, from->ranks);
    puts("; received and most (per rank) in sequences\n");
}

static bool by_table(const comparison *from, cpb_error *error)
{
    print_title(from);
    if (from->n_packs == 1)
        return print_table(from, median, error);
    puts("medians");
    if (!print_table(from, median, error))
        return false;
    puts("\nworst");
    return print_table(from, worst, error);
}

/* Why balancers are missing, for people only: scripts read the rows. */
static void print_refusals(const comparison *from)
{
    cpb_error note;
    if (!table_is_terminal(stderr))
        return;
    for (size_t b = 0; b < from->n_balancers; b++) {
        if (!*from->refused[b].message)
            continue;
        fail(&note, "left out %s: %.240s", cpb_balancer_name(b),
             from->refused[b].message);
        complain("compare", EXIT_DONE, note.message);
    }
}

static bool fail_empty(const comparison *from, cpb_error *error)
{
    for (size_t b = 0; b < from->n_balancers; b++)
        if (*from->refused[b].message)
            *error = from->refused[b];
    return fail_at(error, "no balancer is left");
}

bool comparison_print(comparison *from, cpb_error *error)
{
    if (!count_present(from))
        return fail_empty(from, error);
    print_refusals(from);
    if (from->format == COMPARISON_CSV)
        return by_csv(from, error);
    return from->format == COMPARISON_JSON ? json_print_list(from->objects, error)
                                           : by_table(from, error);
}
