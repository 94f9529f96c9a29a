// SPDX-License-Identifier: Apache-2.0
/* Every balancer and every form of an exchange, for masks of all kinds. */
#ifndef CPB_TESTING_EXCHANGE_VISITS_H
#define CPB_TESTING_EXCHANGE_VISITS_H

#include "exchange_world.h"

static inline cpb_mask *random_mask(uint64_t *seed)
{
    static uint8_t allowed[ROOM * ROOM];
    const int64_t tokens = test_random(seed, 1, 40), density = test_random(seed, 0, 9);
    int64_t lengths[MOST_DOCUMENTS];
    const size_t n = test_lengths(seed, tokens, MOST_DOCUMENTS, lengths);
    for (int64_t i = 0; i < tokens * tokens; i++)
        allowed[i] = test_random(seed, 0, 9) < density;
    cpb_mask *mask;
    assert_int_equal(
        cpb_mask_create_dense(tokens, allowed, n, lengths, NULL, &mask, NULL), CPB_OK);
    return mask;
}

/* The plan of the i-th balancer, NULL where it refuses. */
static inline cpb_plan *balanced_plan(const cpb_mask *mask, size_t i, int32_t ranks,
                                      int64_t chunk)
{
    cpb_options options = cpb_options_default();
    const cpb_masks masks = {.n = 1, .mask = &mask};
    cpb_plan *plan;
    options.ranks = ranks;
    options.balancer = cpb_balancer_name(i);
    options.chunk = chunk;
    return cpb_plan_create(&masks, &options, &plan, NULL) == CPB_OK ? plan : NULL;
}

typedef void visit_fn(const cpb_plan *plan, const cpb_mask *mask, void *context);

/* Every balancer and random plans, for every family and random dense masks. */
static inline void visit_plans(uint64_t *seed, const cpb_mask *mask, visit_fn *visit,
                               void *context)
{
    const int32_t ranks = (int32_t)test_random(seed, 1, MOST_RANKS);
    const int64_t chunk = test_random(seed, 1, 8);
    for (size_t i = 0; cpb_balancer_name(i); i++) {
        cpb_plan *const plan = balanced_plan(mask, i, ranks, chunk);
        if (plan)
            visit(plan, mask, context);
        cpb_plan_free(plan);
    }
    for (int round = 0; round < 3; round++) {
        cpb_plan *const plan = random_plan(seed, cpb_mask_tokens(mask), ranks,
                                           round ? 7 * round * round : 2);
        visit(plan, mask, context);
        cpb_plan_free(plan);
    }
}

static inline void visit_all(uint64_t seed, visit_fn *visit, void *context)
{
    for (size_t i = 0; cpb_mask_family_example(i); i++)
        for (int round = 0; round < 4; round++) {
            cpb_mask *const mask = text_mask(cpb_mask_family_example(i));
            if (cpb_mask_tokens(mask) < ROOM - MOST_RANKS)
                visit_plans(&seed, mask, visit, context);
            cpb_mask_free(mask);
        }
    for (int round = 0; round < 60; round++) {
        cpb_mask *const mask = random_mask(&seed);
        visit_plans(&seed, mask, visit, context);
        cpb_mask_free(mask);
    }
}

static inline cpb_exchange *exchange_of(const cpb_plan *plan, const cpb_mask *mask,
                                        cpb_form form, int32_t nodes)
{
    const cpb_exchange_options options = {.form = form, .nodes = nodes};
    cpb_exchange *exchange;
    assert_int_equal(cpb_exchange_create(plan, mask, &options, NULL, &exchange, NULL),
                     CPB_OK);
    return exchange;
}

static inline bool needs(const cpb_plan *plan, const cpb_mask *mask, int32_t rank,
                         int64_t key)
{
    for (size_t i = 0; i < cpb_plan_n_runs(plan, rank); i++)
        for (int64_t q = cpb_plan_runs(plan, rank)[i].begin;
             q < cpb_plan_runs(plan, rank)[i].end && q < cpb_mask_tokens(mask); q++)
            if (cpb_mask_allows(mask, q, key))
                return true;
    return false;
}

typedef void exchange_fn(const cpb_plan *plan, const cpb_mask *mask,
                         const cpb_exchange *exchange);

/* Flat, relay, and two-level on every number of nodes that divides the ranks. */
static inline void visit_forms(const cpb_plan *plan, const cpb_mask *mask,
                               void *context)
{
    exchange_fn *const *const visit = context;
    for (int32_t nodes = 0; nodes <= cpb_plan_ranks(plan); nodes++) {
        if (nodes && cpb_plan_ranks(plan) % nodes)
            continue;
        cpb_exchange *const exchange =
            exchange_of(plan, mask, nodes ? CPB_TWO_LEVEL : CPB_FLAT, nodes);
        (*visit)(plan, mask, exchange);
        cpb_exchange_free(exchange);
    }
    cpb_exchange *const relay = exchange_of(plan, mask, CPB_RELAY, 0);
    (*visit)(plan, mask, relay);
    cpb_exchange_free(relay);
}

static inline void visit_exchanges(uint64_t seed, exchange_fn *visit)
{
    visit_all(seed, visit_forms, &visit);
}

static inline int64_t receive_max(const cpb_exchange *exchange)
{
    int64_t most = 0;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++) {
        const int64_t receive = cpb_exchange_traffic(exchange, r).receive;
        most = receive > most ? receive : most;
    }
    return most;
}

/* Counted in pairs. `matrix` is NULL or of ranks * ranks. */
static inline void score_of(const cpb_plan *plan, const cpb_mask *mask, int32_t nodes,
                            cpb_score *score, int64_t *matrix)
{
    const cpb_masks masks = {.n = 1, .mask = &mask};
    cpb_setup setup = cpb_setup_default();
    setup.cost = CPB_PAIRS;
    setup.nodes = nodes;
    assert_int_equal(
        cpb_score_plan(plan, &masks, &setup, NULL, score, NULL, matrix, NULL), CPB_OK);
}

#endif
