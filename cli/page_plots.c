// SPDX-License-Identifier: Apache-2.0
/* The plots of a page. */
#include "page.h"
#include "pagebars.h"
#include "pagepicture.h"

#include "message.h"
#include "picture/chart.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { NAME_BYTES = 64, NOTE_BYTES = 128, PARTS = 3 };

static double imbalance(const cli_row *row)
{
    return 100 * row->imbalance;
}

static double received(const cli_row *row)
{
    return (double)row->receive_total / (double)row->tokens;
}

static double computing(const cli_row *row)
{
    return row->compute_mean;
}

static double waiting(const cli_row *row)
{
    return fmax(0, row->compute_max - row->compute_mean);
}

/* What of the traffic no computing hides. */
static double sending(const cli_row *row)
{
    return fmax(0, row->step_time - row->compute_max);
}

static size_t group_of(const cli_rowset *set, size_t ranks, size_t tolerance,
                       size_t balancer)
{
    const cli_axes *const axes = &set->axes;
    return (ranks * axes->tolerance_ppm.n + tolerance) * axes->balancer.n + balancer;
}

static const char *balancer_name(const cli_rowset *set, size_t balancer)
{
    return answer_balancer(&set->answer, balancer);
}

/* --- Lines ------------------------------------------------------------------------ */

/* Points of all balancers; each has `n` of them. */
typedef struct plot_lines {
    size_t n;
    double *x, *y, *low, *high; /* [balancers * n] */
    chart_series *series;       /* [balancers] */
} plot_lines;

static void free_lines(plot_lines *lines)
{
    free(lines->x);
    free(lines->series);
}

static bool make_lines(const cli_rowset *set, size_t n, plot_lines *lines)
{
    const size_t balancers = set->axes.balancer.n;
    *lines = (plot_lines){.n = n};
    lines->x = calloc(4 * n * balancers, sizeof *lines->x);
    lines->series = calloc(balancers, sizeof *lines->series);
    if (!lines->x || !lines->series)
        return false;
    lines->y = lines->x + n * balancers;
    lines->low = lines->y + n * balancers;
    lines->high = lines->low + n * balancers;
    for (size_t b = 0; b < balancers; b++)
        lines->series[b] = (chart_series){.name = balancer_name(set, b),
                                          .n = n,
                                          .x = lines->x + b * n,
                                          .y = lines->y + b * n,
                                          .pen = chart_pen(b)};
    return true;
}

/* The quantile as a point, NAN where there is none. */
static double quantile(const cli_rowset *set, size_t group,
                       double (*value)(const cli_row *row), int percent, bool *good)
{
    const set_row *const at = rowset_quantile(set, group, value, percent, good);
    return at ? value(&at->row) : NAN;
}

/* Whether all points can stand on a logarithmic scale. */
static bool all_positive(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] <= 0)
            return false;
    return true;
}

static bool draw_by_ranks(FILE *stream, const cli_rowset *set, const char *title,
                          double (*value)(const cli_row *row), const char *caption,
                          cpb_error *error)
{
    const size_t n = set->axes.ranks.n, balancers = set->axes.balancer.n;
    plot_lines lines;
    bool good = make_lines(set, n, &lines);
    for (size_t b = 0; good && b < balancers; b++)
        for (size_t r = 0; r < n; r++) {
            const size_t at = list_ascending(&set->axes.ranks, r);
            lines.x[b * n + r] = (double)set->axes.ranks.value[at];
            lines.y[b * n + r] =
                quantile(set, group_of(set, at, 0, b), value, 50, &good);
        }
    picture *const p = good ? page_picture(PAGE_HEIGHT) : NULL;
    if (p)
        chart_draw_lines(
            p, page_inside(PAGE_HEIGHT),
            &(chart_lines){.title = title,
                           .x_title = "ranks",
                           .n = balancers,
                           .series = lines.series,
                           .x_logarithmic = true,
                           .y_logarithmic = all_positive(lines.y, n * balancers),
                           .n_ticks = n,
                           .x_tick = lines.x});
    free_lines(&lines);
    return page_finish(stream, p, caption, error);
}

/* A line per balancer through its tolerances. */
static bool draw_trade(FILE *stream, const cli_rowset *set, size_t ranks,
                       cpb_error *error)
{
    char caption[NOTE_BYTES];
    const size_t n = set->axes.tolerance_ppm.n, balancers = set->axes.balancer.n;
    plot_lines lines;
    bool good = make_lines(set, n, &lines);
    for (size_t b = 0; good && b < balancers; b++)
        for (size_t t = 0; t < n; t++) {
            const size_t at = list_ascending(&set->axes.tolerance_ppm, t);
            const size_t group = group_of(set, ranks, at, b);
            lines.x[b * n + t] = quantile(set, group, imbalance, 50, &good);
            lines.y[b * n + t] = quantile(set, group, received, 50, &good);
        }
    snprintf(caption, sizeof caption,
             "Balance against traffic on %" PRId64 " ranks: a point per %s (medians).",
             set->axes.ranks.value[ranks], n > 1 ? "tolerance" : "balancer");
    picture *const p = good ? page_picture(PAGE_HEIGHT) : NULL;
    if (p)
        chart_draw_lines(
            p, page_inside(PAGE_HEIGHT),
            &(chart_lines){.title = "received, sequences",
                           .x_title = "imbalance, %",
                           .n = balancers,
                           .series = lines.series,
                           .x_logarithmic = all_positive(lines.x, n * balancers)});
    free_lines(&lines);
    return page_finish(stream, p, caption, error);
}

/* --- Bars ------------------------------------------------------------------------- */

static const char *const part_name[PARTS] = {"computing", "waiting", "traffic"};
static double (*const part_value[PARTS])(const cli_row *row) = {computing, waiting,
                                                                sending};

/* A row per balancer. */
static bool draw_step(FILE *stream, const cli_rowset *set, size_t ranks,
                      cpb_error *error)
{
    page_bars bars;
    bool good = page_bars_open(&bars, set->axes.balancer.n, PARTS, part_name) ||
                fail_memory(error);
    for (size_t b = 0; good && b < set->axes.balancer.n; b++) {
        const size_t group = group_of(set, ranks, 0, b);
        double value[PARTS];
        if (!set->answer.groups[group].packs)
            continue;
        for (size_t i = 0; i < PARTS; i++)
            value[i] = rowset_mean(set, group, part_value[i]);
        page_bars_add(&bars, balancer_name(set, b), value);
    }
    good = good && page_bars_finish(stream, &bars, set->axes.ranks.value[ranks], NULL,
                                    "", error);
    page_bars_free(&bars);
    return good;
}

/* --- All -------------------------------------------------------------------------- */

static bool draw_all(FILE *stream, const cli_rowset *set, cpb_error *error)
{
    const size_t n = set->axes.ranks.n;
    if (n > 1 &&
        (!draw_by_ranks(stream, set, "imbalance, %", imbalance,
                        "How far the largest load is above the mean (medians).",
                        error) ||
         !draw_by_ranks(stream, set, "received, sequences", received,
                        "Keys that all ranks receive together (medians).", error)))
        return false;
    for (size_t r = 0; r < n; r++)
        if (!draw_step(stream, set, list_ascending(&set->axes.ranks, r), error))
            return false;
    for (size_t r = 0; (set->axes.tolerance_ppm.n > 1 || n == 1) && r < n; r++)
        if (!draw_trade(stream, set, list_ascending(&set->axes.ranks, r), error))
            return false;
    return true;
}

bool page_plots(FILE *stream, const cli_rowset *set, cpb_error *error)
{
    fputs("<h2>Plots</h2>\n", stream);
    if (!picture_is_built()) {
        fputs("<p>This program was built without pictures.</p>\n", stream);
        return true;
    }
    if (set->axes.tolerance_ppm.n > 1)
        fprintf(stream, "<p>At tolerance %g where nothing else is said.</p>\n",
                answer_tolerance(&set->answer, 0));
    fputs(
        "<p>Computing is the mean over the ranks, waiting what the slowest rank takes "
        "more, traffic what nothing hides.</p>\n<div class=\"figures\">\n",
        stream);
    const bool good = draw_all(stream, set, error);
    fputs("</div>\n", stream);
    return good;
}
