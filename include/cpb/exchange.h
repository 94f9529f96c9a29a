// SPDX-License-Identifier: Apache-2.0
/** \file
 *  The exchange: which rank sends which keys to whom, and where each of them lands. */
#ifndef CPB_EXCHANGE_H
#define CPB_EXCHANGE_H

#include <cpb/mask.h>
#include <cpb/order.h>
#include <cpb/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The way that keys take. docs/exchange.md draws each. */
typedef enum cpb_form {
    CPB_FLAT = 0,      /**< one step: straight from the owner to every rank in need */
    CPB_TWO_LEVEL = 1, /**< step 0 between nodes, each key into a node once, to a rank
                            there that needs it; step 1 inside the nodes */
    CPB_RELAY = 2      /**< where an owner would send more than any rank receives, it
                            gives keys to one of the ranks in need (step 0), which
                            passes them on to the others (step 1); everything else goes
                            in step 0 */
} cpb_form;

/** How to exchange. Zero is the default: flat. */
typedef struct cpb_exchange_options {
    cpb_form form; /**< how keys get from owners to ranks in need */
    int32_t nodes; /**< `two-level`: >= 1, nodes that the ranks fill in order, divides
                        the ranks. 0 with every other form. */
} cpb_exchange_options;

/** Keys that travel together: contiguous in position, at the sender, and at the
 *  receiver. No two transfers with the same step, from and to could be one. */
typedef struct cpb_transfer {
    int32_t step;   /**< transfers of a step run at once; steps follow each other */
    int32_t from;   /**< sending rank */
    int32_t to;     /**< receiving rank */
    cpb_range keys; /**< original positions, never pads */
    int64_t source; /**< slot at the sender: of its shard where it owns the keys, else
                         its shard's size + slot of its receive buffer */
    int64_t target; /**< slot of the receiver's receive buffer */
} cpb_transfer;

/** An immutable exchange. Any number of threads may read it. Memory
 *  O(transfers + ranks). */
typedef struct cpb_exchange cpb_exchange;

/** The exchange of one mask under a plan: afterwards each rank holds the keys that its
 *  queries may attend to, and beside its own none other. Several masks have one
 *  exchange each.
 *
 *  A rank's receive buffer is filled in the order (step, from, keys.begin): per step it
 *  is what an all-to-all-v writes. Nothing arrives twice, and only ranks that need a
 *  key ever hold it, so no form needs more memory than another.
 *
 *  \param mask    of as many tokens as the plan
 *  \param options NULL: flat
 *  \param[out] exchange to be freed with cpb_exchange_free(); NULL on failure
 *  \return CPB_OK; CPB_INVALID (other tokens, unknown form, nodes that do not divide
 *          the ranks); CPB_NO_MEMORY.
 *  Equal inputs give equal exchanges everywhere. O((runs + slices + transfers) log). */
CPB_CHECKED cpb_status cpb_exchange_create(const cpb_plan *plan, const cpb_mask *mask,
                                           const cpb_exchange_options *options,
                                           const cpb_allocator *allocator,
                                           cpb_exchange **exchange, cpb_error *error);

/** The exchange that turns shards of one plan into shards of another plan of the same
 *  sequence. Here the receive buffer is the new shard: `target` is its slot. Transfers
 *  with from == to are what a rank keeps; `source` and `target` tell whether it moves.
 *  Pads are left out, their slots stay unwritten. The plans may have different numbers
 *  of ranks and different padding; the exchange has the larger number of ranks.
 *
 *  \return CPB_OK; CPB_INVALID when the plans have different tokens; CPB_NO_MEMORY.
 *  O((runs + transfers) log). */
CPB_CHECKED cpb_status cpb_exchange_create_move(const cpb_plan *from,
                                                const cpb_plan *to,
                                                const cpb_allocator *allocator,
                                                cpb_exchange **exchange,
                                                cpb_error *error);

/** Which positions before a run are its halo. */
typedef struct cpb_halo_rule {
    int64_t length;               /**< how many, >= 0 */
    size_t n_documents;           /**< 0: a halo stops at the start of the sequence */
    const int64_t *document_ends; /**< [n_documents] it stops at the start of the
                                       document in which its run begins */
} cpb_halo_rule;

/** The flat exchange after which each rank holds the halos of its runs, as convolutions
 *  and token shifts need them; cpb_exchange_held() then tells where each key lies.
 *
 *  \return CPB_OK; CPB_INVALID for a negative length; CPB_NO_MEMORY.
 *  O((runs + transfers) log). */
CPB_CHECKED cpb_status cpb_exchange_create_halo(const cpb_plan *plan,
                                                const cpb_halo_rule *rule,
                                                const cpb_allocator *allocator,
                                                cpb_exchange **exchange,
                                                cpb_error *error);

/** Free; NULL is fine. */
CPB_API void cpb_exchange_free(cpb_exchange *exchange);

/** Ranks that take part. */
CPB_API int32_t cpb_exchange_ranks(const cpb_exchange *exchange);

/** Steps: 1 for flat exchanges, moves and halos, else 2. A step may move nothing. */
CPB_API int32_t cpb_exchange_steps(const cpb_exchange *exchange);

/** 64 bits over everything below, defined in docs/exchange.md. O(1). */
CPB_API uint64_t cpb_exchange_hash(const cpb_exchange *exchange);

/** Numbers of one rank, in keys. */
typedef struct cpb_traffic {
    int64_t shard;   /**< slots of its shard, pads included: where `source` turns to the
                          receive buffer */
    int64_t buffer;  /**< slots of its receive buffer; of the new shard for a move */
    int64_t receive; /**< keys that it gets from other ranks */
    int64_t send;    /**< keys that it gives to other ranks, over all steps */
} cpb_traffic;

/** O(1). */
CPB_API cpb_traffic cpb_exchange_traffic(const cpb_exchange *exchange, int32_t rank);

/** Transfers that a rank receives in one step, sorted by (from, keys.begin); their
 *  targets ascend, and those of exchanges other than moves leave no gap.
 *
 *  \param step  -1: in all steps, sorted by (step, from, keys.begin)
 *  \param[out] n how many
 *  Borrowed from the exchange. O(1). */
CPB_API const cpb_transfer *cpb_exchange_received(const cpb_exchange *exchange,
                                                  int32_t rank, int32_t step,
                                                  size_t *n);

/** Transfers that a rank sends in one step, sorted by (to, keys.begin). Otherwise as
 *  cpb_exchange_received(). */
CPB_API const cpb_transfer *cpb_exchange_sent(const cpb_exchange *exchange,
                                              int32_t rank, int32_t step, size_t *n);

/** Keys go forward; their gradients go the same way backward. */
typedef enum cpb_way {
    CPB_FORWARD = 0,
    CPB_BACKWARD = 1 /**< the mirror: steps in reverse, receivers send, senders add */
} cpb_way;

/** What a rank does in one stage: the i-th thing that happens on a way. Forward, stage
 *  i is step i: it gives what it sends and gets what it receives. Backward, stage i is
 *  step steps - 1 - i: it gives (from the targets) what it had received and gets what
 *  it had sent, which it adds to the sources one transfer after the other in the order
 *  of this list. So sums are formed in the same order on every run, and gradients are
 *  summed inside a node before they leave it. */
typedef struct cpb_stage {
    int32_t step;              /**< number of the step */
    size_t n_gives;            /**< transfers that leave this rank */
    const cpb_transfer *gives; /**< borrowed; sorted by (partner, keys.begin) */
    size_t n_gets;             /**< transfers that reach this rank */
    const cpb_transfer *gets; /**< borrowed; sorted by (partner, keys.begin) */
} cpb_stage;

/** \param i 0 .. steps - 1. O(1). */
CPB_API cpb_stage cpb_exchange_stage(const cpb_exchange *exchange, int32_t rank,
                                     cpb_way way, int32_t i);

/** Arguments of an all-to-all-v, in keys; each [ranks], or NULL: not wanted. */
typedef struct cpb_counts {
    int64_t *give;       /**< keys to each rank */
    int64_t *give_first; /**< where they start: sums of the counts before */
    int64_t *get;        /**< keys from each rank */
    int64_t *get_first;  /**< where they start, counted from the stage's first key: add
                              gets[0].target to get a slot of the receive buffer
                              (forward only, and not for moves, whose targets are
                              scattered) */
} cpb_counts;

/** Fill in the counts of one stage. O(ranks + transfers of the rank). */
CPB_API void cpb_exchange_counts(const cpb_exchange *exchange, int32_t rank,
                                 cpb_way way, int32_t i, const cpb_counts *counts);

/** Sizes that stay the same from batch to batch; -1: no limit. */
typedef struct cpb_capacity {
    int64_t receive;   /**< slots of the receive buffer of a rank */
    int64_t pair;      /**< keys from one rank to one rank in one step */
    int64_t transfers; /**< transfers in the list of received or sent ones of a rank */
} cpb_capacity;

/** The least capacity that fits. O(transfers). */
CPB_API cpb_capacity cpb_exchange_least(const cpb_exchange *exchange);

/** Whether an exchange fits into a capacity.
 *  \return CPB_OK; CPB_UNSUPPORTED: `at` is the rank that is furthest above, the
 *          sentence has its value, the capacity and the fallback, `allgather`. */
CPB_CHECKED cpb_status cpb_exchange_fits(const cpb_exchange *exchange,
                                         const cpb_capacity *capacity,
                                         cpb_error *error);

/** The two ends of a stage. */
typedef enum cpb_side {
    CPB_GIVES = 0, /**< what to gather, per receiving rank */
    CPB_GETS = 1   /**< where to put what arrives, per sending rank */
} cpb_side;

/** Write the slots of one stage as an array of constant shape: what an all-to-all of
 *  equal splits needs, with `pair` rows for each partner.
 *
 *  Forward, `gives` are sources and `gets` are targets; backward, the other way round.
 *
 *  \param pair  capacity, >= 0
 *  \param slots [ranks][pair] row p: slots of the keys to or from rank p in the order
 *               of the list, then -1
 *  \return CPB_OK; CPB_UNSUPPORTED where a partner has more than `pair` keys, `at` is
 *          the partner. O(ranks * pair). */
CPB_CHECKED cpb_status cpb_exchange_write_slots(const cpb_exchange *exchange,
                                                int32_t rank, cpb_way way, int32_t i,
                                                cpb_side side, int64_t pair,
                                                cpb_index type, void *slots,
                                                cpb_error *error);

/** Keys that lie together. */
typedef struct cpb_holding {
    cpb_range keys; /**< original positions, never pads */
    int64_t slot;   /**< of the shard, or its size + slot of the receive buffer */
} cpb_holding;

/** Write where a rank holds each of its keys after the exchange, own and received ones,
 *  by ascending position: gathered by it, keys lie in original order. Not for moves.
 *
 *  \param plan that the exchange was made for
 *  \param room entries of `held`; runs + received transfers of the rank always suffice
 *  \param[out] held [room] or NULL; nothing is written beyond `room`
 *  \param[out] n how many there are, whatever the room
 *  \return CPB_OK; CPB_NO_MEMORY. O(runs + transfers of the rank). */
CPB_CHECKED cpb_status cpb_exchange_held(const cpb_exchange *exchange,
                                         const cpb_plan *plan, int32_t rank,
                                         const cpb_allocator *allocator, size_t room,
                                         cpb_holding *held, size_t *n,
                                         cpb_error *error);

/** Positions before a run that one rank owns in consecutive slots. */
typedef struct cpb_halo {
    int64_t run;    /**< index into cpb_plan_runs() */
    cpb_range keys; /**< original positions */
    int32_t owner;  /**< the rank itself where it holds them in another run */
    int64_t slot;   /**< of the owner's shard */
} cpb_halo;

/** Write, for each run of a rank, who owns its halo and at which slot: runs in the
 *  rank's order, positions ascending.
 *
 *  \param room   entries of `halos`
 *  \param[out] halos [room] or NULL; nothing is written beyond `room`
 *  \param[out] n how many there are, whatever the room
 *  \return CPB_OK; CPB_INVALID for a negative length; CPB_NO_MEMORY.
 *  O((runs of the plan + n) log runs). */
CPB_CHECKED cpb_status cpb_halo_write(const cpb_plan *plan, int32_t rank,
                                      const cpb_halo_rule *rule,
                                      const cpb_allocator *allocator, size_t room,
                                      cpb_halo *halos, size_t *n, cpb_error *error);

#ifdef __cplusplus
}
#endif

#endif
