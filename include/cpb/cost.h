// SPDX-License-Identifier: Apache-2.0
/** \file
 *  The cost model: how attention is run, and what a piece of it costs in integers. */
#ifndef CPB_COST_H
#define CPB_COST_H

#include <cpb/mask.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Largest relative speed of a rank. */
enum { CPB_MAX_SPEED = 1 << 20 };

/** What computes attention on a rank. */
typedef enum cpb_kernel {
    CPB_FLEX = 0,     /**< tiles on the shard order (FlexAttention) */
    CPB_VARLEN = 1,   /**< tiles start anew at each segment (FlashAttention varlen) */
    CPB_RECURRENT = 2 /**< layers that want few long runs; cost per token and per run */
} cpb_kernel;

/** How keys travel between ranks. */
typedef enum cpb_transport {
    CPB_EXCHANGE = 0,  /**< exactly the keys that are needed and not owned */
    CPB_ALLGATHER = 1, /**< every key to every rank */
    CPB_RING = 2       /**< every key around a ring; needs the head-tail layout */
} cpb_transport;

/** What is balanced. */
typedef enum cpb_cost {
    CPB_PAIRS = 0,       /**< allowed pairs */
    CPB_TILES = 1,       /**< non-empty tiles of 128 x 128, each counting 1 */
    CPB_PROFILE_TIME = 2 /**< picoseconds of a profile */
} cpb_cost;

/** How much of the traffic hides behind work. */
typedef enum cpb_overlap {
    CPB_OVERLAP_NONE = 0,      /**< compute + wire */
    CPB_OVERLAP_TWO_STAGE = 1, /**< max(own work, wire) + the rest */
    CPB_OVERLAP_IDEAL = 2      /**< max(compute, wire) */
} cpb_overlap;

/** Shape of one attention layer. */
typedef struct cpb_model {
    int64_t q_heads;       /**< >= 1 */
    int64_t kv_heads;      /**< >= 1, divides q_heads */
    int64_t head_dim;      /**< >= 1 */
    int64_t element_bytes; /**< bytes of one element of K and V, 2 for bf16 */
} cpb_model;

/** Picoseconds of one kernel pass over all heads. */
typedef struct cpb_pass {
    int64_t full_tile;    /**< per tile whose tile_q x tile_k pairs are all allowed */
    int64_t partial_tile; /**< per other non-empty tile */
    int64_t q_tile;       /**< per row of tiles that is not empty */
    int64_t kv_tile;      /**< per tile_k keys held, own and received */
} cpb_pass;

/** The numbers behind every modelled time. A term left at zero costs nothing.
 *  Times are picoseconds for `model` and scale with q_heads * head_dim. */
typedef struct cpb_profile {
    char name[48];         /**< device and kernel */
    cpb_model model;       /**< the shape the tile times were measured with */
    int64_t tile_q;        /**< queries per tile */
    int64_t tile_k;        /**< keys per tile */
    cpb_pass forward;      /**< always counted */
    cpb_pass backward;     /**< added with `backward` */
    int64_t rows_at_once;  /**< a rank takes at least this often its longest row of tiles */
    int64_t received_key;  /**< per received key, in every pass */
    int64_t token;         /**< per token held, in every pass */
    int64_t recurrent_token; /**< per token held, kernel `recurrent` */
    int64_t recurrent_run;   /**< per run, kernel `recurrent` */
    int64_t net_bytes_per_us;  /**< one network card, each direction; 0: free */
    int64_t link_bytes_per_us; /**< one rank's link inside its node; 0: free */
    int64_t phase_latency;     /**< per communication phase */
    int64_t peer_latency;      /**< per peer of the busiest rank */
} cpb_profile;

/** How attention is run and priced. Start from cpb_setup_default(). */
typedef struct cpb_setup {
    cpb_kernel kernel; /**< what computes attention */
    cpb_transport transport; /**< how keys reach the ranks that need them */
    cpb_cost cost;     /**< unit of loads */
    cpb_overlap overlap; /**< how much of the traffic hides behind work */
    bool backward;     /**< add the backward pass to loads and step time */
    int32_t nodes;     /**< nodes that the ranks fill in order; 0: every rank has a card
                            of its own. Must divide the ranks. */
    const int32_t *speeds; /**< [ranks] relative speeds, 1 .. CPB_MAX_SPEED, or NULL: all
                                the same. Loads and times of a rank are multiplied by
                                fastest / its own and rounded up. The caller's. */
    cpb_model model;     /**< heads and bytes of one layer */
    cpb_profile profile; /**< what tiles, keys and messages take */
} cpb_setup;

/** flex, exchange, profile `h100-fa2`, two-stage overlap, forward only, 64/4 heads of
 *  128 in bf16. */
CPB_API cpb_setup cpb_setup_default(void);

/** Fill in the built-in profile called `name`.
 *  \return CPB_OK; CPB_INVALID for an unknown name, with the nearest one suggested. */
CPB_CHECKED cpb_status cpb_profile_find(const char *name, cpb_profile *profile,
                                        cpb_error *error);

/** Name of the i-th built-in profile, NULL past the last. */
CPB_API const char *cpb_profile_name(size_t i);

/** Refuse a setup that no plan for `ranks` ranks can be scored under: numbers out of
 *  range, nodes that do not divide the ranks. */
CPB_CHECKED cpb_status cpb_setup_check(const cpb_setup *setup, int32_t ranks,
                                       cpb_error *error);

/** Costs of one mask under one setup, immutable, readable by any number of threads. */
typedef struct cpb_work cpb_work;

/** Measure a mask. The mask must outlive the work.
 *
 *  Under `pairs` costs are exact. Under tiles and profiles they are those of the original
 *  order: for `flex` the q-tiles lie on multiples of tile_q, for `varlen` they start anew
 *  with each slice, and tokens share the cost of their q-tile evenly, so costs of
 *  neighbouring ranges always add up.
 *
 *  \return CPB_OK; CPB_TOO_LARGE when costs overflow; CPB_NO_MEMORY.
 *  Time and memory O(slices + tokens / tile_q); pairs: O(1). */
CPB_CHECKED cpb_status cpb_work_create(const cpb_mask *mask, const cpb_setup *setup,
                                       const cpb_allocator *allocator, cpb_work **work,
                                       cpb_error *error);

/** Free; NULL is fine. */
CPB_API void cpb_work_free(cpb_work *work);

/** Cost of the queries of a range; positions past the last token cost nothing.
 *  O(log slices). */
CPB_API int64_t cpb_work_cost(const cpb_work *work, cpb_range queries);

/** Cost of each chunk of the sequence grid.
 *  \param[out] cost [n] of chunks [i * chunk, (i + 1) * chunk); past the last token 0
 *  O(slices + n + tokens / tile_q). */
CPB_API void cpb_work_chunks(const cpb_work *work, int64_t chunk, int64_t n,
                             int64_t *cost);

#ifdef __cplusplus
}
#endif

#endif
