// SPDX-License-Identifier: Apache-2.0
/* What a score gathers before it is summed up: every rank under every mask. */
#ifndef CPB_SRC_SCORING_H
#define CPB_SRC_SCORING_H

#include "score_layer.h"

typedef struct cpb_scoring {
    const cpb_plan *plan;
    const cpb_masks *masks;
    const cpb_setup *setup;
    int32_t ranks;
    cpb_arena *arena;
    cpb_owners owners;
    cpb_layer *layers;     /* [masks->n] */
    cpb_rank_score *cells; /* [ranks] */
    int64_t pair_max;
    int64_t limit; /* stop as soon as the step time is known to be longer */
    bool stopped;
} cpb_scoring;

static inline int64_t cpb_scoring_weight(const cpb_scoring *s, size_t m)
{
    return s->masks->weight ? s->masks->weight[m] : 1;
}

/* \param cells [ranks] or NULL: from the arena
 * \return CPB_OK, CPB_INVALID where plan, masks and setup do not belong together,
 *         CPB_NO_MEMORY. */
cpb_status cpb_scoring_start(cpb_scoring *s, const cpb_plan *plan,
                             const cpb_masks *masks, const cpb_setup *setup,
                             cpb_arena *arena, cpb_rank_score *cells, cpb_error *error);

/* Fill the layers, and of the cells what is not summed over masks.
 * \param matrix [ranks * ranks] zeroed, or NULL */
cpb_status cpb_scoring_gather(cpb_scoring *s, int64_t *matrix, cpb_error *error);

/* Sum the layers up in the cells. CPB_OK or CPB_TOO_LARGE. */
cpb_status cpb_scoring_sum(cpb_scoring *s, cpb_error *error);

/* Step times of all layers, with their weights. CPB_OK or CPB_TOO_LARGE. */
cpb_status cpb_scoring_step(const cpb_scoring *s, int64_t *step, cpb_error *error);

/* The bounds of the score, once its loads and the cells are there (score_bounds.c).
 * \return CPB_OK or CPB_NO_MEMORY. */
cpb_status cpb_bound_loads(const cpb_scoring *s, int64_t *bound, cpb_error *error);
cpb_status cpb_bound_traffic(const cpb_scoring *s, cpb_score *score, cpb_error *error);

/* Add weight * value, or report that the sum is too large. */
bool cpb_add_weighted(int64_t *sum, int64_t weight, cpb_wide value);
cpb_status cpb_fail_large(cpb_error *error);

#endif
