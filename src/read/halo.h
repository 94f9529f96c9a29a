// SPDX-License-Identifier: Apache-2.0
/* Halos: the positions just before each run. */
#ifndef CPB_SRC_HALO_H
#define CPB_SRC_HALO_H

#include "exchange.h"

/* A rule on the sequence of a plan. */
typedef struct cpb_halo_needer {
    const cpb_halo_rule *rule;
    int64_t tokens;
} cpb_halo_needer;

/* CPB_INVALID for a negative length. */
cpb_status cpb_halo_check(const cpb_halo_rule *rule, cpb_error *error);

/* What a cpb_needer calls; `context` is a cpb_halo_needer. */
cpb_status cpb_halo_needs(const void *context, const cpb_range *runs, size_t n_runs,
                          cpb_ranges *needs);

#endif
