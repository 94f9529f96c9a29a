// SPDX-License-Identifier: Apache-2.0
/* A glance at pieces that a balancer dealt, before they become a plan. */
#ifndef CPB_SRC_GLANCE_H
#define CPB_SRC_GLANCE_H

#include "../balance/balance.h"

/* Whether one rank alone takes longer than `limit` picoseconds, so that no plan of these
 * pieces has a shorter step. Looks at what the first rank computes and receives, at what
 * enters its node and, where pieces were dealt rank by rank, at what the other ranks compute;
 * false under the kernel recurrent.
 * \return CPB_OK, CPB_NO_MEMORY. O(pieces + slices of the ranks looked at). */
cpb_status cpb_glance_passes(const cpb_deal *deal, const cpb_masks *masks,
                             const cpb_setup *setup, int32_t ranks, int64_t limit,
                             bool *passes);

#endif
