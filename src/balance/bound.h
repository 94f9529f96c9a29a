// SPDX-License-Identifier: Apache-2.0
/* Lower bounds: what no way of dealing out whole chunks gets below. */
#ifndef CPB_SRC_BOUND_H
#define CPB_SRC_BOUND_H

#include "../base/memory.h"
#include "../base/sort.h"

#include <cpb/cost.h>
#include <cpb/plan.h>

/* How many chunks a rank may hold. */
typedef struct cpb_seats {
    int64_t least;
    int64_t most;
} cpb_seats;

/* The seats of every plan of these sizes: n / ranks each where they are equal (ranks
 * divides n), at most ceil(n / ranks) or what `cap` lets in where they are uneven.
 * `tokens` are the positions to deal out, pads included; `cap` < 0 means none. */
cpb_seats cpb_seats_of(cpb_sizes sizes, int64_t tokens, int64_t chunk, int32_t ranks,
                       int64_t cap);

/* Chunks to be dealt out to ranks. The *scaled load* of a rank is
 * ceil((carried + sum of its costs) * fastest speed / its speed): the load itself where
 * all speeds are equal. The largest scaled load is what everybody waits for. */
typedef struct cpb_load_problem {
    int64_t n;              /* chunks, >= 1 */
    const int64_t *cost;    /* [n] >= 0; not read where `rising` is given */
    const cpb_item *rising; /* [n] keys are the costs in ascending order, or NULL: to be
                               sorted here */
    int32_t ranks;          /* >= 1 */
    cpb_seats seats;        /* ranks * least <= n <= ranks * most */
    const int32_t *speeds;  /* [ranks], or NULL: all the same */
    const int64_t
        *carried;     /* [ranks] loads >= 0 that are there already, or NULL: none */
    int64_t *scratch; /* [n + 1], or NULL: taken from the arena */
} cpb_load_problem;

/* Scaled loads go no further: what a rank needs 2^62 units for, nobody waits for. */
#define CPB_MOST_SCALED (INT64_MAX / 2)

/* The scaled load of one rank. `fastest` is the largest speed. */
int64_t cpb_scaled_load(int64_t load, int64_t fastest, int64_t speed);

/* The most load whose scaled load does not pass `scaled`. */
int64_t cpb_load_within(int64_t scaled, int64_t fastest, int64_t speed);

/* What the largest scaled load cannot be below, whoever deals. The caller has checked
 * that all costs and all carried loads sum to at most 2^61 each. Scratch comes from
 * `arena`.
 * \return CPB_OK or CPB_NO_MEMORY. O(n log n). */
cpb_status cpb_load_bound(const cpb_load_problem *problem, cpb_arena *arena,
                          int64_t *bound);

#endif
