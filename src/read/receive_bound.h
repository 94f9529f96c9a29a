// SPDX-License-Identifier: Apache-2.0
/* What ranks receive at least, whoever holds what: proofs stand in receive_bound.c. */
#ifndef CPB_SRC_RECEIVE_BOUND_H
#define CPB_SRC_RECEIVE_BOUND_H

#include "../work/levels.h"

/* The plans that a bound is for: of the mask's tokens and some pads, all held, each rank
 * holding no more than `largest` positions nor more weight than `limit`. */
typedef struct cpb_receive_problem {
    const cpb_mask *mask;
    int32_t ranks;
    int64_t positions;           /* tokens and pads */
    int64_t largest;             /* positions per rank, ranks * largest >= positions */
    bool limited;                /* whether the three below count */
    int64_t per_pair, per_token; /* the weight of a rank is at least that of its pairs
                                    and tokens, >= 0 */
    cpb_wide limit;              /* weight per rank, >= 0 */
} cpb_receive_problem;

typedef struct cpb_receive_floor {
    int64_t total; /* keys that all ranks receive */
    int64_t most;  /* keys that one of them receives */
} cpb_receive_floor;

/* \return CPB_OK or CPB_NO_MEMORY. O((slices + ranks log tokens) log slices). */
cpb_status cpb_receive_bound(const cpb_receive_problem *problem, cpb_arena *arena,
                             cpb_receive_floor *bound);

#endif
