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
    const cpb_plan *plan;
    const cpb_mask *mask; /**< of as many tokens as the plan */
    const cpb_keys *keys; /**< holds every key that the rank's queries need */
    int32_t rank;
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

#ifdef __cplusplus
}
#endif

#endif
