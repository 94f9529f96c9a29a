// SPDX-License-Identifier: Apache-2.0
/* Rows of stretches along one time. */
#include "frame.h"

/* From the first stretch, or 0 where all begin later, to the last end, mark or reach. */
static chart_scale scale_of(const chart_rows *rows)
{
    double low = 0, high = rows->reach;
    for (size_t i = 0; i < rows->n_spans; i++) {
        low = rows->span[i].begin < low ? rows->span[i].begin : low;
        high = rows->span[i].end > high ? rows->span[i].end : high;
    }
    for (size_t i = 0; i < rows->n_marks; i++)
        high = rows->mark[i].value > high ? rows->mark[i].value : high;
    chart_scale scale = scale_linear(low, high, 7);
    while (scale.n && scale.tick[scale.n - 1] > high && high > low)
        scale.n--;
    if (high > low)
        scale.high = high;
    return scale;
}

static void draw_spans(picture *p, picture_box plot, const chart_scale *scale,
                       const chart_rows *rows)
{
    const double each = plot.height / (double)rows->n;
    const double height = each > 4 ? 0.8 * each : each;
    for (size_t i = 0; i < rows->n; i++)
        if (each > 4)
            picture_rectangle(
                p,
                (picture_box){plot.x, plot.y + each * (double)i + (each - height) / 2,
                              plot.width, height},
                PICTURE_EMPTY);
    for (size_t i = 0; i < rows->n_spans; i++) {
        const chart_span *const s = &rows->span[i];
        const double x0 = plot.x + plot.width * scale_place(scale, s->begin);
        const double x1 = plot.x + plot.width * scale_place(scale, s->end);
        const picture_box box = {
            x0, plot.y + each * (double)s->row + (each - height) / 2, x1 - x0, height};
        picture_rectangle(p, box, s->colour);
        if (s->note)
            picture_note(p, box, s->note);
    }
}

/* Upright levels; their names stand above the plot, those that fit. */
static void draw_marks(picture *p, picture_box plot, const chart_scale *scale,
                       const chart_rows *rows)
{
    double free_from = plot.x;
    for (size_t i = 0; i < rows->n_marks; i++) {
        const chart_mark *const mark = &rows->mark[i];
        const double x = plot.x + plot.width * scale_place(scale, mark->value);
        const double width = picture_text_width(p, chart_label_font, mark->name);
        double left = x - width / 2;
        if (left + width > plot.x + plot.width)
            left = plot.x + plot.width - width;
        picture_segment(p, x, plot.y - 2, x, plot.y + plot.height,
                        (picture_pen){PICTURE_INK, 0.8, i ? 1.5 : 4});
        if (left < free_from)
            continue;
        picture_text(p, left, plot.y - 4, PICTURE_START, chart_label_font, mark->name);
        free_from = left + width + FRAME_GAP;
    }
}

void chart_draw_rows(picture *p, picture_box box, const chart_rows *rows)
{
    picture_box plot = box;
    frame_titles(p, &plot, rows->title, rows->x_title);
    const double names = frame_widest(p, rows->name, rows->n) + FRAME_GAP;
    const chart_scale scale = scale_of(rows);
    plot.x += names;
    plot.width -= names + 2 * FRAME_GAP; /* half a number past the end */
    if (rows->n_marks) {
        plot.y += FRAME_LINE;
        plot.height -= FRAME_LINE;
    }
    draw_spans(p, plot, &scale, rows);
    draw_marks(p, plot, &scale, rows);
    frame_row_names(p, plot, rows->n, rows->name);
    frame_ticks(p, box, plot, &scale, scale.n, scale.tick);
}
