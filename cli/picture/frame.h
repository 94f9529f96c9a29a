// SPDX-License-Identifier: Apache-2.0
/* What charts share: titles, axes, names, marks. */
#ifndef CPB_PICTURE_FRAME_H
#define CPB_PICTURE_FRAME_H

#include "chart.h"
#include "scale.h"

enum { FRAME_LINE = 11, FRAME_BELOW = 13, FRAME_GAP = 4, FRAME_TITLE = 16 };

/* A line of text of at most `width`, cut with dots where it is longer. */
void frame_text(picture *p, double x, double y, picture_anchor anchor,
                picture_font font, double width, const char *text);

/* Draw a title above and one below, and take their room (and some of numbers below the
 * plot) from the box. NULL: none. */
void frame_titles(picture *p, picture_box *box, const char *above, const char *below);

/* Numbers of a vertical scale left of the plot with their lines across it. First take
 * their room from the box. */
void frame_reserve_numbers(picture *p, picture_box *box, const chart_scale *scale);
void frame_numbers(picture *p, picture_box plot, const chart_scale *scale);

/* Name i of n, or its number where there are no names. */
const char *frame_name(const char *const *name, size_t i, char text[SCALE_TEXT_BYTES]);

/* The widest of n names. */
double frame_widest(picture *p, const char *const *name, size_t n);

/* Names below a plot that is divided evenly among them, as many as fit; inside `box`. */
void frame_names(picture *p, picture_box box, picture_box plot, size_t n,
                 const char *const *name);

/* Names left of a plot whose height is divided evenly, as many as fit. */
void frame_row_names(picture *p, picture_box plot, size_t n, const char *const *name);

/* Numbers below a plot at ticks of its scale, as many as fit; inside `box`. */
void frame_ticks(picture *p, picture_box box, picture_box plot,
                 const chart_scale *scale, size_t n, const double *tick);

/* A text beside a plot at a height of its own. */
typedef struct frame_tag {
    double y;
    uint32_t colour;
    const char *text;
} frame_tag;

/* Tags right of the plot, moved apart where they would touch; as many as fit. Sorts
 * them. */
void frame_tags(picture *p, picture_box plot, size_t n, frame_tag *tags);

/* Dashed levels across a plot and their tags. First take the room of the tags. */
void frame_reserve_marks(picture *p, picture_box *box, size_t n,
                         const chart_mark *mark);
void frame_marks(picture *p, picture_box plot, const chart_scale *scale, size_t n,
                 const chart_mark *mark);

#endif
