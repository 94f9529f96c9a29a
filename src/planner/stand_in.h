// SPDX-License-Identifier: Apache-2.0
/* A plan that stands in for one that misses its tolerance. */
#ifndef CPB_SRC_STAND_IN_H
#define CPB_SRC_STAND_IN_H

#include <cpb/planner.h>

/* Put the plan of another row, of the same sizes and granularity, in the place of `*plan`,
 * which a search made, where the latter misses the tolerance as a score counts it and
 *   - the other keeps it with a largest load of at most (1 + tolerance) times the lowest
 *     of all: of several the one with the least traffic; or else
 *   - the other has the lowest load, within the search's tolerance or lower by a hundredth.
 * The new `*plan` has the name and the promise of the old one, which is freed.
 * \return CPB_OK; CPB_NO_MEMORY, with `*plan` NULL. Time of a plan and a score per row. */
cpb_status cpb_stand_in(const cpb_masks *masks, const cpb_options *options,
                        cpb_plan **plan, cpb_error *error);

#endif
