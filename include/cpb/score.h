// SPDX-License-Identifier: Apache-2.0
/** \file
 *  The score of a plan: loads, traffic, fragments and modelled time, for any mask. */
#ifndef CPB_SCORE_H
#define CPB_SCORE_H

#include <cpb/cost.h>
#include <cpb/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Numbers of one rank. With several masks every count is the weighted sum over them,
 *  but tokens, runs, segments and peers, which are not per mask or the largest. */
typedef struct cpb_rank_score {
    int64_t tokens;   /**< held, without pads */
    int64_t pairs;    /**< allowed pairs of its queries */
    int64_t load;     /**< in the units of the setup's cost, after the rearrangement */
    int64_t compute;  /**< picoseconds of the profile, after the rearrangement */
    int64_t own_pairs; /**< pairs whose key the rank owns */
    int64_t tiles;    /**< non-empty tiles after the rearrangement */
    int64_t receive;  /**< keys that it gets from others */
    int64_t send;     /**< keys that it gives to others, once per receiving rank */
    int64_t runs;     /**< runs that hold a token */
    int64_t segments; /**< stretches of consecutive positions of one document */
    int64_t memory;   /**< bytes of K and V, own and received, largest over the masks */
    int32_t peers;    /**< other ranks that it gets keys from or gives keys to */
} cpb_rank_score;

/** Numbers of a plan, as the program prints them; docs/formats.md defines each. */
typedef struct cpb_score {
    int64_t load_max;   /**< units of the setup's cost */
    double load_mean;   /**< sum of loads / ranks */
    int64_t load_bound; /**< no plan of these sizes and this granularity is below */
    double imbalance;   /**< load_max / load_mean - 1, 0 where the mean is 0 */
    double gap;         /**< load_max / load_bound - 1, 0 where the bound is 0 */
    int64_t tiles;       /**< over all ranks */
    int64_t tiles_added; /**< tiles minus those of the original order */
    int64_t receive_total; /**< tokens; each need counts once per receiving rank */
    int64_t receive_max;   /**< tokens that a rank receives, the most */
    int64_t send_max;      /**< tokens that a rank sends, the most */
    int64_t relay_send_max; /**< the same where each mask's keys go by the relay form;
                                 send_max where everything goes to everybody */
    int64_t pair_max;      /**< most tokens from one rank to another */
    int32_t peers_max;     /**< ranks that a rank gives to or gets from, the most */
    int64_t net_in_max;    /**< most tokens into a node, each once; 0 without nodes */
    int64_t net_out_max;   /**< most tokens out of a node, once per other node */
    int64_t receive_bound; /**< no plan of these sizes within the tolerance receives
                                less in total; 0 where unknown */
    int64_t receive_max_bound; /**< the same for the rank that receives most */
    int64_t send_max_bound; /**< in no plan that receive_bound is for does the rank that
                                 sends most send less, whatever way its keys go */
    double own_work;       /**< share of all pairs whose key is owned; 1 without pairs */
    int64_t runs_max;      /**< runs of a rank, the most */
    int64_t segments_max;  /**< segments of a rank, the most */
    int64_t memory_max;    /**< bytes */
    int64_t step_time;     /**< picoseconds of one attention layer, summed over weights */
} cpb_score;

/** Measure a plan against masks.
 *
 *  \param masks  of as many tokens as the plan
 *  \param[out] score may not be NULL
 *  \param[out] ranks  [cpb_plan_ranks()] or NULL
 *  \param[out] matrix [ranks * ranks] tokens from rank row to rank column, weighted;
 *                     or NULL
 *  \return CPB_OK; CPB_INVALID when plan and masks do not belong together; CPB_TOO_LARGE;
 *          CPB_NO_MEMORY.
 *  Time O((runs + slices) log runs + needed runs of every rank), and where a rank sends
 *  more than any receives what the relay form takes. */
CPB_CHECKED cpb_status cpb_score_plan(const cpb_plan *plan, const cpb_masks *masks,
                                      const cpb_setup *setup,
                                      const cpb_allocator *allocator, cpb_score *score,
                                      cpb_rank_score *ranks, int64_t *matrix,
                                      cpb_error *error);

/** What a kernel visits for one shard under one mask: the numbers that the prices of a
 *  profile are multiplied by. */
typedef struct cpb_shard_counts {
    int64_t full_tiles;    /**< tiles whose pairs are all allowed */
    int64_t partial_tiles; /**< other non-empty tiles */
    int64_t q_tiles;       /**< rows of tiles that are not empty */
    int64_t tokens;        /**< held, without pads */
    int64_t received;      /**< keys that its queries need and that it does not hold */
} cpb_shard_counts;

/** Count what one shard visits, with tiles of the setup's kernel and profile as a score
 *  counts them, whatever the cost.
 *
 *  \param runs [n_runs] the shard in its order, disjoint; positions past the last token
 *              are pads
 *  \return CPB_OK; CPB_INVALID for a run that is empty, lies outside 0 .. 2^31 - 1 (`at` is
 *          the run) or shares a position with another; CPB_NO_MEMORY.
 *  Time O((runs + slices) log + q-tiles). */
CPB_CHECKED cpb_status cpb_count_shard(const cpb_mask *mask, const cpb_setup *setup,
                                       size_t n_runs, const cpb_range *runs,
                                       const cpb_allocator *allocator,
                                       cpb_shard_counts *counts, cpb_error *error);

#ifdef __cplusplus
}
#endif

#endif
