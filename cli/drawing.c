// SPDX-License-Identifier: Apache-2.0
/* Panels and pages. */
#include "drawing.h"

#include "message.h"
#include "options.h"
#include "picture/chart.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

enum {
    BARS = 64,  /* most bars of a panel: more ranks share one */
    CELLS = 64, /* most rows of a traffic matrix, likewise */
    LOADS_HEIGHT = 112,
    TRAFFIC_WIDTH = 196,
    TRAFFIC_HEIGHT = 186,
    PANELS_PER_ROW = 3,
    FACTS = 12,
    TEXT_BYTES = 256
};

static const picture_font panel_font = {11.5, PICTURE_INK, true};

/* Names of groups of ranks, as texts and as pointers to them. */
typedef struct names {
    char text[BARS > CELLS ? BARS : CELLS][24];
    const char *name[BARS > CELLS ? BARS : CELLS];
} names;

/* Groups are named by their first rank: there is no room for more below a chart. */
static void name_groups(palette_groups groups, names *to)
{
    for (size_t i = 0; i < groups.n; i++) {
        snprintf(to->text[i], sizeof to->text[i], "%zu", i * groups.size);
        to->name[i] = to->text[i];
    }
}

static void draw_loads(picture *p, picture_box box, const cli_view *view, double reach)
{
    const size_t ranks = (size_t)cpb_plan_ranks(view->plan);
    const palette_groups bars = palette_group(ranks, BARS);
    double value[BARS] = {0};
    uint32_t colour[BARS];
    char title[TEXT_BYTES], mean[64], bound[64], number[TABLE_CELL_BYTES];
    names named;
    name_groups(bars, &named);
    for (size_t r = 0; r < ranks; r++) {
        const double load = view_load(view, (double)view->ranks[r].load);
        const size_t bar = r / bars.size;
        value[bar] = load > value[bar] ? load : value[bar];
        colour[bar] = palette_ordered(r / view->groups.size, view->groups.n);
    }
    const int decimals = view->setup.cost == CPB_PROFILE_TIME;
    const double levels[] = {view_load(view, view->score.load_mean),
                             view_load(view, (double)view->score.load_bound)};
    snprintf(mean, sizeof mean, "mean %.30s",
             table_decimals(levels[0], decimals, number));
    snprintf(bound, sizeof bound, "bound %.30s",
             table_decimals(levels[1], decimals, number));
    if (bars.size > 1)
        snprintf(title, sizeof title, "load, %s (largest of %zu ranks)",
                 view_unit(view), bars.size);
    else
        snprintf(title, sizeof title, "load per rank, %s", view_unit(view));
    const chart_mark marks[] = {{levels[0], mean}, {levels[1], bound}};
    const chart_bars chart = {.title = title,
                              .n = bars.n,
                              .parts = 1,
                              .value = value,
                              .colour = colour,
                              .name = named.name,
                              .n_marks = 2,
                              .mark = marks,
                              .reach = reach};
    chart_draw_bars(p, box, &chart);
}

/* Keys from each group of ranks to each: [groups.n * groups.n], to be freed; NULL when
 * memory ends. */
static double *sum_traffic(const cli_view *view, palette_groups groups)
{
    const size_t ranks = (size_t)cpb_plan_ranks(view->plan);
    double *const sum = calloc(groups.n * groups.n, sizeof *sum);
    for (size_t from = 0; sum && from < ranks; from++)
        for (size_t to = 0; to < ranks; to++)
            sum[from / groups.size * groups.n + to / groups.size] +=
                (double)view->sent[from * ranks + to];
    return sum;
}

static bool draw_traffic(picture *p, picture_box box, const cli_view *view,
                         double reach, cpb_error *error)
{
    const palette_groups cells =
        palette_group((size_t)cpb_plan_ranks(view->plan), CELLS);
    char title[TEXT_BYTES];
    names named;
    double *const value = sum_traffic(view, cells);
    if (!value)
        return fail_memory(error);
    name_groups(cells, &named);
    if (cells.size > 1)
        snprintf(title, sizeof title, "keys sent, tokens (sums of %zu ranks)",
                 cells.size);
    else
        snprintf(title, sizeof title, "keys sent, tokens");
    const chart_heat heat = {.title = title,
                             .x_title = "to rank",
                             .y_title = "from rank",
                             .rows = cells.n,
                             .columns = cells.n,
                             .value = value,
                             .name = named.name,
                             .reach = reach};
    chart_draw_heat(p, box, &heat);
    free(value);
    return true;
}

static void draw_facts(picture *p, double x, double y, double width,
                       const cli_view *view)
{
    char text[FACTS][VIEW_FACT_BYTES];
    const char *name[FACTS], *value[FACTS];
    size_t n = 0;
    while (n < FACTS && (name[n] = view_fact(view, n, text[n]))) {
        value[n] = text[n];
        n++;
    }
    chart_draw_facts(p, x, y, width, n, name, value);
}

/* What the numbers hold for. */
static double draw_terms(picture *p, double x, double y, const cli_view *view)
{
    char text[2 * TEXT_BYTES];
    const char *const mask = cpb_mask_text(view->mask);
    const cpb_setup *const setup = &view->setup;
    snprintf(text, sizeof text,
             "mask %.60s%s; cost %s, kernel %s, transport %s, overlap %s, %s, profile "
             "%.48s",
             mask ? mask : "of slices", mask && strlen(mask) > 60 ? "..." : "",
             cost_names[setup->cost], kernel_names[setup->kernel],
             transport_names[setup->transport], overlap_names[setup->overlap],
             setup->backward ? "forward and backward" : "forward", setup->profile.name);
    return chart_draw_paragraph(p, x, y, DRAWING_PANEL_WIDTH, chart_label_font, text);
}

static double draw_title(picture *p, double x, double y, const cli_view *view)
{
    char text[VIEW_SIZE_BYTES];
    double height =
        chart_draw_paragraph(p, x, y, DRAWING_PANEL_WIDTH, panel_font, view->title);
    height += chart_draw_paragraph(p, x, y + height, DRAWING_PANEL_WIDTH,
                                   chart_label_font, view_size(view, text));
    return height + 8;
}

static double draw_legend(picture *p, double x, double y, const cli_view *view)
{
    char text[PALETTE_COLOURS][24];
    const char *name[PALETTE_COLOURS];
    uint32_t colour[PALETTE_COLOURS];
    const double title = picture_text_width(p, chart_title_font, "ranks") + 10;
    for (size_t i = 0; i < view->groups.n; i++) {
        view_group_name(view->groups, (size_t)cpb_plan_ranks(view->plan), i, text[i]);
        name[i] = text[i];
        colour[i] = palette_ordered(i, view->groups.n);
    }
    picture_text(p, x, y + 8.5, PICTURE_START, chart_title_font, "ranks");
    return chart_draw_legend(p, x + title, y, DRAWING_PANEL_WIDTH - title,
                             view->groups.n, name, colour);
}

/* How far the scales of panels that are to be compared reach; {0}: as far as each needs. */
typedef struct panel_scales {
    double load; /* in view_unit() */
    double sent; /* tokens of a cell of the traffic matrix */
} panel_scales;

/* A whole panel: title, matrix, legend, loads, traffic, figures. */
static bool draw_panel(picture *p, double x, double y, const cli_view *view,
                       panel_scales scales, double *height, cpb_error *error)
{
    double matrix;
    double next = y + draw_title(p, x, y, view);
    picture_text(p, x, next + chart_title_font.size, PICTURE_START, chart_title_font,
                 "attention by rank");
    picture_text(p, x + DRAWING_PANEL_WIDTH, next + chart_title_font.size, PICTURE_END,
                 chart_label_font, "queries downwards, keys to the right");
    next += 16;
    if (!drawing_matrix(p, x, next, view, &matrix, error))
        return false;
    next += matrix + 6;
    next += draw_legend(p, x, next, view) + 12;
    draw_loads(p, (picture_box){x, next, DRAWING_PANEL_WIDTH, LOADS_HEIGHT}, view,
               scales.load);
    next += LOADS_HEIGHT + 12;
    if (!draw_traffic(p, (picture_box){x, next, TRAFFIC_WIDTH, TRAFFIC_HEIGHT}, view,
                      scales.sent, error))
        return false;
    draw_facts(p, x + TRAFFIC_WIDTH + 8, next + 12,
               DRAWING_PANEL_WIDTH - TRAFFIC_WIDTH - 8, view);
    next += TRAFFIC_HEIGHT + 8;
    *height = next + draw_terms(p, x, next, view) - y;
    return true;
}

/* Scales that n views share; loads only where all count them in the same unit. */
static panel_scales scales_of(size_t n, const cli_view *views)
{
    panel_scales scales = {0, 0};
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        const double load = view_load(&views[i], (double)views[i].score.load_max);
        const double sent = (double)views[i].score.pair_max;
        scales.load = load > scales.load ? load : scales.load;
        scales.sent = sent > scales.sent ? sent : scales.sent;
        same = same && views[i].setup.cost == views[0].setup.cost;
    }
    if (!same)
        scales.load = 0;
    return scales;
}

bool drawing_page(picture *p, size_t n, const cli_view *views, cpb_error *error)
{
    const size_t rows = (n + PANELS_PER_ROW - 1) / PANELS_PER_ROW;
    const size_t columns = (n + rows - 1) / rows; /* four are two rows of two */
    const double step = DRAWING_PANEL_WIDTH + DRAWING_GAP;
    const double width = step * (double)columns - DRAWING_GAP;
    const panel_scales scales = scales_of(n, views);
    double y = DRAWING_MARGIN;
    for (size_t first = 0; first < n; first += columns) {
        double tallest = 0, height;
        for (size_t i = first; i < n && i < first + columns; i++) {
            if (!draw_panel(p, DRAWING_MARGIN + step * (double)(i - first), y,
                            &views[i], scales, &height, error))
                return false;
            tallest = height > tallest ? height : tallest;
        }
        y += tallest + DRAWING_GAP;
    }
    picture_set_size(p, width + 2 * DRAWING_MARGIN, y - DRAWING_GAP + DRAWING_MARGIN);
    return true;
}
