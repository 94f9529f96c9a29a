// SPDX-License-Identifier: Apache-2.0
/* The plots of a sweep of schedules. */
#include "figuretable.h"
#include "message.h"
#include "page_schedules.h"
#include "pagebars.h"
#include "pagepicture.h"
#include "picture/chart.h"

#include <stdlib.h>

enum { PARTS = 2 };

static double above(const cli_schedulerow *row)
{
    return 100 * row->score.gap;
}

static double bound(const cli_schedulerow *row)
{
    return figures_microseconds(row->score.bound);
}

static double working(const cli_schedulerow *row)
{
    return row->score.busy * figures_microseconds(row->score.time);
}

static double waiting(const cli_schedulerow *row)
{
    return (1 - row->score.busy) * figures_microseconds(row->score.time);
}

static const char *const part_name[PARTS] = {"working", "waiting"};
static schedule_value *const part_value[PARTS] = {working, waiting};

/* --- Lines ------------------------------------------------------------------------ */

typedef struct plot_lines {
    size_t n;             /* rows that have a line */
    double *x, *y;        /* [names * ranks] */
    bool positive;        /* no row meets the bound */
    chart_series *series; /* [names] */
} plot_lines;

static bool make_lines(const cli_scheduleset *set, plot_lines *lines)
{
    const size_t n = set->ranks.n;
    bool good = true;
    *lines = (plot_lines){.positive = true};
    lines->x = calloc(2 * n * set->n_names, sizeof *lines->x);
    lines->series = calloc(set->n_names, sizeof *lines->series);
    if (!lines->x || !lines->series)
        return false;
    lines->y = lines->x + n * set->n_names;
    for (size_t name = 0; good && name < set->n_names; name++) {
        size_t there = 0;
        double *const x = lines->x + lines->n * n, *const y = lines->y + lines->n * n;
        for (size_t r = 0; r < n; r++) {
            const size_t at = list_ascending(&set->ranks, r),
                         group = at * set->n_names + name;
            x[r] = (double)set->ranks.value[at];
            y[r] = scheduleset_quantile(set, group, above, 50, &good);
            there += y[r] >= 0;
            lines->positive = lines->positive && !(y[r] <= 0);
        }
        if (there)
            lines->series[lines->n] = (chart_series){.name = cpb_schedule_name(name),
                                                     .n = n,
                                                     .x = x,
                                                     .y = y,
                                                     .pen = chart_pen(lines->n)};
        lines->n += there > 0;
    }
    return good;
}

static bool draw_above(FILE *stream, const cli_scheduleset *set, cpb_error *error)
{
    plot_lines lines;
    picture *const p = make_lines(set, &lines) ? page_picture(PAGE_HEIGHT) : NULL;
    if (p)
        chart_draw_lines(p, page_inside(PAGE_HEIGHT),
                         &(chart_lines){.title = "above the bound, %",
                                        .x_title = "ranks",
                                        .n = lines.n,
                                        .series = lines.series,
                                        .x_logarithmic = true,
                                        .y_logarithmic = lines.positive,
                                        .n_ticks = set->ranks.n,
                                        .x_tick = lines.x});
    free(lines.x);
    free(lines.series);
    return page_finish(stream, p, "How far a step is above the bound (medians).",
                       error);
}

/* --- Bars ------------------------------------------------------------------------- */

/* Rows that have a step for every pack; *mark is the mean of their bounds. */
static void add_rows(const cli_scheduleset *set, size_t ranks, page_bars *bars,
                     chart_mark *mark)
{
    size_t n;
    for (size_t name = 0; name < set->n_names; name++) {
        const size_t group = ranks * set->n_names + name;
        double value[PARTS];
        rowlist_group(&set->list, group, &n);
        if ((int64_t)n != set->n_packs)
            continue;
        for (size_t i = 0; i < PARTS; i++)
            value[i] = scheduleset_mean(set, group, part_value[i]);
        page_bars_add(bars, cpb_schedule_name(name), value);
        *mark = (chart_mark){scheduleset_mean(set, group, bound), "bound"};
    }
}

static bool draw_step(FILE *stream, const cli_scheduleset *set, size_t ranks,
                      cpb_error *error)
{
    page_bars bars;
    chart_mark mark = {0};
    bool good =
        page_bars_open(&bars, set->n_names, PARTS, part_name) || fail_memory(error);
    if (good) {
        add_rows(set, ranks, &bars, &mark);
        good = page_bars_finish(stream, &bars, set->ranks.value[ranks], &mark,
                                "; rows that have all", error);
    }
    page_bars_free(&bars);
    return good;
}

bool page_schedule_plots(FILE *stream, const cli_scheduleset *set, cpb_error *error)
{
    fputs("<h2>Plots</h2>\n", stream);
    if (!picture_is_built()) {
        fputs("<p>This program was built without pictures.</p>\n", stream);
        return true;
    }
    fputs("<p>Working is the mean over the ranks, waiting the rest of the step; the "
          "dashed line is what no schedule is below.</p>\n<div class=\"figures\">\n",
          stream);
    bool good = set->ranks.n < 2 || draw_above(stream, set, error);
    for (size_t r = 0; good && r < set->ranks.n; r++)
        good = draw_step(stream, set, list_ascending(&set->ranks, r), error);
    fputs("</div>\n", stream);
    return good;
}
