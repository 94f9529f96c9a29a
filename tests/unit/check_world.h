// SPDX-License-Identifier: Apache-2.0
/* Random claims about random plans, true by brute force, to be changed and checked. */
#ifndef CPB_TESTING_CHECK_WORLD_H
#define CPB_TESTING_CHECK_WORLD_H

#include "dense_score.h"

enum { MOST_SLICES = 24, ANY_TOLERANCE = 1000000000 /* parts per million */ };

/* One random problem with a true claim about it. */
typedef struct fixture {
    cpb_mask *mask[DENSE_MASKS];
    int64_t weight[DENSE_MASKS];
    cpb_masks masks;
    cpb_setup setup;
    dense_plan plan;
    int32_t speeds[DENSE_RANKS];
    dense_score dense;
    uint64_t hash;
    cpb_claim claim;
} fixture;

static inline uint64_t hash_of(const dense_plan *plan, int32_t algorithm)
{
    uint64_t words[5 + DENSE_RANKS + 2 * DENSE_TOKENS];
    size_t n = 0;
    words[n++] = CPB_PLAN_VERSION;
    words[n++] = (uint64_t)algorithm;
    words[n++] = (uint64_t)plan->tokens;
    words[n++] = (uint64_t)plan->padding;
    words[n++] = (uint64_t)plan->ranks;
    for (int32_t r = 0; r < plan->ranks; r++) {
        words[n++] = (uint64_t)(plan->first[r + 1] - plan->first[r]);
        for (int64_t i = plan->first[r]; i < plan->first[r + 1]; i++) {
            words[n++] = (uint64_t)plan->runs[i].begin;
            words[n++] = (uint64_t)plan->runs[i].end;
        }
    }
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ words[i]) * UINT64_C(1099511628211);
        hash ^= hash >> 32;
    }
    return hash;
}

/* Mark the pairs of a slice; false, with nothing marked, if one is taken. */
static inline bool mark(uint8_t *taken, int64_t tokens, const cpb_slice *slice)
{
    for (int pass = 0; pass < 2; pass++)
        for (int64_t q = slice->queries.begin; q < slice->queries.end; q++)
            for (int64_t k = slice->keys.begin; k < slice->keys.end; k++)
                if (dense_slice_allows(slice, q, k)) {
                    if (pass == 0 && taken[q * tokens + k])
                        return false;
                    taken[q * tokens + k] = (uint8_t)pass;
                }
    return true;
}

/* Everybody sees every second key: more ranges of keys than any list starts with. */
static inline cpb_mask *comb_mask(int64_t tokens)
{
    cpb_slice slices[DENSE_TOKENS];
    size_t n = 0;
    for (int64_t k = 0; k < tokens; k += 2)
        slices[n++] = (cpb_slice){{0, tokens}, {k, k + 1}, CPB_FULL};
    cpb_mask *mask = NULL;
    assert_int_equal(cpb_mask_create(tokens, n, slices, 1, &tokens, NULL, &mask, NULL),
                     CPB_OK);
    return mask;
}

static inline cpb_mask *random_mask(uint64_t *seed, int64_t tokens)
{
    if (test_random(seed, 0, 19) == 0)
        return comb_mask(tokens);

    static uint8_t taken[DENSE_TOKENS * DENSE_TOKENS];
    cpb_slice slices[MOST_SLICES];
    int64_t lengths[8];
    size_t n = 0;
    memset(taken, 0, sizeof taken);
    for (int64_t tries = test_random(seed, 0, MOST_SLICES); tries > 0; tries--) {
        cpb_slice s = {.kind = (cpb_kind)test_random(seed, 0, 3)};
        s.queries.begin = test_random(seed, 0, tokens - 1);
        s.queries.end = test_random(seed, s.queries.begin + 1, tokens);
        s.keys.begin = test_random(seed, 0, tokens - 1);
        s.keys.end = test_random(seed, s.keys.begin + 1, tokens);
        if (mark(taken, tokens, &s))
            slices[n++] = s;
    }
    const size_t documents = test_lengths(seed, tokens, COUNT_OF(lengths), lengths);
    cpb_mask *mask = NULL;
    assert_int_equal(
        cpb_mask_create(tokens, n, slices, documents, lengths, NULL, &mask, NULL),
        CPB_OK);
    return mask;
}

/* Cut 0 .. n - 1 into random pieces and deal them at random, or into equal shards of
 * pieces in random order. */
static inline void random_plan(uint64_t *seed, bool equal, dense_plan *plan)
{
    const int64_t n = plan->tokens + plan->padding;
    int32_t owner[DENSE_TOKENS];
    int64_t room[DENSE_RANKS], count = 0;
    for (int32_t r = 0; r < plan->ranks; r++)
        room[r] = equal ? n / plan->ranks : n;
    const int64_t stay = test_random(seed, 0, 12);
    for (int64_t p = 0; p < n; p++) {
        owner[p] = p && test_random(seed, 0, stay)
                       ? owner[p - 1]
                       : (int32_t)test_random(seed, 0, plan->ranks - 1);
        while (room[owner[p]] == 0)
            owner[p] = (owner[p] + 1) % plan->ranks;
        room[owner[p]]--;
    }
    for (int32_t r = 0; r < plan->ranks; r++) {
        plan->first[r] = count;
        for (int64_t p = 0; p < n; p++)
            if (owner[p] == r && (p == 0 || owner[p - 1] != r))
                plan->runs[count++].begin = p;
        int64_t i = plan->first[r];
        for (int64_t p = 0; p < n; p++)
            if (owner[p] == r && (p == n - 1 || owner[p + 1] != r))
                plan->runs[i++].end = p + 1;
        /* Runs apart never continue each other, in whatever order. */
        for (i = count - 1; i > plan->first[r]; i--) {
            const int64_t j = test_random(seed, plan->first[r], i);
            const cpb_range swap = plan->runs[i];
            plan->runs[i] = plan->runs[j];
            plan->runs[j] = swap;
        }
    }
    plan->first[plan->ranks] = count;
}

static inline const int32_t *random_speeds(uint64_t *seed, int32_t *speeds)
{
    const int64_t fastest = test_random(seed, 0, 1) ? 3 : 1000;
    for (int32_t r = 0; r < DENSE_RANKS; r++)
        speeds[r] = (int32_t)test_random(seed, 1, fastest);
    return speeds;
}

static inline cpb_setup random_setup(uint64_t *seed, int32_t ranks)
{
    cpb_setup s = cpb_setup_default();
    s.kernel = (cpb_kernel)test_random(seed, 0, 2);
    s.transport = (cpb_transport)test_random(seed, 0, 2);
    s.cost = (cpb_cost)test_random(seed, 0, 2);
    s.overlap = (cpb_overlap)test_random(seed, 0, 2);
    s.backward = test_random(seed, 0, 1);
    s.nodes = (int32_t)test_random(seed, 0, ranks);
    if (s.nodes && ranks % s.nodes)
        s.nodes = ranks;
    s.model = (cpb_model){8, 2, 64, 2};
    cpb_profile *const p = &s.profile;
    p->model = (cpb_model){16, 4, 48, 2};
    p->tile_q = test_random(seed, 1, 9);
    p->tile_k = test_random(seed, 1, 9);
    int64_t *const prices[] = {
        &p->forward.full_tile,  &p->forward.partial_tile,
        &p->forward.q_tile,     &p->forward.kv_tile,
        &p->backward.full_tile, &p->backward.partial_tile,
        &p->backward.q_tile,    &p->backward.kv_tile,
        &p->received_key,       &p->token,
        &p->recurrent_token,    &p->recurrent_run,
        &p->phase_latency,      &p->peer_latency,
    };
    for (size_t i = 0; i < COUNT_OF(prices); i++)
        *prices[i] = test_random(seed, 0, 3) ? test_random(seed, 1, 5000) : 0;
    p->rows_at_once = test_random(seed, 0, 12);
    p->net_bytes_per_us = test_random(seed, 0, 3) * 100000;
    p->link_bytes_per_us = test_random(seed, 0, 3) * 100000;
    return s;
}

static inline void state_claim(fixture *f, cpb_sizes sizes)
{
    f->claim = (cpb_claim){
        .tokens = f->plan.tokens,
        .padding = f->plan.padding,
        .ranks = f->plan.ranks,
        .first = f->plan.first,
        .runs = f->plan.runs,
        .promise = {sizes, 16, 1, -1, CPB_ALGORITHM, ANY_TOLERANCE},
        .score = &f->dense.score,
        .pairs = f->dense.pairs,
        .loads = f->dense.loads,
        .hash = &f->hash,
    };
    f->hash = hash_of(&f->plan, CPB_ALGORITHM);
    dense_score_of(&f->dense, &f->plan, &f->masks, &f->setup);
}

static inline void set_up(fixture *f, uint64_t seed, int64_t most_tokens)
{
    uint64_t s = seed;
    const bool equal = test_random(&s, 0, 1);
    f->plan.tokens = test_random(&s, 1, most_tokens);
    f->plan.ranks = (int32_t)test_random(&s, 1, 7);
    f->plan.padding =
        equal ? (f->plan.ranks - f->plan.tokens % f->plan.ranks) % f->plan.ranks +
                    f->plan.ranks * test_random(&s, 0, 2)
              : 0;
    random_plan(&s, equal, &f->plan);
    f->setup = random_setup(&s, f->plan.ranks);
    if (test_random(&s, 0, 2) == 0)
        f->setup.speeds = random_speeds(&s, f->speeds);
    f->masks = (cpb_masks){(size_t)test_random(&s, 1, DENSE_MASKS),
                           (const cpb_mask *const *)f->mask, f->weight};
    for (size_t m = 0; m < f->masks.n; m++) {
        f->mask[m] = random_mask(&s, f->plan.tokens);
        f->weight[m] = test_random(&s, 1, 5);
    }
    state_claim(f, equal ? CPB_EQUAL : CPB_UNEVEN);
}

static inline void tear_down(fixture *f)
{
    for (size_t m = 0; m < f->masks.n; m++)
        cpb_mask_free(f->mask[m]);
}

static inline cpb_status check(const fixture *f, cpb_error *error)
{
    return cpb_check_plan(&f->claim, &f->masks, &f->setup, NULL, error);
}

static inline void assert_proved(const fixture *f, uint64_t seed)
{
    cpb_error error = {0};
    if (check(f, &error) != CPB_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, error.message);
}

static inline void assert_refuted(const fixture *f, const char *sentence)
{
    cpb_error error = {0};
    assert_int_equal(check(f, &error), CPB_REFUTED);
    assert_string_equal(error.message, sentence);
}

/* `name` is part of the sentence. */
static inline void assert_names(const fixture *f, const char *name)
{
    cpb_error error = {0};
    assert_int_equal(check(f, &error), CPB_REFUTED);
    if (!strstr(error.message, name))
        fail_msg("expected %s in: %s", name, error.message);
}

/* Eight tokens, causal, two ranks: 0 .. 3 and 4 .. 7. */
static inline void set_up_small(fixture *f)
{
    f->plan = (dense_plan){
        .tokens = 8, .ranks = 2, .first = {0, 1, 2}, .runs = {{0, 4}, {4, 8}}};
    f->setup = cpb_setup_default();
    f->masks = (cpb_masks){1, (const cpb_mask *const *)f->mask, NULL};
    assert_int_equal(
        cpb_mask_create_text("causal:8", 0, NULL, NULL, NULL, &f->mask[0], NULL),
        CPB_OK);
    state_claim(f, CPB_EQUAL);
}

#endif
