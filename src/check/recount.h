// SPDX-License-Identifier: Apache-2.0
/* The recount of a claim: every figure of docs/formats.md from runs and slices.
 *
 * Shares nothing with the planner and the score: no closed forms, but one query after
 * another, so that the two agree only where both are right. */
#ifndef CPB_SRC_CHECK_RECOUNT_H
#define CPB_SRC_CHECK_RECOUNT_H

#include "exact.h"
#include "tiling.h"

#include <cpb/check.h>

/* A run and who holds it. */
typedef struct cpb_owned {
    cpb_range range;
    int32_t rank;
    int64_t before; /* positions of the same rank before this run */
} cpb_owned;

/* The runs of a claim as laws and recount need them. */
typedef struct cpb_holders {
    size_t n;
    cpb_owned *by_position; /* [n] ascending */
    const int64_t *first;   /* the claim's: [ranks + 1] */
    cpb_owned *by_rank;     /* [n] rank by rank, each ascending */
} cpb_holders;

/* What one rank does for one mask. */
typedef struct cpb_tally {
    int64_t pairs;
    int64_t own_pairs;
    int64_t tiles; /* non-empty, of the size that the setup's cost counts */
    int64_t full;  /* of the profile's size, as the rest */
    int64_t partial;
    int64_t q_tiles;
    int64_t longest;
    int64_t receive;
    int64_t send;
    int64_t relay_send; /* where keys go by the relay form */
} cpb_tally;

/* Keys that one rank needs for one mask, own ones too: sorted, disjoint, apart. */
typedef struct cpb_needed {
    size_t n;
    const cpb_item *at; /* [n] as in cpb_spans */
} cpb_needed;

/* What one node's card moves for one mask. */
typedef struct cpb_card {
    int64_t in;
    int64_t out;
} cpb_card;

/* Everything counted. Arrays per mask and rank are [masks][ranks]. */
typedef struct cpb_recount {
    const cpb_claim *claim;
    const cpb_masks *masks;
    const cpb_setup *setup;
    const cpb_holders *holding;
    cpb_arena *arena;
    cpb_exact exact;
    bool figures; /* count tiles and traffic too, not only pairs */

    cpb_pass forward; /* prices scaled to the setup's model */
    cpb_pass backward;
    int64_t received_key;
    int64_t token;
    int64_t key_bytes; /* of K and V of one token */
    int64_t fastest;   /* speed of the fastest rank, where speeds are given */

    int64_t *tokens;      /* [ranks] held, without pads */
    int64_t *runs;        /* [ranks] */
    int64_t *segments;    /* [ranks] */
    cpb_tally *tally;     /* [masks][ranks] */
    cpb_card *card;       /* [masks][nodes] */
    cpb_needed *needed;   /* [masks][ranks] where keys are exchanged */
    int64_t *plain_tiles; /* [masks] tiles of the original order */
    int64_t pair_max;
    size_t peer_words; /* words of a row of bits */
    uint64_t *peers;   /* [masks][ranks][peer_words] whom a rank talks with */
} cpb_recount;

/* What came out: the figures, and numbers per rank. Bounds are not recounted. */
typedef struct cpb_outcome {
    cpb_score score;
    int64_t *pairs; /* [ranks] */
    int64_t *loads; /* [ranks] where figures are wanted */
} cpb_outcome;

/* Laws of the runs (laws.c). Fills `holding`, which the recount needs. */
cpb_status cpb_check_laws(const cpb_claim *claim, cpb_arena *arena,
                          cpb_holders *holding, cpb_error *error);

/* Count (recount.c). `recount` comes with its first five members and `figures`. */
cpb_status cpb_recount_run(cpb_recount *recount, cpb_error *error);

/* Count the traffic of one rank from the keys that it needs (traffic.c). */
typedef struct cpb_rank_traffic {
    int64_t *count;        /* [ranks] keys that the rank needs of each other rank */
    int64_t *column;       /* [ranks] the same over all masks, weighted */
    cpb_spans *node_needs; /* [masks] of the ranks of the open node */
} cpb_rank_traffic;

cpb_status cpb_traffic_create(cpb_rank_traffic *traffic, cpb_recount *recount,
                              cpb_error *error);
cpb_status cpb_traffic_add(cpb_rank_traffic *traffic, cpb_recount *recount, size_t mask,
                           int32_t rank, cpb_spans *needs, cpb_error *error);
void cpb_traffic_close_rank(cpb_rank_traffic *traffic, cpb_recount *recount,
                            int32_t rank);

/* Play the relay form through for one mask, once all its traffic is counted (relay.c). */
cpb_status cpb_recount_relay(cpb_recount *recount, size_t mask, cpb_error *error);

/* Scale the prices to the model and find the fastest rank (price.c). */
void cpb_recount_scale(cpb_recount *recount);

/* Turn counts into figures (price.c); `outcome->pairs` and `loads` are [ranks]. */
void cpb_recount_price(cpb_recount *recount, cpb_outcome *outcome);

/* Compare what the claim states with what came out (compare.c). */
cpb_status cpb_compare(const cpb_claim *claim, const cpb_outcome *outcome,
                       cpb_error *error);

/* The weight of a mask. */
static inline int64_t cpb_recount_weight(const cpb_recount *recount, size_t mask)
{
    return recount->masks->weight ? recount->masks->weight[mask] : 1;
}

static inline cpb_tally *cpb_recount_tally(const cpb_recount *recount, size_t mask,
                                           int32_t rank)
{
    return &recount->tally[mask * (size_t)recount->claim->ranks + (size_t)rank];
}

#endif
