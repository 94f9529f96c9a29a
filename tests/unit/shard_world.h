// SPDX-License-Identifier: Apache-2.0
/* Shards of random plans and masks under every key layout, with a dense picture of what
 * their queries may attend to. */
#ifndef CPB_TESTING_SHARD_WORLD_H
#define CPB_TESTING_SHARD_WORLD_H

#include "exchange_world.h"

/* One shard, and the same pair by pair. */
typedef struct shard_case {
    cpb_shard shard;
    int64_t q_slots;
    int64_t k_slots;
    int64_t query_at[ROOM];           /* position of each query slot, pads too */
    int64_t key_at[2 * ROOM];         /* position of each key slot, -1 for pads */
    uint8_t allowed[2 * ROOM * ROOM]; /* [q_slots][k_slots] */
} shard_case;

typedef void shard_fn(const shard_case *c);

static inline cpb_keys *layout(const cpb_plan *plan, const cpb_exchange *exchange,
                               int32_t rank, cpb_key_order order)
{
    cpb_keys *keys;
    assert_int_equal(cpb_keys_create(plan, exchange, rank, order, NULL, &keys, NULL),
                     CPB_OK);
    return keys;
}

static inline int64_t list_shard(const cpb_plan *plan, int32_t rank, int64_t *at)
{
    int64_t n = 0;
    for (size_t i = 0; i < cpb_plan_n_runs(plan, rank); i++)
        for (int64_t p = cpb_plan_runs(plan, rank)[i].begin;
             p < cpb_plan_runs(plan, rank)[i].end; p++)
            at[n++] = p;
    return n;
}

static inline int by_position(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Where keys lie, by carrying the exchange out; pads are -1. */
static inline void list_keys(shard_case *c, const cpb_exchange *exchange,
                             cpb_key_order order)
{
    const cpb_plan *const plan = c->shard.plan;
    const int64_t tokens = cpb_plan_tokens(plan);
    int64_t n = 0, kept = 0;
    if (exchange) {
        static world w;
        run_all(&w, plan, exchange);
        n = w.slots[c->shard.rank];
        memcpy(c->key_at, w.at[c->shard.rank], (size_t)n * sizeof *c->key_at);
    } else {
        for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
            n += list_shard(plan, r, c->key_at + n);
    }
    if (order == CPB_ASCENDING)
        qsort(c->key_at, (size_t)n, sizeof *c->key_at, by_position);
    for (int64_t i = 0; i < n; i++) {
        const bool pad = c->key_at[i] >= tokens;
        if (!(pad && exchange && order == CPB_ASCENDING))
            c->key_at[kept++] = pad ? -1 : c->key_at[i];
    }
    c->k_slots = kept;
}

static inline void paint(shard_case *c)
{
    const int64_t tokens = cpb_mask_tokens(c->shard.mask);
    for (int64_t q = 0; q < c->q_slots; q++)
        for (int64_t k = 0; k < c->k_slots; k++)
            c->allowed[q * c->k_slots + k] =
                c->query_at[q] < tokens && c->key_at[k] >= 0 &&
                cpb_mask_allows(c->shard.mask, c->query_at[q], c->key_at[k]);
}

/* Every rank and layout of one plan and mask. */
static inline void visit_layouts(const cpb_plan *plan, const cpb_mask *mask,
                                 shard_fn *visit)
{
    static shard_case c;
    const int32_t ranks = cpb_plan_ranks(plan);
    for (int form = -1; form <= CPB_RELAY; form++) {
        const cpb_exchange_options options = {
            .form = form < 0 ? CPB_FLAT : (cpb_form)form,
            .nodes = form == CPB_TWO_LEVEL ? (ranks % 2 ? 1 : 2) : 0};
        cpb_exchange *exchange = NULL;
        if (form >= 0)
            assert_int_equal(
                cpb_exchange_create(plan, mask, &options, NULL, &exchange, NULL),
                CPB_OK);
        for (int32_t rank = 0; rank < ranks; rank++)
            for (int order = CPB_AS_ARRIVED; order <= CPB_ASCENDING; order++) {
                cpb_keys *const keys =
                    layout(plan, exchange, rank, (cpb_key_order)order);
                c.shard = (cpb_shard){plan, mask, keys, rank};
                c.q_slots = list_shard(plan, rank, c.query_at);
                list_keys(&c, exchange, (cpb_key_order)order);
                paint(&c);
                visit(&c);
                cpb_keys_free(keys);
            }
        cpb_exchange_free(exchange);
    }
}

/* The mask of a random dense matrix; rows of neighbours are often alike, so that slices
 * of some size come about. */
static inline cpb_mask *dense_mask(uint64_t *seed, int64_t tokens)
{
    static uint8_t allowed[ROOM * ROOM];
    const int64_t density = test_random(seed, 0, 9), change = test_random(seed, 0, 9);
    int64_t lengths[MOST_DOCUMENTS];
    const size_t n = test_lengths(seed, tokens, MOST_DOCUMENTS, lengths);
    for (int64_t q = 0; q < tokens; q++)
        for (int64_t k = 0; k < tokens; k++)
            allowed[q * tokens + k] = q && test_random(seed, 0, 9) >= change
                                          ? allowed[(q - 1) * tokens + k]
                                          : test_random(seed, 0, 9) < density;
    cpb_mask *mask;
    assert_int_equal(
        cpb_mask_create_dense(tokens, allowed, n, lengths, NULL, &mask, NULL), CPB_OK);
    return mask;
}

static inline void visit_shards_of(uint64_t *seed, const cpb_mask *mask,
                                   shard_fn *visit)
{
    for (int round = 0; round < 3; round++) {
        const int32_t ranks = (int32_t)test_random(seed, 1, 4);
        cpb_plan *const plan = random_plan(seed, cpb_mask_tokens(mask), ranks,
                                           round ? 15 * round * round : 3);
        visit_layouts(plan, mask, visit);
        cpb_plan_free(plan);
    }
}

/* Every family and random dense masks, under random plans. */
static inline void visit_shards(uint64_t seed, shard_fn *visit)
{
    for (size_t i = 0; cpb_mask_family_example(i); i++) {
        cpb_mask *const mask = text_mask(cpb_mask_family_example(i));
        if (cpb_mask_tokens(mask) < ROOM / 3)
            visit_shards_of(&seed, mask, visit);
        cpb_mask_free(mask);
    }
    for (int round = 0; round < 60; round++) {
        cpb_mask *const mask = dense_mask(&seed, test_random(&seed, 1, 40));
        visit_shards_of(&seed, mask, visit);
        cpb_mask_free(mask);
    }
}

#endif
