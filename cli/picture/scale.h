// SPDX-License-Identifier: Apache-2.0
/* From values to places along an axis, and the numbers beside it. */
#ifndef CPB_PICTURE_SCALE_H
#define CPB_PICTURE_SCALE_H

#include <stdbool.h>
#include <stddef.h>

enum { SCALE_TICKS = 12, SCALE_TEXT_BYTES = 32 };

typedef struct chart_scale {
    double low, high; /* both are shown; low < high */
    bool logarithmic;
    size_t n; /* ticks, ascending */
    double tick[SCALE_TICKS];
    double step; /* between ticks; 0: logarithmic */
} chart_scale;

/* A scale that shows low .. high, with about `ticks` round numbers (2 .. SCALE_TICKS)
 * on it; `high` grows to the next of them. */
chart_scale scale_linear(double low, double high, size_t ticks);

/* The same by powers of ten; values must be positive. */
chart_scale scale_logarithmic(double low, double high, size_t ticks);

/* Where a value lies: 0 at low, 1 at high; outside values outside. */
double scale_place(const chart_scale *scale, double value);

/* A number as the axis says it: 0.05, 1,200, 3.5M; `step` tells how exact. */
char *scale_number(double value, double step, char text[SCALE_TEXT_BYTES]);

#endif
