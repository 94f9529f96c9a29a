// SPDX-License-Identifier: Apache-2.0
/** \file
 *  Attention carried out by a plan, in a library of its own (libcpb_attend: CBLAS and
 *  pthreads): forward and backward of one rank, over a link to the other ranks.
 *
 *  Every rank calls the same functions in the same order. Where ranks run is the link's
 *  affair: cpb_world_run() gives links between threads of one process. docs/attend.md has
 *  an example.
 *
 *  CBLAS must use one thread per rank: cpb_world_run() sets OpenBLAS so while it runs and
 *  sets back what it found, which is state of the whole process. */
#ifndef CPB_ATTEND_H
#define CPB_ATTEND_H

#include <cpb/shard.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Links ------------------------------------------------------------------------ */

/** Rows that one rank gives to another: ranges of rows, one after the other. */
typedef struct cpb_give {
    int32_t peer;            /**< who gets them; may be the rank itself */
    size_t row_bytes;        /**< the same at both ends */
    size_t n_ranges;         /**< >= 1 */
    const cpb_range *ranges; /**< [n_ranges] rows, none empty */
    const void *rows;        /**< row 0 */
} cpb_give;

/** Rows that one rank gets from another. Both ends agree on their number; how they are
 *  cut into ranges is each end's own affair. */
typedef struct cpb_get {
    int32_t peer;            /**< the rank that gives */
    size_t row_bytes;        /**< as in cpb_give */
    size_t n_ranges;         /**< of rows */
    const cpb_range *ranges; /**< [n_ranges] rows, none empty */
    void *rows;              /**< row 0 */
} cpb_get;

/** What goes to and comes from other ranks at once; at most one give and one get per
 *  peer, sorted by peer. */
typedef struct cpb_round {
    size_t n_gives;        /**< peers that get rows */
    const cpb_give *gives; /**< [n_gives] */
    size_t n_gets;         /**< peers that give rows */
    const cpb_get *gets;   /**< [n_gets] */
} cpb_round;

/** One rank's end of a transport. One round at a time: start, then wait. */
typedef struct cpb_link {
    int32_t rank;  /**< this end's */
    int32_t ranks; /**< ends of the transport */
    void *context; /**< first argument of every call */
    /** Begin a round; its memory stays as it is until the round is over. Does not wait
     *  for other ranks. */
    cpb_status (*start)(void *context, const cpb_round *round, cpb_error *error);
    /** Let messages make progress; `*over` tells whether the round is over. Called often
     *  between pieces of work. */
    cpb_status (*poke)(void *context, bool *over, cpb_error *error);
    /** Wait until the round is over. CPB_BROKEN where another rank failed, ended early or
     *  does not answer; the sentence names it. */
    cpb_status (*wait)(void *context, cpb_error *error);
    /** Seconds since any fixed moment. */
    double (*clock)(void *context);
} cpb_link;

/** What each rank runs. */
typedef cpb_status cpb_rank_run(void *context, const cpb_link *link, cpb_error *error);

/** Ranks in one process. Zero is the default. */
typedef struct cpb_world_options {
    int32_t at_once; /**< how many ranks compute at the same time; 0: all. With 1 they
                          run one after another, so that each can be timed alone */
} cpb_world_options;

/** Run `run` once per rank, each on a thread of its own, and wait for all.
 *
 *  When one fails or returns while others wait for it, every other one gets CPB_BROKEN
 *  from its link at once.
 *
 *  \param context handed to every rank
 *  \return what the first failing rank returned, its sentence behind `rank R: `;
 *          CPB_NO_MEMORY also where a thread cannot be made. */
CPB_CHECKED cpb_status cpb_world_run(int32_t ranks, const cpb_world_options *options,
                                     cpb_rank_run *run, void *context,
                                     const cpb_allocator *allocator, cpb_error *error);

/* --- Attention -------------------------------------------------------------------- */

/** What sums are formed in. Data is float either way. */
typedef enum cpb_accumulate {
    CPB_FP32 = 0,
    CPB_FP64 = 1 /**< products and sums in double; about four times slower */
} cpb_accumulate;

/** Shape of the attention. */
typedef struct cpb_attention {
    int64_t q_heads;  /**< >= 1 */
    int64_t kv_heads; /**< >= 1, divides q_heads: query head h reads key head
                           h / (q_heads / kv_heads) */
    int64_t head_dim; /**< 1 .. 4096 */
    double scale;     /**< of the scores, > 0; usually 1 / sqrt(head_dim) */
    cpb_accumulate accumulate; /**< type of sums over tiles of keys */
} cpb_attention;

/** One rank's attention: slices, lists of what to give and get, scratch. For one thread
 *  at a time. */
typedef struct cpb_attend cpb_attend;

/** Sizes of one rank's arrays and memory. Rows of pads exist, are never computed with, and get
 *  zeros (and -infinity for log-sum-exps). */
typedef struct cpb_attend_sizes {
    int64_t queries; /**< rows of q, out and their gradients: slots of the shard */
    int64_t keys;    /**< rows of kv and its gradient: shard, then receive buffer */
    int64_t q_row;   /**< floats of a row of q: [q_heads][head_dim] */
    int64_t kv_row;  /**< floats of a row of kv: [2][kv_heads][head_dim], K before V */
    int64_t lse_row; /**< floats of a row of lse: [q_heads] */
    int64_t work;    /**< what cpb_progress counts up to in each pass */
    int64_t
        scratch; /**< bytes of the object's scratch: tiles, gradients on their way */
} cpb_attend_sizes;

/** Prepare the attention of one rank.
 *
 *  \param shape    borrowed for the call; exchange, plan and mask must outlive the object
 *  \param backward whether cpb_attend_backward() will be called
 *  \param[out] attend to be freed with cpb_attend_free(); NULL on failure
 *  \return CPB_OK; CPB_INVALID for a bad shape or an exchange of other inputs;
 *          CPB_NO_MEMORY. Memory O(tile + slices + transfers of the rank), and with
 *          `backward` the largest stage of gradients that the rank gets back. */
CPB_CHECKED cpb_status cpb_attend_create(const cpb_plan *plan, const cpb_mask *mask,
                                         const cpb_exchange *exchange, int32_t rank,
                                         const cpb_attention *shape, bool backward,
                                         const cpb_allocator *allocator,
                                         cpb_attend **attend, cpb_error *error);

/** Free; NULL is fine. */
CPB_API void cpb_attend_free(cpb_attend *attend);

/** O(1). */
CPB_API cpb_attend_sizes cpb_attend_size(const cpb_attend *attend);

/** Compare what the ranks prepared before the first key moves: version, ranks, plan
 *  hash, mask, exchange hash, shape. Collective.
 *  \return CPB_OK; CPB_BROKEN on every rank, the sentence names the first rank that
 *          differs from rank 0 and in what. */
CPB_CHECKED cpb_status cpb_attend_greet(const cpb_attend *attend, const cpb_link *link,
                                        cpb_error *error);

/** Where the time of a pass went. */
typedef enum cpb_phase {
    CPB_PHASE_OWN = 0,      /**< attention to own keys; keys or gradients travel */
    CPB_PHASE_WAIT = 1,     /**< nothing to do but wait */
    CPB_PHASE_RECEIVED = 2, /**< attention to received keys */
    CPB_N_PHASES = 3
} cpb_phase;

/** What a pass took. Times are of the link's clock. */
typedef struct cpb_attend_times {
    double begin[CPB_N_PHASES]; /**< seconds */
    double end[CPB_N_PHASES];   /**< seconds */
    double compute;     /**< processor seconds of this rank's own and received work */
    int64_t bytes_in;   /**< keys or gradients that came from other ranks */
    int64_t bytes_out;  /**< and that went to them */
    int64_t full_tiles; /**< products of tiles without a mask, all heads together */
    int64_t partial_tiles; /**< and with one */
} cpb_attend_times;

/** Called between pieces of a pass. */
typedef struct cpb_progress {
    void (*step)(void *context, int64_t done); /**< of cpb_attend_sizes.work, since the
                                                    last call */
    void *context; /**< its first argument */
} cpb_progress;

/** Attention of the rank's queries. Collective.
 *
 *  \param q   [queries][q_heads][head_dim]
 *  \param kv  [keys][2][kv_heads][head_dim]: the shard's rows are read, the receive
 *             buffer is written
 *  \param[out] out [queries][q_heads][head_dim]; zeros where a query has no key
 *  \param[out] lse [queries][q_heads] natural log of the sum of exp(scores); -infinity
 *             where a query has no key
 *  \param progress NULL: not wanted
 *  \param[out] times NULL: not wanted
 *  \return CPB_OK; CPB_INVALID where a value of the shard is NaN or infinite, or scores
 *          overflow: `at` is the original position; CPB_BROKEN. */
CPB_CHECKED cpb_status cpb_attend_forward(cpb_attend *attend, const cpb_link *link,
                                          const float *q, float *kv, float *out,
                                          float *lse, const cpb_progress *progress,
                                          cpb_attend_times *times, cpb_error *error);

/** What the backward pass reads. */
typedef struct cpb_attend_saved {
    const float *q;   /**< as given to forward */
    const float *kv;  /**< as forward left it, receive buffer included */
    const float *out; /**< results of forward */
    const float *lse; /**< results of forward */
    const float *dout; /**< gradient of out */
} cpb_attend_saved;

/** Gradients of the rank's queries and keys. Collective. Gradients of received keys go
 *  back to their owners in a fixed order: equal inputs give equal bits on every run.
 *
 *  \param[out] dq  [queries][q_heads][head_dim]
 *  \param[out] dkv [keys][2][kv_heads][head_dim]: the shard's rows are the result, the
 *                  receive buffer is used on the way
 *  \return as cpb_attend_forward(). */
CPB_CHECKED cpb_status cpb_attend_backward(cpb_attend *attend, const cpb_link *link,
                                           const cpb_attend_saved *saved, float *dq,
                                           float *dkv, const cpb_progress *progress,
                                           cpb_attend_times *times, cpb_error *error);

/* --- Shards ----------------------------------------------------------------------- */

/** Give every rank its shard of rows that one rank has. Collective.
 *
 *  \param rows  [tokens + padding][row_bytes] in original order, on rank `root` alone
 *  \param[out] shard [cpb_plan_size()][row_bytes] on every rank */
CPB_CHECKED cpb_status cpb_attend_shard(const cpb_plan *plan, const cpb_link *link,
                                        int32_t root, const void *rows,
                                        size_t row_bytes, void *shard,
                                        const cpb_allocator *allocator,
                                        cpb_error *error);

/** The way back: gather the shards of all ranks in original order. Collective.
 *
 *  \param root -1: every rank gets all rows
 *  \param[out] rows [tokens + padding][row_bytes] on `root` alone, or on every rank */
CPB_CHECKED cpb_status cpb_attend_unshard(const cpb_plan *plan, const cpb_link *link,
                                          int32_t root, const void *shard,
                                          size_t row_bytes, void *rows,
                                          const cpb_allocator *allocator,
                                          cpb_error *error);

#ifdef __cplusplus
}
#endif

#endif
