// SPDX-License-Identifier: Apache-2.0
/* Building exchanges: a sketch says who passes which keys to whom, sealing gives each
 * key its slots. */
#ifndef CPB_SRC_EXCHANGE_H
#define CPB_SRC_EXCHANGE_H

#include "cells.h"

#include <cpb/exchange.h>

struct cpb_exchange {
    cpb_arena memory; /* owns everything below, and the exchange itself */
    int32_t ranks;
    int32_t steps;
    cpb_transfer *received; /* sorted by (to, step, from, keys.begin) */
    cpb_transfer *sent;     /* the same, sorted by (from, step, to, keys.begin) */
    size_t *first_received; /* [ranks * steps + 1] of rank * steps + step */
    size_t *first_sent;     /* [ranks * steps + 1] */
    cpb_traffic *traffic;   /* [ranks] */
    uint64_t hash;
};

/* A growing list of transfers; starts as {.arena = ...}. */
typedef struct cpb_transfers {
    cpb_arena *arena;
    cpb_transfer *at;
    size_t n;
    size_t room;
} cpb_transfers;

/* Append; keys that continue those of the last transfer extend it where step, from and
 * to are the same and so are their slots, or neither has any (-1). */
cpb_status cpb_transfers_add(cpb_transfers *list, cpb_transfer transfer);

/* Sort by (to, step, from, keys.begin). O(n + ranks) and a radix sort per receiver. */
cpb_status cpb_transfers_sort(cpb_transfers *list, int32_t ranks, cpb_arena *scratch);

/* Who owns each token, and at which slot. */
typedef struct cpb_places {
    cpb_owners owners;
    int32_t *slot; /* [owners.n] of the run's first token */
} cpb_places;

cpb_status cpb_places_create(const cpb_plan *plan, cpb_arena *arena,
                             cpb_places *places);

/* Which keys the queries of a rank's runs need, sorted and disjoint, own ones too. */
typedef struct cpb_needer {
    cpb_status (*needs)(const void *context, const cpb_range *runs, size_t n_runs,
                        cpb_ranges *needs);
    const void *context;
} cpb_needer;

/* An exchange without slots: each rank is to receive every key that it needs and does
 * not own once, from a rank that owns it or has received it in an earlier step. */
typedef struct cpb_sketch {
    const cpb_plan *plan;
    const cpb_needer *needer;
    int32_t ranks;
    int32_t nodes;
    int32_t steps;
    cpb_arena *arena; /* of everything in the sketch */
    cpb_places places;
    cpb_transfers transfers; /* in any order; targets are -1, and sources where there
                                are several steps */
} cpb_sketch;

/* Append what ranks from first_rank on need. */
cpb_status cpb_sketch_wants(const cpb_sketch *sketch, int32_t first_rank,
                            int32_t n_ranks, cpb_wants *wants);

/* Append what is wanted of others, straight from the owners, in step 0, in the order of
 * the wants; sources are set where there is one step only. */
cpb_status cpb_sketch_lacks(const cpb_sketch *sketch, const cpb_wants *wants,
                            cpb_transfers *lacks);

/* Append a transfer without slots. */
cpb_status cpb_sketch_add(cpb_sketch *sketch, int32_t step, int32_t from, int32_t to,
                          cpb_range keys);

/* Append transfers of keys of a cell to every rank that lacks them but `from`. */
cpb_status cpb_sketch_spread(cpb_sketch *sketch, int32_t step, int32_t from,
                             const cpb_key_cell *cell, cpb_range keys);

/* Fill in the transfers of a form. */
typedef cpb_status cpb_form_fn(cpb_sketch *sketch);

cpb_form_fn cpb_form_flat, cpb_form_two_level, cpb_form_relay;

/* Lay out receive buffers, find sources, and make the exchange. */
cpb_status cpb_sketch_seal(cpb_sketch *sketch, cpb_exchange **exchange);

/* Make an exchange of finished transfers, sorted as cpb_transfers_sort() does.
 * `traffic` is [ranks] with shard and buffer filled in. */
cpb_status cpb_exchange_build(const cpb_transfers *transfers,
                              const cpb_traffic *traffic, int32_t ranks, int32_t steps,
                              const cpb_allocator *allocator, cpb_exchange **exchange);

#endif
