// SPDX-License-Identifier: Apache-2.0
/** \file
 *  The immutable plan: for each rank an ordered list of runs. */
#ifndef CPB_PLAN_H
#define CPB_PLAN_H

#include <cpb/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How many tokens each rank holds. */
typedef enum cpb_sizes {
    CPB_EQUAL = 0, /**< (tokens + padding) / ranks each: PyTorch's contract */
    CPB_UNEVEN = 1 /**< no padding */
} cpb_sizes;

/** The plan algorithm of this version; it stands in plan and hash. */
enum { CPB_ALGORITHM = 1 };

/** Version of the plan file and of the hash. */
enum { CPB_PLAN_VERSION = 1 };

/** What a plan was made to keep; what a score and a check need beside the runs. */
typedef struct cpb_promise {
    cpb_sizes sizes;     /**< tokens per rank: equal or not */
    int64_t chunk;       /**< tokens of a chunk, >= 1 */
    int64_t granularity; /**< tokens that move together: `chunk` or 1 */
    int64_t cap;         /**< most tokens a rank may hold, padding included; -1: none */
    int32_t algorithm;   /**< CPB_ALGORITHM, or the pinned number */
    int64_t tolerance_ppm; /**< bounds of traffic are for loads of at most
                                (1 + tolerance) * max(mean, bound); parts per million */
} cpb_promise;

/** An immutable plan. Any number of threads may read it. Memory O(runs + ranks). */
typedef struct cpb_plan cpb_plan;

/** A plan from anybody's runs.
 *
 *  \param tokens  1 .. CPB_MAX_TOKENS
 *  \param padding positions tokens .. tokens + padding - 1 are pads, >= 0
 *  \param first   [ranks + 1] rank r holds runs first[r] .. first[r + 1] - 1
 *  \param runs    [first[ranks]] ranges of original positions, in the rank's order; empty
 *                 ones are dropped and neighbours that continue each other merged
 *  \return CPB_OK; CPB_INVALID unless every position lies in exactly one run, `at` is
 *          the run; CPB_NO_MEMORY. O(runs log runs). */
CPB_CHECKED cpb_status cpb_plan_create_runs(int64_t tokens, int64_t padding,
                                            int32_t ranks, const int64_t *first,
                                            const cpb_range *runs,
                                            const cpb_promise *promise,
                                            const cpb_allocator *allocator,
                                            cpb_plan **plan, cpb_error *error);

/** A plan from anybody's order: rank r holds entries floor(r n / ranks) up to
 *  floor((r + 1) n / ranks). Sizes are `equal` where ranks divides n, granularity is
 *  one token, the tolerance 1 %.
 *
 *  \param n     entries, >= tokens; those >= tokens are pads
 *  \param order [n] a permutation of 0 .. n - 1; `at` of the error is the first entry
 *               that is out of range or seen before
 *  \return CPB_OK, CPB_INVALID, CPB_NO_MEMORY. O(n). */
CPB_CHECKED cpb_status cpb_plan_create_order(int64_t tokens, int64_t n,
                                             const int64_t *order, int32_t ranks,
                                             const cpb_allocator *allocator,
                                             cpb_plan **plan, cpb_error *error);

/** Free; NULL is fine. */
CPB_API void cpb_plan_free(cpb_plan *plan);

/** Tokens of the sequence, without pads. */
CPB_API int64_t cpb_plan_tokens(const cpb_plan *plan);

/** Pads: positions tokens .. tokens + padding - 1. */
CPB_API int64_t cpb_plan_padding(const cpb_plan *plan);

/** World size. */
CPB_API int32_t cpb_plan_ranks(const cpb_plan *plan);

/** What the plan was made to keep. Borrowed. */
CPB_API const cpb_promise *cpb_plan_promise(const cpb_plan *plan);

/** Name of the balancer that made it (what `auto` chose); "" for foreign plans. */
CPB_API const char *cpb_plan_balancer(const cpb_plan *plan);

/** Positions that `rank` holds, pads included. O(1). */
CPB_API int64_t cpb_plan_size(const cpb_plan *plan, int32_t rank);

/** Runs of `rank`: none empty, neighbours that continue each other merged. */
CPB_API size_t cpb_plan_n_runs(const cpb_plan *plan, int32_t rank);

/** [cpb_plan_n_runs()] in the rank's order; borrowed from the plan. Runs of rank r + 1
 *  follow those of rank r in memory. */
CPB_API const cpb_range *cpb_plan_runs(const cpb_plan *plan, int32_t rank);

/** 64 bits over version, algorithm, tokens, padding and runs; defined in
 *  docs/formats.md. Equal on every rank, compiler and thread count. O(1). */
CPB_API uint64_t cpb_plan_hash(const cpb_plan *plan);

#ifdef __cplusplus
}
#endif

#endif
