// SPDX-License-Identifier: Apache-2.0
/** \file
 *  What one rank computes, in the coordinates of its kernel: queries are slots of its
 *  shard, keys are slots of wherever its keys lie. */
#ifndef CPB_SHARD_H
#define CPB_SHARD_H

#include <cpb/exchange.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Key layouts ------------------------------------------------------------------ */

/** In which order keys lie in a kernel's memory. */
typedef enum cpb_key_order {
    CPB_AS_ARRIVED = 0, /**< as communication leaves them: all keys in the plan's order;
                             after an exchange the rank's shard, then its receive buffer */
    CPB_ASCENDING = 1   /**< by ascending original position */
} cpb_key_order;

/** A key layout: which slot holds which position. Immutable, readable by any number of
 *  threads. Memory O(holdings). */
typedef struct cpb_keys cpb_keys;

/** Lay out keys.
 *
 *  \param exchange NULL: all keys, as after an all-gather; the layout serves every rank
 *                  and has tokens + padding slots. Else the keys that `rank` holds after
 *                  this exchange of `plan` (no move); as arrived it has the slots of
 *                  shard and receive buffer, ascending one per key
 *  \param rank     without effect where `exchange` is NULL
 *  \param[out] keys to be freed with cpb_keys_free(); NULL on failure
 *  \return CPB_OK, CPB_NO_MEMORY. O(holdings log). */
CPB_CHECKED cpb_status cpb_keys_create(const cpb_plan *plan,
                                       const cpb_exchange *exchange, int32_t rank,
                                       cpb_key_order order,
                                       const cpb_allocator *allocator, cpb_keys **keys,
                                       cpb_error *error);

/** Free; NULL is fine. */
CPB_API void cpb_keys_free(cpb_keys *keys);

/** Slots, those of pads included. */
CPB_API int64_t cpb_keys_slots(const cpb_keys *keys);

/** Where each key lies, by ascending position; neighbours that continue each other in
 *  position and slot are one. Borrowed.
 *  \param[out] n how many */
CPB_API const cpb_holding *cpb_keys_holdings(const cpb_keys *keys, size_t *n);

/** Write the original position of each slot.
 *  \param positions [cpb_keys_slots()], -1 for pads */
CPB_API void cpb_keys_positions(const cpb_keys *keys, cpb_index type, void *positions);

/* --- Slices ----------------------------------------------------------------------- */

/** One rank's part of the attention. A view: everything in it outlives its use. */
typedef struct cpb_shard {
    const cpb_plan *plan; /**< who holds which tokens */
    const cpb_mask *mask; /**< of as many tokens as the plan */
    const cpb_keys *keys; /**< holds every key that the rank's queries need */
    int32_t rank;         /**< whose part */
} cpb_shard;

/** Write the rank's attention as slices: `queries` are slots of its shard, `keys` are
 *  slots of the key layout. They are disjoint, every query of a slice sees a key of it,
 *  and together they hold exactly the pairs of the rank.
 *
 *  \param room entries of `slices`
 *  \param[out] slices [room] or NULL, by run, slice of the mask, key position, query;
 *              nothing is written beyond `room`
 *  \param[out] n how many there are, whatever the room
 *  \return CPB_OK; CPB_INVALID where mask and plan differ in tokens or the layout lacks
 *          a key that is needed: `at` is its position.
 *  O(runs log slices + slices that meet a run + what is written). Allocates nothing. */
CPB_CHECKED cpb_status cpb_shard_slices(const cpb_shard *shard, size_t room,
                                        cpb_slice *slices, size_t *n, cpb_error *error);

/* --- Sights ----------------------------------------------------------------------- */

/** Write what each query sees as intervals of key slots, one per slice of the mask that
 *  holds the query: what a kernel's mask function looks up. In an ascending layout the
 *  keys of one slice and query are one interval.
 *
 *  \param shard  with keys in ascending order
 *  \param levels intervals per query that there is room for; 0 to count only
 *  \param stride entries from level to level, >= the shard's size
 *  \param low    [levels][stride] first slot; 0 where there is no interval
 *  \param high   [levels][stride] one past the last slot; 0 where there is no interval
 *  \param[out] needed most intervals of a query
 *  \return CPB_OK; CPB_INVALID as cpb_shard_slices(); CPB_UNSUPPORTED for keys in another
 *          order, or where `levels` is neither 0 nor enough; CPB_NO_MEMORY.
 *  O(levels * stride + pairs of query and slice). */
CPB_CHECKED cpb_status cpb_shard_sights(const cpb_shard *shard, int64_t levels,
                                        int64_t stride, int32_t *low, int32_t *high,
                                        int64_t *needed,
                                        const cpb_allocator *allocator,
                                        cpb_error *error);

/* --- Block masks ------------------------------------------------------------------ */

/** How a shard block mask is cut. */
typedef struct cpb_blocking {
    int64_t block_q;  /**< query slots per block, >= 1 */
    int64_t block_k;  /**< key slots per block, >= 1 */
    int64_t q_length; /**< query slots, >= the shard's size; -1: the shard's size. Slots
                           past the shard see nothing */
    int64_t k_length; /**< key slots, >= those of the layout; -1: those of the layout */
} cpb_blocking;

/** The block mask of one shard: for every block of queries which blocks of keys it needs,
 *  and the other way round. A tile is full where all block_q x block_k pairs are allowed,
 *  by whatever union of slices, partial where some are; a tile that sticks out of
 *  q_length or k_length is never full (FlexAttention's create_block_mask pads with
 *  False). Immutable; any number of threads may read it. Memory O(stretches of
 *  neighbouring tiles of one kind). */
typedef struct cpb_shard_blocks cpb_shard_blocks;

/** Make the block mask of a shard in closed form, never pair by pair.
 *
 *  \param[out] blocks to be freed with cpb_shard_blocks_free(); NULL on failure
 *  \return CPB_OK; CPB_INVALID as cpb_shard_slices(), and for blocks or lengths that
 *          break the rules above; CPB_NO_MEMORY.
 *  O(runs log slices + blocks of queries + per block of queries: slices that it meets
 *  times holdings that they meet, and tiles of blocks that meet more than one of
 *  either). */
CPB_CHECKED cpb_status cpb_shard_blocks_create(const cpb_shard *shard,
                                               const cpb_blocking *blocking,
                                               const cpb_allocator *allocator,
                                               cpb_shard_blocks **blocks,
                                               cpb_error *error);

/** Free; NULL is fine. */
CPB_API void cpb_shard_blocks_free(cpb_shard_blocks *blocks);

/** The four tables of a block mask, named as FlexAttention names them. */
typedef enum cpb_table {
    CPB_KV = 0, /**< kv_num_blocks, kv_indices: partial tiles per block of queries */
    CPB_FULL_KV = 1, /**< full_kv_num_blocks, full_kv_indices */
    CPB_Q = 2,       /**< q_num_blocks, q_indices: partial tiles per block of keys */
    CPB_FULL_Q = 3   /**< full_q_num_blocks, full_q_indices */
} cpb_table;

/** Size of a table. */
typedef struct cpb_table_shape {
    int64_t rows;    /**< blocks of queries; for the two q tables blocks of keys */
    int64_t columns; /**< the other side's blocks */
    int64_t entries; /**< listed tiles of all rows */
    int64_t longest; /**< listed tiles of the longest row: the least stride */
} cpb_table_shape;

/** O(1). */
CPB_API cpb_table_shape cpb_shard_blocks_shape(const cpb_shard_blocks *blocks,
                                               cpb_table table);

/** Write a table in compressed rows: row i lists indices[first[i]] up to
 *  indices[first[i + 1] - 1], ascending.
 *
 *  \param first   [rows + 1]
 *  \param indices [entries]
 *  \return CPB_OK; CPB_TOO_LARGE where `entries` does not fit 32 bits.
 *  O(rows + entries). */
CPB_CHECKED cpb_status cpb_shard_blocks_write_rows(const cpb_shard_blocks *blocks,
                                                   cpb_table table, int32_t *first,
                                                   int32_t *indices, cpb_error *error);

/** Write a table of constant shape, as FlexAttention's tensors are.
 *
 *  \param rows     rows to write, >= those of the table; further ones list nothing
 *  \param stride   capacity of a row, >= 0
 *  \param sentinel fills a row behind its last entry
 *  \param counts   [rows]
 *  \param indices  [rows][stride] ascending within a row
 *  \return CPB_OK; CPB_UNSUPPORTED where a row needs more than `stride`, `at` is the
 *          longest row, and nothing is written. O(rows * stride). */
CPB_CHECKED cpb_status cpb_shard_blocks_write(const cpb_shard_blocks *blocks,
                                              cpb_table table, int64_t rows,
                                              int64_t stride, int32_t sentinel,
                                              int32_t *counts, int32_t *indices,
                                              cpb_error *error);

/* --- Varlen metadata -------------------------------------------------------------- */

/** Which shard a varlen kernel is called for. A view. The mask is causal inside each
 *  document (or a window of it: the kernel's own option). */
typedef struct cpb_packing {
    const cpb_plan *plan;         /**< who holds which tokens */
    int32_t rank;                 /**< whose shard */
    size_t n_documents;           /**< 0: the sequence is one document */
    const int64_t *document_ends; /**< [n_documents] ascending, the last is the plan's
                                       tokens */
} cpb_packing;

/** Sizes of varlen metadata. A segment is a maximal stretch of the shard with consecutive
 *  positions of one document; a stretch of pads is one too, with 0 keys. Its keys are
 *  those from the document's first position to the segment's last one, so that a causal
 *  mask aligned at the bottom right is the document's. Keys that two segments need are
 *  listed twice.
 *  Source: the varlen metadata of PyTorch and torchtitan. */
typedef struct cpb_varlen {
    int64_t segments; /**< sequences of the kernel call */
    int64_t max_q;   /**< queries of the longest segment */
    int64_t max_k;   /**< keys of the segment with most keys */
    int64_t total_k; /**< keys of all segments */
} cpb_varlen;

/** O(segments + runs log documents). */
CPB_API cpb_varlen cpb_varlen_count(const cpb_packing *packing);

/** Constant shapes of varlen metadata. */
typedef struct cpb_varlen_room {
    int64_t segments; /**< >= those counted; further ones have no queries and no keys */
    int64_t keys;     /**< >= the keys counted; without effect without a key layout */
    int64_t sentinel; /**< fills the key indices behind the last key */
} cpb_varlen_room;

/** Write varlen metadata.
 *
 *  \param keys      layout that the key indices go into; NULL: no key indices
 *  \param cu_q      [segments + 1] where the queries of each segment start in the shard
 *  \param cu_k      [segments + 1] where its keys start in the gathered keys
 *  \param k_indices [keys] slot of each key; without effect where `keys` is NULL
 *  \return CPB_OK; CPB_UNSUPPORTED where the room is too small, and nothing is written;
 *          CPB_INVALID where the layout lacks a key, `at` is its position.
 *  O(segments + keys + holdings met). */
CPB_CHECKED cpb_status cpb_varlen_write(const cpb_packing *packing,
                                        const cpb_keys *keys,
                                        const cpb_varlen_room *room, cpb_index type,
                                        void *cu_q, void *cu_k, void *k_indices,
                                        cpb_error *error);

#ifdef __cplusplus
}
#endif

#endif
