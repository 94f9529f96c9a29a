// SPDX-License-Identifier: Apache-2.0
/** \file
 *  Proofs: anybody's plan or order against a mask, by code of its own. */
#ifndef CPB_CHECK_H
#define CPB_CHECK_H

#include <cpb/schedule.h>
#include <cpb/score.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A plan as somebody states it: nothing of it is believed. */
typedef struct cpb_claim {
    int64_t tokens;  /**< of the sequence */
    int64_t padding; /**< pads behind the sequence */
    int32_t ranks;   /**< world size */
    const int64_t
        *first; /**< [ranks + 1] runs of rank r: first[r] .. first[r + 1] - 1 */
    const cpb_range *runs;  /**< [first[ranks]] */
    cpb_promise promise;    /**< what the runs are held against */
    const cpb_score *score; /**< stated figures, or NULL: none */
    const int64_t *pairs;   /**< [ranks] stated pairs per rank, or NULL: none */
    const int64_t *loads;   /**< [ranks] stated loads, or NULL: none */
    const uint64_t *hash;   /**< stated hash, or NULL: none */
} cpb_claim;

/** Prove a claim: the runs are canonical and a bijection, sizes are as promised, every
 *  allowed pair is computed exactly once and no other, and each stated figure equals
 *  a recount. Bounds are tested for not exceeding what was reached.
 *
 *  \param masks  NULL: only the laws that need no mask
 *  \return CPB_OK: proved. CPB_REFUTED: `error` names the first counterexample.
 *          CPB_INVALID: masks and claim have different tokens. CPB_NO_MEMORY.
 *  Time O(tokens x slices per query x log), slower than planning by design. */
CPB_CHECKED cpb_status cpb_check_plan(const cpb_claim *claim, const cpb_masks *masks,
                                      const cpb_setup *setup,
                                      const cpb_allocator *allocator, cpb_error *error);

/** A schedule as somebody states it: nothing of it is believed. */
typedef struct cpb_schedule_claim {
    int32_t micro_batches; /**< of the step */
    int32_t block;         /**< ranks of every group, 0: the ranks of its documents */
    const cpb_placement *placement; /**< [documents]; `group` is not read */
    const int64_t *cut; /**< [n_cuts] where documents are cut that are not cut evenly */
    int64_t n_cuts;     /**< how many there are */
    const cpb_schedule_score *score; /**< stated figures, or NULL: none */
    const uint64_t *hash;            /**< stated hash, or NULL: none */
    int64_t n_groups;                /**< how many groups are stated */
    const cpb_group *groups;         /**< [n_groups] stated groups in the order of
                                  cpb_schedule_groups(), or NULL: none */
    const int64_t
        *documents;        /**< theirs, `first_document` on; ignored without groups */
    const uint64_t *plans; /**< [n_groups] stated hashes of their plans, 0 where a group
                                packs more than CPB_MAX_TOKENS; or NULL: none; ignored
                                without groups */
    const int64_t
        *first_run;        /**< [ranks of all groups + 1] runs of the k-th rank, ranks
                                   of a group after those of the groups before:
                                   first_run[k] .. first_run[k + 1] - 1; or NULL: none is
                                   stated */
    const cpb_range *runs; /**< theirs */
    int64_t n_reroutes;    /**< how many reroutes are stated */
    const cpb_reroute
        *reroutes; /**< [n_reroutes] as cpb_schedule_reroutes() lists them,
                                      or NULL: none is stated */
} cpb_schedule_claim;

/** Prove a schedule: every document is in the step exactly once or left over with a reason
 *  that holds, groups have allowed sizes and places, groups of several ranks are disjoint
 *  within a micro-batch, so that the order of micro-batches has no circle, every rank
 *  keeps its budget, the limits on micro-batches, sizes and order hold, and each stated
 *  figure, group, plan of a group and reroute equals a recount by an event simulation.
 *  Times are exact up to 2^50 picoseconds, and from there on within 2^-50 of their value,
 *  which is what a double keeps. The bound is tested for not exceeding the time.
 *
 *  \return CPB_OK: proved. CPB_REFUTED: `error` names the first counterexample.
 *          CPB_INVALID: documents or domain are no input of a schedule.
 *          CPB_TOO_LARGE; CPB_NO_MEMORY.
 *  Time O(tokens / tile_q + documents x their ranks). */
CPB_CHECKED cpb_status cpb_check_schedule(const cpb_documents *documents,
                                          const cpb_domain *domain,
                                          const cpb_schedule_claim *claim,
                                          cpb_error *error);

/** Prove that `order` is a permutation of 0 .. n - 1.
 *  \return CPB_OK; CPB_REFUTED, `at` is the first offending entry; CPB_NO_MEMORY. */
CPB_CHECKED cpb_status cpb_check_order(int64_t n, const int64_t *order,
                                       const cpb_allocator *allocator,
                                       cpb_error *error);

#ifdef __cplusplus
}
#endif

#endif
