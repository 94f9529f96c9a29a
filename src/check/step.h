// SPDX-License-Identifier: Apache-2.0
/* A schedule being proved: laws, a simulation of its own, and the figures it gives. */
#ifndef CPB_SRC_CHECK_STEP_H
#define CPB_SRC_CHECK_STEP_H

#include "../base/memory.h"
#include "../base/sort.h"
#include "exact.h"

#include <cpb/check.h>

/* Times are exact up to this power of two: what was printed as a double may be off by its
 * last bit beyond. */
enum { CPB_STEP_EXACT_BITS = 50 };

/* What one rank does in the micro-batch at hand. */
typedef struct cpb_duty {
    int64_t tokens, received, attention, own, wire;
} cpb_duty;

typedef struct cpb_step {
    const cpb_documents *documents;
    const cpb_domain *domain;
    const cpb_schedule_claim *claim;
    cpb_arena *arena;
    cpb_exact exact;
    int64_t *sorted; /* [n_in] documents in the step, by micro-batch, then document */
    int64_t n_in;
    cpb_item *items, *spare; /* [documents] for sorting */
    int64_t next_group;      /* of those that are stated */
    int64_t next_rank;       /* of the ranks of all stated groups */
    int64_t *kth;            /* [documents] place among those in the step */
    cpb_duty *duty;          /* [ranks] */
    int32_t *holds; /* [ranks] first rank of the group of several that holds it, -1 */
    int32_t *held;  /* [ranks] the size of that group */
    cpb_schedule_score counted;
} cpb_step;

/* Ranks of the group that a placement belongs to. */
void cpb_step_group(const cpb_step *step, const cpb_placement *placement,
                    int32_t *first, int32_t *ranks);

/* What the i-th rank of a document does for it; where it is cut evenly, that of the rank
 * that has most. */
cpb_duty cpb_step_price(cpb_step *step, int64_t document, int32_t i);

/* The tokens of a document that lie before those of its i-th rank. Only where it is not
 * cut evenly. */
int64_t cpb_step_cut(const cpb_step *step, int64_t document, int32_t i);

/* Time of a rank in a micro-batch. */
int64_t cpb_step_time(cpb_step *step, const cpb_duty *duty);

/* Tokens of a rank in a micro-batch with its padding. */
int64_t cpb_step_padded(const cpb_step *step, const cpb_duty *duty);

/* Laws of single documents; fills sorted and kth. */
cpb_status cpb_step_laws(cpb_step *step, cpb_error *error);

/* Whether a stated time is the one that was counted. */
bool cpb_step_same_time(int64_t stated, int64_t counted);

/* Hold the stated groups of a micro-batch, whose documents are sorted[begin .. end - 1],
 * against the counted ones: ranks start at start[rank] and are free at stop[rank]. */
cpb_status cpb_step_groups(cpb_step *step, int32_t micro_batch, int64_t begin,
                           int64_t end, const int64_t *start, const int64_t *stop,
                           cpb_error *error);

/* Hold the stated plan of the next group against the one that its documents make. */
cpb_status cpb_step_plan(cpb_step *step, const cpb_group *group, const cpb_item *items,
                         cpb_error *error);

/* Of `n` things spread over the tokens of a document, those of its i-th rank. */
int64_t cpb_step_part(const cpb_step *step, int64_t document, int64_t n, int32_t i);

/* Hold the stated reroutes against those that placements and holders make. */
cpb_status cpb_step_reroutes(const cpb_step *step, cpb_error *error);

/* Walk through the micro-batches: laws of each, and the counted figures. */
cpb_status cpb_step_run(cpb_step *step, cpb_error *error);

#endif
