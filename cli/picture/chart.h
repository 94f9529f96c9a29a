// SPDX-License-Identifier: Apache-2.0
/* Charts from plain descriptions: say what the numbers are, get axes, labels that do not
 * touch, and marks. Every chart stays inside its box. Pointers may be NULL where a
 * comment says so, else they are read during the call only. */
#ifndef CPB_PICTURE_CHART_H
#define CPB_PICTURE_CHART_H

#include "palette.h"
#include "picture.h"

/* Letters of every picture: titles of charts, numbers along axes. */
extern const picture_font chart_title_font, chart_label_font, chart_text_font;

/* A level across a chart: a mean, a bound. */
typedef struct chart_mark {
    double value;
    const char *name;
} chart_mark;

/* Bars over a common zero; stacked where they have several parts. */
typedef struct chart_bars {
    const char *title;       /* above, with the unit; may be NULL */
    const char *x_title;     /* below; may be NULL */
    size_t n;                /* bars */
    size_t parts;            /* of each bar, stacked upwards; 1: plain */
    const double *value;     /* [n * parts] >= 0, bar by bar */
    const uint32_t *colour;  /* plain: [n]; stacked: [parts] */
    const char *const *name; /* [n] below the bars; NULL: 0, 1, ... */
    const char *const *part; /* stacked: [parts] in the legend; else NULL */
    size_t n_marks;
    const chart_mark *mark; /* [n_marks] dashed lines */
    double reach; /* the scale goes at least up to here, to match other charts; or 0 */
} chart_bars;

/* One line of a plot. */
typedef struct chart_series {
    const char *name;
    size_t n;
    const double *x, *y;      /* [n]; y is NAN where a point is missing */
    const double *low, *high; /* [n] spread around y; NULL: none */
    picture_pen pen;          /* chart_pen(i) */
} chart_series;

typedef struct chart_lines {
    const char *title;   /* above: what y is; may be NULL */
    const char *x_title; /* below; may be NULL */
    size_t n;
    const chart_series *series; /* [n] named at their ends */
    bool x_logarithmic, y_logarithmic;
    size_t n_ticks;
    const double *x_tick; /* [n_ticks] where numbers stand; 0, NULL: round numbers */
    bool only_points;     /* no line between the points of a series */
} chart_lines;

/* A stretch of time. */
typedef struct chart_span {
    size_t row;
    double begin, end;
    uint32_t colour;
    const char *note; /* what it is, for who points at it; may be NULL */
} chart_span;

/* Rows of stretches along one time: who does what when. */
typedef struct chart_rows {
    const char *title;       /* may be NULL */
    const char *x_title;     /* time and its unit; may be NULL */
    size_t n;                /* rows, from the top */
    const char *const *name; /* [n] left of the rows; NULL: 0, 1, ... */
    size_t n_spans;
    const chart_span *span; /* [n_spans] */
    size_t n_marks;
    const chart_mark *mark; /* [n_marks] upright dashed lines */
    double reach;           /* as of bars */
} chart_rows;

/* A matrix as a heat map; 0 is paper. */
typedef struct chart_heat {
    const char *title;             /* above, with the unit; may be NULL */
    const char *x_title, *y_title; /* below, and above the rows; may be NULL */
    size_t rows, columns;
    const double *value;     /* [rows * columns] >= 0 */
    const char *const *name; /* [max(rows, columns)]; NULL: 0, 1, ... */
    double reach;            /* as of bars */
} chart_heat;

void chart_draw_bars(picture *p, picture_box box, const chart_bars *bars);
void chart_draw_lines(picture *p, picture_box box, const chart_lines *lines);
void chart_draw_rows(picture *p, picture_box box, const chart_rows *rows);
void chart_draw_heat(picture *p, picture_box box, const chart_heat *heat);

/* The pen of the i-th series: seven colours, then the same dashed. */
picture_pen chart_pen(size_t i);

/* Swatches with names, wrapped at `width`; returns the height that it took. */
double chart_draw_legend(picture *p, double x, double y, double width, size_t n,
                         const char *const *name, const uint32_t *colour);

/* Words wrapped at `width`, the first line's top at y; returns the height. */
double chart_draw_paragraph(picture *p, double x, double y, double width,
                            picture_font font, const char *text);

/* `name` on the left, `value` on the right, n rows of them; returns the height. */
double chart_draw_facts(picture *p, double x, double y, double width, size_t n,
                        const char *const *name, const char *const *value);

#endif
