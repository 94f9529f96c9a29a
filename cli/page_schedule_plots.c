// SPDX-License-Identifier: Apache-2.0
/* The plots of a sweep of schedules. */
#include "figuretable.h"
#include "message.h"
#include "page_schedules.h"
#include "pagepicture.h"
#include "picture/chart.h"

#include <inttypes.h>
#include <stdlib.h>

enum { NOTE_BYTES = 128, PARTS = 2 };

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

static const struct {
    const char *name;
    schedule_value *value;
} parts[PARTS] = {{"working", working}, {"waiting", waiting}};

/* Where the i-th of the numbers of ranks stands, counted from the least. */
static size_t ascending(const cli_list *list, size_t i)
{
    size_t at = 0;
    for (size_t below = list->n; below != i; at += below != i) {
        below = 0;
        for (size_t k = 0; k < list->n; k++)
            below += list->value[k] < list->value[at];
    }
    return at;
}

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
            const size_t at = ascending(&set->ranks, r),
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

typedef struct plot_bars {
    size_t n;          /* rows that have one */
    const char **name; /* [names] */
    chart_span *span;  /* [names * PARTS] */
    char (*note)[NOTE_BYTES];
    double bound; /* the mean over the packs */
} plot_bars;

static void free_bars(plot_bars *bars)
{
    free(bars->name);
    free(bars->span);
    free(bars->note);
}

static bool make_bars(const cli_scheduleset *set, size_t ranks, plot_bars *bars)
{
    size_t n;
    *bars = (plot_bars){.n = 0};
    bars->name = calloc(set->n_names, sizeof *bars->name);
    bars->span = calloc(set->n_names * PARTS, sizeof *bars->span);
    bars->note = calloc(set->n_names * PARTS, sizeof *bars->note);
    if (!bars->name || !bars->span || !bars->note)
        return false;
    for (size_t name = 0; name < set->n_names; name++) {
        double end = 0;
        const size_t group = ranks * set->n_names + name;
        scheduleset_group(set, group, &n);
        if ((int64_t)n != set->n_packs)
            continue;
        for (size_t i = 0; i < PARTS; i++) {
            const size_t at = bars->n * PARTS + i;
            const double value = scheduleset_mean(set, group, parts[i].value);
            snprintf(bars->note[at], NOTE_BYTES, "%s, %s: %.1f us",
                     cpb_schedule_name(name), parts[i].name, value);
            bars->span[at] = (chart_span){bars->n, end, end + value,
                                          palette_distinct(i), bars->note[at]};
            end += value;
        }
        bars->bound = scheduleset_mean(set, group, bound);
        bars->name[bars->n++] = cpb_schedule_name(name);
    }
    return true;
}

static void draw_bars(picture *p, double height, const plot_bars *bars)
{
    const char *name[PARTS];
    uint32_t colour[PARTS];
    picture_box box = page_inside(height);
    for (size_t i = 0; i < PARTS; i++) {
        name[i] = parts[i].name;
        colour[i] = palette_distinct(i);
    }
    const double legend =
        chart_draw_legend(p, box.x, box.y, box.width, PARTS, name, colour) + 6;
    box.y += legend;
    box.height -= legend;
    chart_draw_rows(p, box,
                    &(chart_rows){.title = "step, us",
                                  .n = bars->n,
                                  .name = bars->name,
                                  .n_spans = bars->n * PARTS,
                                  .span = bars->span,
                                  .n_marks = 1,
                                  .mark = &(chart_mark){bars->bound, "bound"}});
}

static bool draw_step(FILE *stream, const cli_scheduleset *set, size_t ranks,
                      cpb_error *error)
{
    plot_bars bars;
    char caption[NOTE_BYTES];
    const bool good = make_bars(set, ranks, &bars), some = bars.n;
    const double height = PAGE_BAR * (double)bars.n + PAGE_AROUND_BARS;
    picture *const p = good && some ? page_picture(height) : NULL;
    if (p)
        draw_bars(p, height, &bars);
    free_bars(&bars);
    snprintf(caption, sizeof caption,
             "A step on %" PRId64 " rank%s, mean over the packs; rows that have all.",
             set->ranks.value[ranks], set->ranks.value[ranks] == 1 ? "" : "s");
    return (good && !some) || page_finish(stream, p, caption, error);
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
        good = draw_step(stream, set, ascending(&set->ranks, r), error);
    fputs("</div>\n", stream);
    return good;
}
