// SPDX-License-Identifier: Apache-2.0
/* A q-tile that several slices or runs share: the union of their tiles. */
#ifndef CPB_SRC_PARTS_H
#define CPB_SRC_PARTS_H

#include "tiles.h"

/* Consecutive rows of one slice inside a q-tile. */
typedef struct cpb_part {
    const cpb_slice *slice;
    cpb_range rows;
} cpb_part;

/* A growing list of parts; starts as {.arena = ...}. */
typedef struct cpb_parts {
    cpb_arena *arena;
    cpb_part *parts;
    size_t n;
    size_t room;
    int64_t *columns; /* [4 * room] scratch for counting */
} cpb_parts;

cpb_status cpb_parts_add(cpb_parts *parts, const cpb_slice *slice, cpb_range rows);

/* Keys that every row of the part sees; may be inside out. */
cpb_range cpb_part_core(const cpb_part *part);

/* Allowed pairs of the part whose key lies in `keys`. */
int64_t cpb_part_pairs(const cpb_part *part, cpb_range keys);

#endif
