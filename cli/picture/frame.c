// SPDX-License-Identifier: Apache-2.0
/* What charts share: titles, axes, names, marks. */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TAGS = 32 };

const picture_font chart_title_font = {9, PICTURE_INK, true};
const picture_font chart_label_font = {7.5, PICTURE_QUIET, false};
const picture_font chart_text_font = {8, PICTURE_INK, false};

void frame_text(picture *p, double x, double y, picture_anchor anchor,
                picture_font font, double width, const char *text)
{
    char cut[160];
    size_t n = strlen(text);
    snprintf(cut, sizeof cut, "%s", text);
    n = strlen(cut);
    while (n > 1 && picture_text_width(p, font, cut) > width) {
        n--;
        while (n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--; /* never inside a character */
        snprintf(cut, sizeof cut, "%.*s...", (int)(n < 150 ? n : 150), text);
    }
    picture_text(p, x, y, anchor, font, cut);
}

void frame_titles(picture *p, picture_box *box, const char *above, const char *below)
{
    if (above) {
        frame_text(p, box->x, box->y + chart_title_font.size, PICTURE_START,
                   chart_title_font, box->width, above);
        box->y += FRAME_TITLE;
        box->height -= FRAME_TITLE;
    }
    box->height -= FRAME_BELOW; /* numbers or names below the plot */
    if (below) {
        box->height -= FRAME_LINE;
        frame_text(p, box->x + box->width / 2,
                   box->y + box->height + FRAME_BELOW + FRAME_LINE - 2, PICTURE_MIDDLE,
                   chart_label_font, box->width, below);
    }
}

void frame_reserve_numbers(picture *p, picture_box *box, const chart_scale *scale)
{
    char text[SCALE_TEXT_BYTES];
    double widest = 0;
    for (size_t i = 0; i < scale->n; i++) {
        scale_number(scale->tick[i], scale->step, text);
        const double width = picture_text_width(p, chart_label_font, text);
        widest = width > widest ? width : widest;
    }
    box->x += widest + FRAME_GAP;
    box->width -= widest + FRAME_GAP;
    box->y += chart_label_font.size / 2; /* half of the topmost number */
    box->height -= chart_label_font.size / 2;
}

void frame_numbers(picture *p, picture_box plot, const chart_scale *scale)
{
    char text[SCALE_TEXT_BYTES];
    for (size_t i = 0; i < scale->n; i++) {
        const double y =
            plot.y + plot.height * (1 - scale_place(scale, scale->tick[i]));
        picture_segment(p, plot.x, y, plot.x + plot.width, y,
                        (picture_pen){PICTURE_RULE, 0.5, 0});
        picture_text(p, plot.x - FRAME_GAP, y + chart_label_font.size * 0.36,
                     PICTURE_END, chart_label_font,
                     scale_number(scale->tick[i], scale->step, text));
    }
}

const char *frame_name(const char *const *name, size_t i, char text[SCALE_TEXT_BYTES])
{
    if (name)
        return name[i];
    snprintf(text, SCALE_TEXT_BYTES, "%zu", i);
    return text;
}

double frame_widest(picture *p, const char *const *name, size_t n)
{
    char text[SCALE_TEXT_BYTES];
    double widest = 0;
    for (size_t i = 0; i < n; i++) {
        const double width =
            picture_text_width(p, chart_label_font, frame_name(name, i, text));
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* A label below a plot, centred at x but inside `box`, unless it would touch the one
 * before, which ends at *free_from. */
static void label_below(picture *p, picture_box box, picture_box plot, double x,
                        const char *text, double *free_from)
{
    const double width = picture_text_width(p, chart_label_font, text);
    const double most = box.x + box.width - width;
    double left = x - width / 2 < most ? x - width / 2 : most;
    left = left > box.x ? left : box.x;
    if (left < *free_from || width > box.width)
        return;
    picture_text(p, left, plot.y + plot.height + FRAME_BELOW - 2, PICTURE_START,
                 chart_label_font, text);
    *free_from = left + width + FRAME_GAP;
}

void frame_names(picture *p, picture_box box, picture_box plot, size_t n,
                 const char *const *name)
{
    char text[SCALE_TEXT_BYTES];
    const double each = plot.width / (double)n;
    const double wanted = frame_widest(p, name, n) + FRAME_GAP;
    double free_from = box.x;
    size_t every = 1;
    while ((double)every * each < wanted && every < n)
        every *= 2;
    for (size_t i = 0; i < n; i += every)
        label_below(p, box, plot, plot.x + each * ((double)i + 0.5),
                    frame_name(name, i, text), &free_from);
}

void frame_row_names(picture *p, picture_box plot, size_t n, const char *const *name)
{
    char text[SCALE_TEXT_BYTES];
    const double each = plot.height / (double)n;
    size_t every = 1;
    while ((double)every * each < chart_label_font.size + 2 && every < n)
        every *= 2;
    for (size_t i = 0; i < n; i += every)
        picture_text(p, plot.x - FRAME_GAP,
                     plot.y + each * ((double)i + 0.5) + chart_label_font.size * 0.36,
                     PICTURE_END, chart_label_font, frame_name(name, i, text));
}

void frame_ticks(picture *p, picture_box box, picture_box plot,
                 const chart_scale *scale, size_t n, const double *tick)
{
    char text[SCALE_TEXT_BYTES];
    double free_from = box.x;
    const double bottom = plot.y + plot.height;
    for (size_t i = 0; i < n; i++) {
        const double x = plot.x + plot.width * scale_place(scale, tick[i]);
        picture_segment(p, x, bottom, x, bottom + 2,
                        (picture_pen){PICTURE_QUIET, 0.5, 0});
        label_below(p, box, plot, x, scale_number(tick[i], scale->step, text),
                    &free_from);
    }
}

static int by_height(const void *a, const void *b)
{
    const frame_tag *const x = a, *const y = b;
    return (x->y > y->y) - (x->y < y->y);
}

/* Move sorted heights apart to at least a line each, within low .. high: down as far as
 * needed, then up from the end. */
static void spread(size_t n, frame_tag *tags, double low, double high)
{
    for (size_t i = 0; i < n; i++) {
        const double least = i ? tags[i - 1].y + FRAME_LINE : low;
        tags[i].y = tags[i].y > least ? tags[i].y : least;
    }
    for (size_t i = n; i-- > 0;) {
        const double most = i + 1 < n ? tags[i + 1].y - FRAME_LINE : high;
        tags[i].y = tags[i].y < most ? tags[i].y : most;
    }
}

void frame_tags(picture *p, picture_box plot, size_t n, frame_tag *tags)
{
    const size_t room = (size_t)(plot.height / FRAME_LINE) + 1;
    const size_t shown = n < room ? n : room;
    qsort(tags, n, sizeof *tags, by_height);
    spread(shown, tags, plot.y, plot.y + plot.height);
    for (size_t i = 0; i < shown; i++) {
        picture_font font = chart_label_font;
        font.colour = tags[i].colour;
        picture_text(p, plot.x + plot.width + FRAME_GAP, tags[i].y + 2.7, PICTURE_START,
                     font, tags[i].text);
    }
}

void frame_reserve_marks(picture *p, picture_box *box, size_t n, const chart_mark *mark)
{
    double widest = 0;
    for (size_t i = 0; i < n; i++) {
        const double width = picture_text_width(p, chart_label_font, mark[i].name);
        widest = width > widest ? width : widest;
    }
    if (n)
        box->width -= widest + FRAME_GAP;
}

void frame_marks(picture *p, picture_box plot, const chart_scale *scale, size_t n,
                 const chart_mark *mark)
{
    frame_tag tags[MAX_TAGS];
    const size_t shown = n < MAX_TAGS ? n : MAX_TAGS;
    for (size_t i = 0; i < shown; i++) {
        const double y = plot.y + plot.height * (1 - scale_place(scale, mark[i].value));
        tags[i] = (frame_tag){y, PICTURE_INK, mark[i].name};
        picture_segment(p, plot.x, y, plot.x + plot.width, y,
                        (picture_pen){PICTURE_INK, 0.8, i ? 1.5 : 4});
    }
    frame_tags(p, plot, shown, tags);
}
