// SPDX-License-Identifier: Apache-2.0
/* What the parts of cpb_receive_bound() share; numbers are those of its proofs. */
#ifndef CPB_SRC_RECEIVE_BOUNDING_H
#define CPB_SRC_RECEIVE_BOUNDING_H

#include "key_regions.h"
#include "receive_bound.h"

#include "../base/range.h"

/* A range of keys whose first queries see fewer keys than others. */
typedef struct cpb_ramp {
    cpb_range keys;
    int64_t length; /* those queries; what others need before them */
} cpb_ramp;

typedef struct cpb_ramps {
    cpb_wide lack;  /* pairs that every rank must lack; 0 where that is not known */
    int64_t tokens; /* in all ranges */
    int64_t banded; /* what all ranges bound as bands */
    size_t n;
    cpb_ramp *ramp; /* [n] */
} cpb_ramps;

typedef struct cpb_bounding {
    const cpb_receive_problem *problem;
    cpb_arena *arena;
    cpb_levels levels;
    int64_t most_keys; /* of a query */
    cpb_receive_floor found;
    cpb_ramps ramps;
    size_t room;          /* of the arrays, for the nested queries of a region */
    int64_t *tokens_from; /* [room + 1] of stretch i and those behind it */
    int64_t *pairs_from;  /* [room + 1] */
    bool failed;          /* memory ended */
} cpb_bounding;

static inline cpb_wide cpb_bounding_weight(const cpb_receive_problem *p, cpb_wide pairs,
                                           int64_t tokens)
{
    return pairs * p->per_pair + (cpb_wide)tokens * p->per_token;
}

static inline int64_t cpb_bounding_pairs(const cpb_bounding *b, int64_t first,
                                         int64_t n)
{
    return cpb_mask_pairs_of(b->problem->mask, (cpb_range){first, first + n});
}

/* One of the ranks receives at least so much. */
static inline void cpb_bounding_note_most(cpb_bounding *b, int64_t keys)
{
    b->found.most = cpb_max(b->found.most, keys);
}

/* 3, for one region: what its keys cost. */
int64_t cpb_bound_banded(cpb_bounding *b, const cpb_key_region *region);

/* 3, ramps: begin, note each region and what it bounds as a band, and bound all of them
 * together, 0 where nothing is known. */
void cpb_ramps_start(cpb_bounding *b);
void cpb_ramps_add(cpb_bounding *b, const cpb_key_region *region, int64_t banded);
int64_t cpb_bound_ramps(cpb_bounding *b);

#endif
