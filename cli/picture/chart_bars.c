// SPDX-License-Identifier: Apache-2.0
/* Bars, plain or stacked. */
#include "frame.h"

#include <stdio.h>

static double height_of(const chart_bars *bars, size_t i)
{
    double sum = 0;
    for (size_t part = 0; part < bars->parts; part++)
        sum += bars->value[i * bars->parts + part];
    return sum;
}

static chart_scale scale_of(const chart_bars *bars, double height)
{
    double high = bars->reach;
    for (size_t i = 0; i < bars->n; i++)
        high = height_of(bars, i) > high ? height_of(bars, i) : high;
    for (size_t i = 0; i < bars->n_marks; i++)
        high = bars->mark[i].value > high ? bars->mark[i].value : high;
    return scale_linear(0, high, height > 90 ? 5 : 4);
}

static void draw_bar(picture *p, picture_box plot, const chart_scale *scale,
                     const chart_bars *bars, size_t i)
{
    const double each = plot.width / (double)bars->n;
    const double width = each > 3 ? 0.8 * each : each;
    const double x = plot.x + each * (double)i + (each - width) / 2;
    double base = plot.y + plot.height;
    for (size_t part = 0; part < bars->parts; part++) {
        const double height =
            plot.height * scale_place(scale, bars->value[i * bars->parts + part]);
        base -= height;
        picture_rectangle(p, (picture_box){x, base, width, height},
                          bars->colour[bars->parts > 1 ? part : i]);
    }
}

static void note_bar(picture *p, picture_box plot, const chart_bars *bars, size_t i)
{
    char name[SCALE_TEXT_BYTES], value[SCALE_TEXT_BYTES], text[160];
    const double each = plot.width / (double)bars->n;
    scale_number(height_of(bars, i), 0, value);
    snprintf(text, sizeof text, "%.80s: %s", frame_name(bars->name, i, name), value);
    picture_note(p, (picture_box){plot.x + each * (double)i, plot.y, each, plot.height},
                 text);
}

void chart_draw_bars(picture *p, picture_box box, const chart_bars *bars)
{
    picture_box plot = box;
    frame_titles(p, &plot, bars->title, bars->x_title);
    if (bars->parts > 1) {
        const double height = chart_draw_legend(p, plot.x, plot.y, plot.width,
                                                bars->parts, bars->part, bars->colour);
        plot.y += height;
        plot.height -= height;
    }
    const chart_scale scale = scale_of(bars, plot.height);
    frame_reserve_numbers(p, &plot, &scale);
    frame_reserve_marks(p, &plot, bars->n_marks, bars->mark);
    frame_numbers(p, plot, &scale);
    for (size_t i = 0; i < bars->n; i++) {
        draw_bar(p, plot, &scale, bars, i);
        note_bar(p, plot, bars, i);
    }
    frame_marks(p, plot, &scale, bars->n_marks, bars->mark);
    frame_names(p, box, plot, bars->n, bars->name);
}
