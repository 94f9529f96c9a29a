// SPDX-License-Identifier: Apache-2.0
/* Colours that carry data. */
#ifndef CPB_PICTURE_PALETTE_H
#define CPB_PICTURE_PALETTE_H

#include "picture.h"

/* Most colours that readers, colour-blind ones included, are asked to tell apart. */
enum { PALETTE_COLOURS = 16 };

/* Ranks (or anything else that is numbered) in groups of neighbours, a colour each. */
typedef struct palette_groups {
    size_t n;    /* groups, at most `most` */
    size_t size; /* ranks of each, but perhaps the last */
} palette_groups;

/* As few ranks per group as `most` groups allow; up to `most` ranks have one each. */
palette_groups palette_group(size_t ranks, size_t most);

/* The i-th of n <= PALETTE_COLOURS ordered colours, dark to light: lightness grows from
 * each to the next, so that the order survives colour blindness and grey printers. */
uint32_t palette_ordered(size_t i, size_t n);

/* The i-th of colours without an order, for lines; it repeats after seven. */
uint32_t palette_distinct(size_t i);

/* A colour between paper (0) and the darkest (1), for heat maps. */
uint32_t palette_heat(double share);

/* `colour`, mixed with paper: share 1 is the colour itself. */
uint32_t palette_tint(uint32_t colour, double share);

#endif
