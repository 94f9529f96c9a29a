// SPDX-License-Identifier: Apache-2.0
/* Plots of several series. */
#include "frame.h"

#include <math.h>
#include <stdio.h>

enum { MAX_SERIES = 32, CORNERS = 16 };

typedef struct extent {
    double low, high;
} extent;

picture_pen chart_pen(size_t i)
{
    return (picture_pen){palette_distinct(i), 1.4, i / 7 % 2 ? 3 : 0};
}

/* What can be shown: finite, and positive on a logarithmic scale. */
static bool shows(double value, bool logarithmic)
{
    return isfinite(value) && (!logarithmic || value > 0);
}

static void include(extent *of, size_t n, const double *values, bool logarithmic)
{
    for (size_t i = 0; values && i < n; i++)
        if (shows(values[i], logarithmic)) {
            of->low = fmin(of->low, values[i]);
            of->high = fmax(of->high, values[i]);
        }
}

static chart_scale scale_of(extent of, bool logarithmic, bool from_zero, size_t ticks)
{
    if (of.low > of.high) /* nothing to show */
        of = (extent){logarithmic ? 1 : 0, logarithmic ? 10 : 1};
    if (logarithmic)
        return scale_logarithmic(of.low, of.high, ticks);
    return scale_linear(from_zero && of.low > 0 ? 0 : of.low, of.high, ticks);
}

static chart_scale y_scale(const chart_lines *lines, double height)
{
    extent of = {INFINITY, -INFINITY};
    for (size_t i = 0; i < lines->n; i++) {
        const chart_series *const s = &lines->series[i];
        include(&of, s->n, s->y, lines->y_logarithmic);
        include(&of, s->n, s->low, lines->y_logarithmic);
        include(&of, s->n, s->high, lines->y_logarithmic);
    }
    return scale_of(of, lines->y_logarithmic, true, height > 120 ? 6 : 4);
}

/* Logarithmic without round numbers: the values themselves are the ends. */
static chart_scale x_scale(const chart_lines *lines)
{
    extent of = {INFINITY, -INFINITY};
    for (size_t i = 0; i < lines->n; i++)
        include(&of, lines->series[i].n, lines->series[i].x, lines->x_logarithmic);
    chart_scale scale = scale_of(of, lines->x_logarithmic, !lines->n_ticks, 6);
    if (lines->n_ticks && of.low < of.high) {
        scale.low = of.low;
        scale.high = of.high;
    }
    if (lines->n_ticks)
        scale.step = 0;
    return scale;
}

static picture_point place(picture_box plot, const chart_scale *x, const chart_scale *y,
                           double at, double value)
{
    return (picture_point){plot.x + plot.width * scale_place(x, at),
                           plot.y + plot.height * (1 - scale_place(y, value))};
}

static void draw_dot(picture *p, picture_point at, uint32_t colour)
{
    picture_point corner[CORNERS];
    for (int i = 0; i < CORNERS; i++) {
        const double angle = 2 * 3.14159265358979 * i / CORNERS;
        corner[i] = (picture_point){at.x + 2 * cos(angle), at.y + 2 * sin(angle)};
    }
    picture_polygon(p, CORNERS, corner, colour);
}

/* Whether point i of a series can be shown. */
static bool is_point(const chart_lines *lines, const chart_series *s, size_t i)
{
    return shows(s->x[i], lines->x_logarithmic) && shows(s->y[i], lines->y_logarithmic);
}

static void draw_spread(picture *p, picture_box plot, const chart_scale *x,
                        const chart_scale *y, const chart_series *s)
{
    for (size_t i = 0; i + 1 < s->n; i++) {
        if (!shows(s->low[i], y->logarithmic) ||
            !shows(s->low[i + 1], y->logarithmic) ||
            !shows(s->high[i], y->logarithmic) ||
            !shows(s->high[i + 1], y->logarithmic))
            continue;
        const picture_point corner[] = {place(plot, x, y, s->x[i], s->low[i]),
                                        place(plot, x, y, s->x[i], s->high[i]),
                                        place(plot, x, y, s->x[i + 1], s->high[i + 1]),
                                        place(plot, x, y, s->x[i + 1], s->low[i + 1])};
        picture_polygon(p, 4, corner, palette_tint(s->pen.colour, 0.15));
    }
}

static void note_point(picture *p, picture_point at, const chart_series *s, size_t i)
{
    char x[SCALE_TEXT_BYTES], y[SCALE_TEXT_BYTES], text[160];
    snprintf(text, sizeof text, "%.80s, %s: %s", s->name, scale_number(s->x[i], 0, x),
             scale_number(s->y[i], 0, y));
    picture_note(p, (picture_box){at.x - 4, at.y - 4, 8, 8}, text);
}

static void draw_series(picture *p, picture_box plot, const chart_scale *x,
                        const chart_scale *y, const chart_lines *lines,
                        const chart_series *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!is_point(lines, s, i))
            continue;
        const picture_point at = place(plot, x, y, s->x[i], s->y[i]);
        if (!lines->only_points && i + 1 < s->n && is_point(lines, s, i + 1)) {
            const picture_point next = place(plot, x, y, s->x[i + 1], s->y[i + 1]);
            picture_segment(p, at.x, at.y, next.x, next.y, s->pen);
        }
        draw_dot(p, at, s->pen.colour);
        note_point(p, at, s, i);
    }
}

/* Names where the lines end. */
static void draw_tags(picture *p, picture_box plot, const chart_scale *y,
                      const chart_lines *lines)
{
    frame_tag tags[MAX_SERIES];
    size_t n = 0;
    for (size_t i = 0; i < lines->n && n < MAX_SERIES; i++) {
        const chart_series *const s = &lines->series[i];
        size_t last = s->n;
        while (last > 0 && !is_point(lines, s, last - 1))
            last--;
        if (last)
            tags[n++] =
                (frame_tag){plot.y + plot.height * (1 - scale_place(y, s->y[last - 1])),
                            s->pen.colour, s->name};
    }
    frame_tags(p, plot, n, tags);
}

void chart_draw_lines(picture *p, picture_box box, const chart_lines *lines)
{
    picture_box plot = box;
    double widest = 0;
    frame_titles(p, &plot, lines->title, lines->x_title);
    const chart_scale y = y_scale(lines, plot.height), x = x_scale(lines);
    frame_reserve_numbers(p, &plot, &y);
    for (size_t i = 0; i < lines->n; i++)
        widest = fmax(widest,
                      picture_text_width(p, chart_label_font, lines->series[i].name));
    plot.width -= widest + 2 * FRAME_GAP;
    frame_numbers(p, plot, &y);
    const picture_box inner = {plot.x + FRAME_GAP, plot.y, plot.width - 2 * FRAME_GAP,
                               plot.height};
    for (size_t i = 0; i < lines->n; i++)
        if (lines->series[i].low && lines->series[i].high)
            draw_spread(p, inner, &x, &y, &lines->series[i]);
    for (size_t i = 0; i < lines->n; i++)
        draw_series(p, inner, &x, &y, lines, &lines->series[i]);
    frame_ticks(p, box, inner, &x, lines->n_ticks ? lines->n_ticks : x.n,
                lines->n_ticks ? lines->x_tick : x.tick);
    draw_tags(p, plot, &y, lines);
}
