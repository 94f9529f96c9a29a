// SPDX-License-Identifier: Apache-2.0
/** \file
 *  The entry point: masks and options in, a plan out. */
#ifndef CPB_PLANNER_H
#define CPB_PLANNER_H

#include <cpb/cost.h>
#include <cpb/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How hard to search, counted in rounds, never in seconds. */
typedef enum cpb_effort {
    CPB_EFFORT_FAST = 0,
    CPB_EFFORT_DEFAULT = 1,
    CPB_EFFORT_HIGH = 2
} cpb_effort;

/** What several masks are to each other. */
typedef enum cpb_combine {
    CPB_COMBINE_LAYERS = 0, /**< layers that ranks wait for one by one: what counts is the
                                 sum of weight x largest load under each mask */
    CPB_COMBINE_SUM = 1     /**< costs inside one layer: the largest weighted sum counts */
} cpb_combine;

/** What to plan for. Start from cpb_options_default(). */
typedef struct cpb_options {
    int32_t ranks;        /**< world size, 1 .. CPB_MAX_RANKS */
    const char *balancer; /**< a name of cpb_balancer_name() */
    int64_t chunk;        /**< tokens of a chunk; -1: the balancer's own default */
    cpb_sizes sizes;      /**< tokens per rank: equal or not */
    int64_t cap;          /**< most tokens per rank, padding included; -1: none */
    int64_t tolerance_ppm; /**< allowed excess of the largest load, parts per million */
    int32_t peers;        /**< most other ranks that a rank may have to do with; -1: any
                               number. A plan with more is refused, and `auto` takes the
                               best of those that keep it, at the price of a score each */
    cpb_effort effort;    /**< how long to search */
    cpb_combine combine;  /**< how the loads of several masks make one */
    const int64_t *carried; /**< loads that each rank carries already, in units of the
                                 setup's cost, >= 0: [masks * ranks], mask by mask, with
                                 CPB_COMBINE_LAYERS, [ranks] of the weighted sum with
                                 CPB_COMBINE_SUM; NULL: none. The caller's; used by
                                 balancers that deal by the given cost. */
    int32_t algorithm;    /**< pin the algorithm of an earlier version; -1: this one's */
    cpb_setup setup;      /**< how attention is run and priced */
    cpb_allocator allocator; /**< both NULL: malloc and free */
} cpb_options;

/** `auto`, the balancer's own chunk, equal sizes, no cap, tolerance 1 %, default effort
 *  and setup. `ranks` is 0 and must be set. */
CPB_API cpb_options cpb_options_default(void);

/** Plan `masks` for `options->ranks` ranks.
 *
 *  Deterministic: equal inputs give equal plans on every rank, compiler and thread
 *  count, so ranks plan alone and agree without talking.
 *
 *  \param[out] plan to be freed with cpb_plan_free(); NULL on failure
 *  \return CPB_OK, CPB_INVALID, CPB_UNSUPPORTED (balancer, kernel and transport do not go
 *          together, or a cap or peers that it cannot keep), CPB_TOO_LARGE,
 *          CPB_NO_MEMORY. */
CPB_CHECKED cpb_status cpb_plan_create(const cpb_masks *masks, const cpb_options *options,
                                       cpb_plan **plan, cpb_error *error);

/** Plan the rows of a batch: one plan per row, in sequence. Loads of a rank add up over
 *  the rows: balancers that deal by the given cost see what each rank carries from the
 *  rows before, beginning with `options->carried`, and balance the sum.
 *
 *  Fixed rank labels give rank 0 the same kind of load in every row. With `relabel` the
 *  shards of each row are handed out anew, the costliest to the rank that carries least
 *  so far, so that the rows' biases cancel. Shards keep their content; sizes must be
 *  equal.
 *
 *  \param rows   [n_rows] one set of masks per row, all of the same number
 *  \param[out] plans [n_rows] to be freed one by one; all NULL on failure */
CPB_CHECKED cpb_status cpb_plan_create_rows(size_t n_rows, const cpb_masks *rows,
                                            const cpb_options *options, bool relabel,
                                            cpb_plan **plans, cpb_error *error);

/** Name of the i-th balancer, NULL past the last: the one list that the program, its
 *  help, tests and benchmarks walk. */
CPB_API const char *cpb_balancer_name(size_t i);

/** One line on the i-th balancer, NULL past the last. */
CPB_API const char *cpb_balancer_summary(size_t i);

/** The chunk that the i-th balancer takes by default. */
CPB_API int64_t cpb_balancer_chunk(size_t i);

/** Whether the i-th balancer keeps the largest load within the tolerance; `auto` does not
 *  promise it. */
CPB_API bool cpb_balancer_keeps_tolerance(size_t i);

/** What PyTorch picks when nobody picks: `head-tail` if balancing is enabled and
 *  2 * ranks divides tokens, else NULL (plain sharding, which `contiguous` gives).
 *  Source: PyTorch's default since May 2026. */
CPB_API const char *cpb_balancer_pytorch_default(int64_t tokens, int32_t ranks,
                                                 bool enabled);

#ifdef __cplusplus
}
#endif

#endif
