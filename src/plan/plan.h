// SPDX-License-Identifier: Apache-2.0
/* Building plans inside the library. */
#ifndef CPB_SRC_PLAN_H
#define CPB_SRC_PLAN_H

#include "../base/memory.h"
#include "../base/range.h"

#include <cpb/plan.h>

/* A plan about to be made. The pieces are known to be a bijection onto the positions
 * 0 .. tokens + padding - 1; none is empty. A rank's runs are its pieces in the order
 * given, however they are mixed with those of other ranks. */
typedef struct cpb_plan_parts {
    int64_t tokens;
    int64_t padding;
    int32_t ranks;
    size_t n_pieces;
    const cpb_piece *pieces;
    cpb_promise promise;
    const char *balancer; /* static memory */
} cpb_plan_parts;

/* Merge neighbours, hash. O(pieces + ranks). */
cpb_status cpb_plan_build(const cpb_plan_parts *parts, const cpb_allocator *allocator,
                          cpb_plan **plan, cpb_error *error);

/* Runs of all ranks: they follow each other from cpb_plan_runs(plan, 0) on. */
size_t cpb_plan_all_runs(const cpb_plan *plan);

/* Most positions of a rank in any plan of the sizes that this one promises: a short last
 * chunk may lie elsewhere. Not below the largest shard of this one. O(ranks). */
int64_t cpb_plan_largest(const cpb_plan *plan);

/* Replace the name (static memory) and the promise, of the same algorithm, of a plan that
 * nobody has seen yet. */
void cpb_plan_sign(cpb_plan *plan, const char *balancer, const cpb_promise *promise);

#endif
