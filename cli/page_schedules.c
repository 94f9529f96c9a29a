// SPDX-License-Identifier: Apache-2.0
/* A sweep of schedules on a page: head and table. */
#include "page_schedules.h"

#include "figuretable.h"
#include "html.h"
#include "message.h"
#include "table.h"

#include <inttypes.h>
#include <string.h>

static double per_token(double value, const cli_schedulerow *row)
{
    return row->score.tokens ? value / (double)row->score.tokens : 0;
}

static double above(const cli_schedulerow *row)
{
    return 100 * row->score.gap;
}

static double step(const cli_schedulerow *row)
{
    return figures_microseconds(row->score.time);
}

static double rank_time(const cli_schedulerow *row)
{
    return per_token(1e3 * (double)row->ranks * step(row), row);
}

static double idle(const cli_schedulerow *row)
{
    return 100 * (1 - row->score.busy);
}

static double token_imbalance(const cli_schedulerow *row)
{
    return 100 * row->score.token_imbalance;
}

static double batches(const cli_schedulerow *row)
{
    return row->score.micro_batches;
}

static double group_mean(const cli_schedulerow *row)
{
    return row->score.group_mean;
}

static double received(const cli_schedulerow *row)
{
    return per_token((double)row->score.received, row);
}

static double moved(const cli_schedulerow *row)
{
    return row->score.moved_mean;
}

static double plan_time(const cli_schedulerow *row)
{
    return 1e3 * row->plan_seconds;
}

static const struct {
    const char *title;
    int decimals;
    schedule_value *value;
} columns[] = {
    {"above bound %", 2, above},
    {"step us", 1, step},
    {"ns/token", 2, rank_time},
    {"idle %", 1, idle},
    {"tokens %", 1, token_imbalance},
    {"batches", 0, batches},
    {"ranks/token", 2, group_mean},
    {"received", 2, received},
    {"moved", 1, moved},
    {"plan ms", 3, plan_time},
};

enum { N_COLUMNS = sizeof columns / sizeof *columns };

bool page_schedule_head(FILE *stream, const cli_scheduleset *set, cpb_error *error)
{
    (void)error;
    char count[TABLE_CELL_BYTES];
    const size_t best = scheduleset_best(set);
    fprintf(stream, "<h1>Which ranks, which schedule</h1>\n<p>%s on ",
            table_count(set->n_packs, "pack", count));
    for (size_t i = 0; i < set->ranks.n; i++)
        fprintf(stream, "%s%" PRId64, i ? ", " : "", set->ranks.value[i]);
    fprintf(stream, " ranks of at most %s a micro-batch, modelled under profile ",
            table_count(set->shared.budget, "token", count));
    html_text(stream, set->shared.profile);
    fprintf(stream, "; ranks meet %s.</p>\n",
            strcmp(set->shared.meet, "micro") ? "at the end of the step"
                                              : "after every micro-batch");
    if (set->list.unfinished >= 0)
        fprintf(stream,
                "<p>The file ends within pack %" PRId64 ", which is left out.</p>\n",
                set->list.unfinished);
    if (best == scheduleset_groups(set))
        fputs("<pre>answer  no row has a schedule for every pack</pre>\n", stream);
    else
        fprintf(stream,
                "<pre>answer  row %s on %s: %.2f ns per token of all ranks "
                "together</pre>\n",
                scheduleset_name(set, best),
                table_count(scheduleset_ranks(set, best), "rank", count),
                scheduleset_per_token(set, best));
    return true;
}

/* The median, below it the worst; all three quantiles for who points at it. */
static bool print_cell(FILE *stream, const cli_scheduleset *set, size_t group, size_t c)
{
    static const int percents[] = {50, 90, 100};
    bool good = true;
    double value[3];
    char text[3][TABLE_CELL_BYTES];
    for (size_t i = 0; i < 3; i++) {
        value[i] =
            scheduleset_quantile(set, group, columns[c].value, percents[i], &good);
        table_decimals(value[i], columns[c].decimals, text[i]);
    }
    fprintf(stream, "<td data-v=\"%.17g\"", value[0]);
    if (set->n_packs > 1)
        fprintf(
            stream,
            " title=\"median %s, 90th percentile %s, worst %s\">%s<small>%s</small>",
            text[0], text[1], text[2], text[0], text[2]);
    else
        fprintf(stream, ">%s", text[0]);
    fputs("</td>", stream);
    return good;
}

static bool print_row(FILE *stream, const cli_scheduleset *set, size_t group, size_t n)
{
    const bool best = group == scheduleset_best(set);
    fprintf(stream, "<tr%s><td>%s</td><td>%" PRId64 "</td><td data-v=\"%zu\">%zu</td>",
            best ? " class=\"answer\"" : "", scheduleset_name(set, group),
            scheduleset_ranks(set, group), n, n);
    for (size_t c = 0; c < N_COLUMNS; c++)
        if (!print_cell(stream, set, group, c))
            return false;
    fputs("</tr>\n", stream);
    return true;
}

bool page_schedule_table(FILE *stream, const cli_scheduleset *set, cpb_error *error)
{
    size_t n;
    fprintf(
        stream,
        "<h2>Every combination</h2>\n<p>%sns/token is ranks x step / tokens; idle is "
        "the share of ranks x step in which ranks wait; tokens is how far the rank "
        "with most is above the mean; ranks/token is the mean size of groups; "
        "received is keys per token; moved is places in the loader's order, on "
        "average. The least is the best everywhere. Packs that a row cannot "
        "schedule within the limits are missing. Marked: the answer.</p>\n"
        "<div class=\"wide\"><table>\n<thead><tr><th>row</th><th>ranks</th>"
        "<th>packs</th>",
        set->n_packs > 1 ? "The median over the packs, below it the worst. " : "");
    for (size_t c = 0; c < N_COLUMNS; c++)
        fprintf(stream, "<th>%s</th>", columns[c].title);
    fputs("</tr></thead>\n<tbody>\n", stream);
    for (size_t g = 0; g < scheduleset_groups(set); g++) {
        rowlist_group(&set->list, g, &n);
        if (n && !print_row(stream, set, g, n))
            return fail_memory(error);
    }
    fputs("</tbody></table></div>\n", stream);
    return true;
}
