// SPDX-License-Identifier: Apache-2.0
/* Random plans and masks, and exchanges carried out on arrays of key ids. */
#ifndef CPB_TESTING_EXCHANGE_WORLD_H
#define CPB_TESTING_EXCHANGE_WORLD_H

#include "testing.h"

#include <string.h>

enum { ROOM = 512, MOST_RANKS = 9, MOST_DOCUMENTS = 12 };

static const cpb_promise any_promise = {
    .sizes = CPB_UNEVEN, .chunk = 1, .granularity = 1, .cap = -1, .algorithm = 1};

/* --- Inputs ----------------------------------------------------------------------- */

/* Runs of 1 .. longest positions, shuffled and dealt to ranks of random sizes. */
static inline cpb_plan *random_plan(uint64_t *seed, int64_t tokens, int32_t ranks,
                                    int64_t longest)
{
    cpb_range runs[ROOM];
    int64_t first[MOST_RANKS + 1];
    const int64_t padding = test_random(seed, 0, 3);
    test_deal_runs(seed, tokens + padding, longest, ranks, first, runs);
    cpb_plan *plan;
    assert_int_equal(cpb_plan_create_runs(tokens, padding, ranks, first, runs,
                                          &any_promise, NULL, &plan, NULL),
                     CPB_OK);
    return plan;
}

/* Rank 0 owns [0, 4), rank 1 [4, 8), in one causal document. */
static inline cpb_plan *two_halves(void)
{
    static const int64_t first[] = {0, 1, 2};
    static const cpb_range runs[] = {{0, 4}, {4, 8}};
    cpb_plan *plan;
    assert_int_equal(
        cpb_plan_create_runs(8, 0, 2, first, runs, &any_promise, NULL, &plan, NULL),
        CPB_OK);
    return plan;
}

static inline cpb_mask *text_mask(const char *text)
{
    cpb_mask *mask;
    assert_int_equal(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, NULL),
                     CPB_OK);
    return mask;
}

/* --- Carrying it out -------------------------------------------------------------- */

/* What lies at every slot of every rank: shard, then receive buffer. */
typedef struct world {
    int32_t ranks;
    int64_t shard[MOST_RANKS];
    int64_t slots[MOST_RANKS];
    int64_t at[MOST_RANKS][2 * ROOM]; /* -1: nothing yet */
} world;

static inline void start_world(world *w, const cpb_plan *plan,
                               const cpb_exchange *exchange)
{
    w->ranks = cpb_exchange_ranks(exchange);
    assert_int_equal(w->ranks, cpb_plan_ranks(plan));
    for (int32_t r = 0; r < w->ranks; r++) {
        const cpb_traffic traffic = cpb_exchange_traffic(exchange, r);
        int64_t slot = 0;
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            for (int64_t p = cpb_plan_runs(plan, r)[i].begin;
                 p < cpb_plan_runs(plan, r)[i].end; p++)
                w->at[r][slot++] = p;
        assert_int_equal(slot, traffic.shard);
        w->shard[r] = slot;
        w->slots[r] = slot + traffic.buffer;
        assert_true(w->slots[r] <= 2 * ROOM);
        for (; slot < w->slots[r]; slot++)
            w->at[r][slot] = -1;
    }
}

/* Everybody sends what it held before the step. */
static inline void run_step(world *w, const cpb_exchange *exchange, int32_t step)
{
    static world before;
    before = *w;
    for (int32_t r = 0; r < w->ranks; r++) {
        size_t n;
        const cpb_transfer *const list = cpb_exchange_received(exchange, r, step, &n);
        for (size_t i = 0; i < n; i++)
            for (int64_t k = 0; k < list[i].keys.end - list[i].keys.begin; k++) {
                const int64_t target = w->shard[r] + list[i].target + k;
                assert_true(target >= w->shard[r] && target < w->slots[r]);
                assert_int_equal(w->at[r][target], -1);
                w->at[r][target] = before.at[list[i].from][list[i].source + k];
                assert_int_equal(w->at[r][target], list[i].keys.begin + k);
            }
    }
}

static inline void run_all(world *w, const cpb_plan *plan, const cpb_exchange *exchange)
{
    start_world(w, plan, exchange);
    for (int32_t s = 0; s < cpb_exchange_steps(exchange); s++)
        run_step(w, exchange, s);
}

static inline bool owns(const cpb_plan *plan, int32_t rank, int64_t key)
{
    for (size_t i = 0; i < cpb_plan_n_runs(plan, rank); i++)
        if (key >= cpb_plan_runs(plan, rank)[i].begin &&
            key < cpb_plan_runs(plan, rank)[i].end)
            return true;
    return false;
}

/* --- Order of the lists ----------------------------------------------------------- */

static inline void assert_ascends(const int64_t *a, const int64_t *b, size_t n)
{
    size_t i = 0;
    while (i + 1 < n && a[i] == b[i])
        i++;
    assert_true(a[i] < b[i]);
}

static inline bool could_be_one(const cpb_transfer *a, const cpb_transfer *b)
{
    const int64_t length = a->keys.end - a->keys.begin;
    return a->step == b->step && a->from == b->from && a->to == b->to &&
           a->keys.end == b->keys.begin && a->source + length == b->source &&
           a->target + length == b->target;
}

static inline void assert_received_order(const cpb_exchange *exchange, int32_t rank,
                                         bool gaps)
{
    size_t n;
    const cpb_transfer *const list = cpb_exchange_received(exchange, rank, -1, &n);
    int64_t target = 0;
    for (size_t i = 0; i < n; i++) {
        const cpb_transfer *const t = &list[i];
        assert_int_equal(t->to, rank);
        assert_true(t->keys.begin < t->keys.end);
        if (!gaps)
            assert_int_equal(t->target, target);
        target += t->keys.end - t->keys.begin;
        if (i == 0)
            continue;
        const int64_t a[] = {t[-1].step, t[-1].from, t[-1].keys.begin};
        const int64_t b[] = {t->step, t->from, t->keys.begin};
        assert_ascends(a, b, COUNT_OF(a));
        assert_false(could_be_one(&t[-1], t));
    }
}

static inline bool is_among(const cpb_transfer *t, const cpb_transfer *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(t, &list[i], sizeof *t) == 0)
            return true;
    return false;
}

/* Returns how many there are. */
static inline size_t assert_sent_order(const cpb_exchange *exchange, int32_t rank)
{
    size_t n, all = 0, n_received;
    const cpb_transfer *const list = cpb_exchange_sent(exchange, rank, -1, &n);
    for (int32_t s = 0; s < cpb_exchange_steps(exchange); s++) {
        size_t n_step;
        assert_ptr_equal(cpb_exchange_sent(exchange, rank, s, &n_step), list + all);
        for (size_t i = all; i < all + n_step; i++)
            assert_int_equal(list[i].step, s);
        all += n_step;
    }
    assert_int_equal(all, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(list[i].from, rank);
        const cpb_transfer *const received =
            cpb_exchange_received(exchange, list[i].to, list[i].step, &n_received);
        assert_true(is_among(&list[i], received, n_received));
        if (i == 0)
            continue;
        const int64_t a[] = {list[i - 1].step, list[i - 1].to, list[i - 1].keys.begin};
        const int64_t b[] = {list[i].step, list[i].to, list[i].keys.begin};
        assert_ascends(a, b, COUNT_OF(a));
    }
    return n;
}

static inline void assert_lists(const cpb_exchange *exchange, bool gaps)
{
    size_t sent = 0, received = 0;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++) {
        size_t n;
        (void)cpb_exchange_received(exchange, r, -1, &n);
        received += n;
        assert_received_order(exchange, r, gaps);
        sent += assert_sent_order(exchange, r);
    }
    assert_int_equal(sent, received);
}

/* --- Memory ----------------------------------------------------------------------- */

typedef cpb_status attempt_fn(const cpb_plan *plan, const cpb_mask *mask,
                              const cpb_allocator *allocator, cpb_error *error);

static inline cpb_status kept(cpb_status status, cpb_exchange *exchange)
{
    assert_true((status == CPB_OK) == (exchange != NULL));
    cpb_exchange_free(exchange);
    return status;
}

/* Make the n-th allocation of every attempt fail, for every n until it succeeds. */
static inline void assert_allocations_may_fail(attempt_fn *const *attempts,
                                               size_t n_attempts)
{
    uint64_t seed = 15;
    cpb_mask *const mask = text_mask("documents:200,40,16");
    cpb_plan *const plan = random_plan(&seed, 256, 6, 4);
    for (size_t i = 0; i < n_attempts; i++) {
        cpb_status status = CPB_NO_MEMORY;
        for (int64_t n = 0; status != CPB_OK; n++) {
            test_ration ration = {.left = n};
            const cpb_allocator allocator = test_ration_allocator(&ration);
            cpb_error error;
            status = attempts[i](plan, mask, &allocator, &error);
            assert_int_equal(ration.out, 0);
            assert_true(status == CPB_OK || status == CPB_NO_MEMORY);
            if (status == CPB_NO_MEMORY)
                assert_string_equal(error.message, "out of memory");
            assert_true(n < 1000);
        }
    }
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

#endif
