// SPDX-License-Identifier: Apache-2.0
/* Whole islands change hands: for loads within their limits, and instead of cuts. */
#ifndef CPB_SRC_FRUGAL_HEAL_H
#define CPB_SRC_FRUGAL_HEAL_H

#include "frugal_offers.h"

typedef struct cpb_healer {
    cpb_wholes wholes;
    cpb_offers *offers; /* [2] of the two ranks at hand */
} cpb_healer;

cpb_status cpb_healer_create(const cpb_view *view, cpb_arena *arena,
                             cpb_healer *healer);

/* Whether every island is a small part of a share, so that loads and sizes can nearly be
 * met without a cut. */
bool cpb_healer_suffices(const cpb_healer *healer, const cpb_goals *goals,
                         int32_t ranks);

/* Bring loads within their limits as far as whole islands do, until some `effort` patches
 * and offers were looked at. */
cpb_status cpb_heal_loads(cpb_healer *healer, cpb_climb *climb, int64_t effort);

/* Go over all cuts a few times, as long as that lowers the worth. */
cpb_status cpb_heal_cuts(cpb_healer *healer, cpb_climb *climb, int64_t effort);

#endif
