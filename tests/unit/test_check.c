// SPDX-License-Identifier: Apache-2.0
/* Proofs: true claims pass, and every single lie is found. */
#include "dense_score.h"

#include <math.h>
#include <stdio.h>

enum { MOST_SLICES = 24, ROUNDS = 1500 };

enum { ANY_TOLERANCE = 1000000000 }; /* parts per million */

static const char *const counted_names[] = {
    "load_max",     "tiles",      "tiles_added", "receive_total", "receive_max",
    "send_max",     "pair_max",   "net_in_max",  "net_out_max",   "runs_max",
    "segments_max", "memory_max", "step_time",
};

static int64_t *counted_figure(cpb_score *score, size_t i)
{
    int64_t *const figures[] = {
        &score->load_max,      &score->tiles,        &score->tiles_added,
        &score->receive_total, &score->receive_max,  &score->send_max,
        &score->pair_max,      &score->net_in_max,   &score->net_out_max,
        &score->runs_max,      &score->segments_max, &score->memory_max,
        &score->step_time,
    };
    return figures[i];
}

static const char *const ratio_names[] = {"load_mean", "imbalance", "gap", "own_work"};

static double *ratio_figure(cpb_score *score, size_t i)
{
    double *const figures[] = {&score->load_mean, &score->imbalance, &score->gap,
                               &score->own_work};
    return figures[i];
}

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

static uint64_t hash_of(const dense_plan *plan, int32_t algorithm)
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
static bool mark(uint8_t *taken, int64_t tokens, const cpb_slice *slice)
{
    for (int pass = 0; pass < 2; pass++)
        for (int64_t q = slice->queries.begin; q < slice->queries.end; q++)
            for (int64_t k = slice->keys.begin; k < slice->keys.end; k++)
                if (dense_slice_allows(slice, q, k)) {
                    if (pass == 0 && taken[q * tokens + k])
                        return false;
                    taken[q * tokens + k] = 1;
                    if (pass == 0)
                        taken[q * tokens + k] = 0;
                }
    return true;
}

/* Everybody sees every second key: more ranges of keys than any list starts with. */
static cpb_mask *comb_mask(int64_t tokens)
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

static cpb_mask *random_mask(uint64_t *seed, int64_t tokens)
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
static void random_plan(uint64_t *seed, bool equal, dense_plan *plan)
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

static const int32_t *random_speeds(uint64_t *seed, int32_t *speeds)
{
    const int64_t fastest = test_random(seed, 0, 1) ? 3 : 1000;
    for (int32_t r = 0; r < DENSE_RANKS; r++)
        speeds[r] = (int32_t)test_random(seed, 1, fastest);
    return speeds;
}

static cpb_setup random_setup(uint64_t *seed, int32_t ranks)
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

static void state_claim(fixture *f, cpb_sizes sizes)
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

static void set_up(fixture *f, uint64_t seed, int64_t most_tokens)
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

static void tear_down(fixture *f)
{
    for (size_t m = 0; m < f->masks.n; m++)
        cpb_mask_free(f->mask[m]);
}

static cpb_status check(const fixture *f, cpb_error *error)
{
    return cpb_check_plan(&f->claim, &f->masks, &f->setup, NULL, error);
}

static void assert_proved(const fixture *f, uint64_t seed)
{
    cpb_error error = {0};
    if (check(f, &error) != CPB_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, error.message);
}

static void assert_refuted(const fixture *f, const char *sentence)
{
    cpb_error error = {0};
    assert_int_equal(check(f, &error), CPB_REFUTED);
    assert_string_equal(error.message, sentence);
}

static void the_recount_agrees_with_a_dense_matrix(void **state)
{
    static fixture f;
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        set_up(&f, seed, seed % 10 ? 48 : 290);
        assert_proved(&f, seed);
        tear_down(&f);
    }
}

/* `name` is part of the sentence. */
static void assert_names(const fixture *f, const char *name)
{
    cpb_error error = {0};
    assert_int_equal(check(f, &error), CPB_REFUTED);
    if (!strstr(error.message, name))
        fail_msg("expected %s in: %s", name, error.message);
}

static void lie_about_figures(fixture *f)
{
    static const int64_t steps[] = {-1, 1, -(INT64_C(1) << 32), INT64_C(1) << 32};
    cpb_score score = f->dense.score;
    f->claim.score = &score;
    for (size_t s = 0; s < COUNT_OF(steps); s++)
        for (size_t i = 0; i < COUNT_OF(counted_names); i++) {
            *counted_figure(&score, i) += steps[s];
            assert_names(f, counted_names[i]);
            *counted_figure(&score, i) -= steps[s];
        }
    for (int32_t step = -1; step <= 1; step += 2) {
        for (size_t i = 0; i < COUNT_OF(ratio_names); i++) {
            const double was = *ratio_figure(&score, i);
            *ratio_figure(&score, i) = was + step * 1e-3 * (1 + fabs(was));
            assert_names(f, ratio_names[i]);
            *ratio_figure(&score, i) = (double)NAN;
            assert_names(f, ratio_names[i]);
            *ratio_figure(&score, i) = (double)INFINITY;
            assert_names(f, ratio_names[i]);
            *ratio_figure(&score, i) = was;
        }
        score.peers_max += step;
        assert_names(f, "peers_max");
        score.peers_max -= step;
    }
    int64_t *const bounds[] = {&score.load_bound, &score.receive_bound,
                               &score.receive_max_bound};
    const int64_t reached[] = {score.load_max, score.receive_total, score.receive_max};
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        const int64_t was = *bounds[i];
        *bounds[i] = reached[i] + 1;
        assert_names(f, "_bound is stated as");
        *bounds[i] = -1;
        assert_names(f, "_bound is stated as -1, but is never negative");
        *bounds[i] = was;
    }
    f->claim.score = &f->dense.score;
}

static void lie_about_pairs_and_hash(fixture *f)
{
    for (int32_t r = 0; r < f->plan.ranks; r++)
        for (int64_t step = -1; step <= 1; step += 2) {
            f->dense.pairs[r] += step;
            assert_names(f, "pairs, a recount gives");
            f->dense.pairs[r] -= step;
            f->dense.loads[r] += step;
            assert_names(f, "states a load of");
            f->dense.loads[r] -= step;
        }
    for (int bit = 0; bit < 64; bit++) {
        f->hash ^= UINT64_C(1) << bit;
        assert_names(f, "the hash is stated as");
        f->hash ^= UINT64_C(1) << bit;
    }
}

static void assert_rejected(const fixture *f)
{
    const cpb_status status = check(f, NULL);
    assert_true(status == CPB_REFUTED || status == CPB_INVALID);
}

static void lie_about_runs(fixture *f)
{
    dense_plan *const plan = &f->plan;
    const int64_t n = plan->first[plan->ranks];
    for (int64_t i = 0; i < n; i++) {
        int64_t *const ends[] = {&plan->runs[i].begin, &plan->runs[i].end};
        for (size_t e = 0; e < 2; e++)
            for (int64_t step = -1; step <= 1; step += 2) {
                *ends[e] += step;
                assert_rejected(f);
                *ends[e] -= step;
            }
        const int64_t j = (i + 1) % n;
        const cpb_range swap = plan->runs[i];
        plan->runs[i] = plan->runs[j];
        plan->runs[j] = swap;
        if (i != j)
            assert_rejected(f);
        plan->runs[j] = plan->runs[i];
        plan->runs[i] = swap;
    }
    for (int32_t r = 0; r <= plan->ranks; r++)
        for (int64_t step = -1; step <= 1; step += 2) {
            if (r == plan->ranks && step > 0)
                continue; /* would promise more runs than there are */
            plan->first[r] += step;
            assert_rejected(f);
            plan->first[r] -= step;
        }
}

static void lie_about_sizes(fixture *f)
{
    int64_t *const numbers[] = {&f->claim.tokens, &f->claim.padding};
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        for (int64_t step = -1; step <= 1; step += 2) {
            *numbers[i] += step;
            assert_rejected(f);
            *numbers[i] -= step;
        }
    f->claim.padding++;
    f->claim.tokens--;
    assert_rejected(f);
    f->claim.padding--;
    f->claim.tokens++;
    f->claim.promise.algorithm++;
    assert_rejected(f);
    f->claim.promise.algorithm--;
}

static void every_single_lie_is_found(void **state)
{
    static fixture f;
    (void)state;
    for (uint64_t seed = 5000; seed < 5040; seed++) {
        set_up(&f, seed, 40);
        lie_about_figures(&f);
        lie_about_pairs_and_hash(&f);
        lie_about_runs(&f);
        lie_about_sizes(&f);
        assert_proved(&f, seed);
        tear_down(&f);
    }
}

/* Eight tokens, causal, two ranks: 0 .. 3 and 4 .. 7. */
static void set_up_small(fixture *f)
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

static void counterexamples_are_named(void **state)
{
    static fixture f;
    (void)state;
    set_up_small(&f);
    assert_proved(&f, 0);

    f.plan.runs[1] = (cpb_range){3, 8};
    assert_refuted(&f, "position 3 is held twice, by rank 0 and by rank 1");
    f.plan.runs[1] = (cpb_range){5, 8};
    assert_refuted(&f, "position 4 is held by no rank");
    f.plan.runs[1] = (cpb_range){4, 4};
    assert_refuted(&f, "run 0 of rank 1 is 4 .. 4, but runs are not empty and lie "
                       "inside 0 .. 8");
    f.plan.runs[1] = (cpb_range){4, 8};
    f.plan.first[1] = 2;
    assert_refuted(&f, "runs 0 and 1 of rank 0 continue each other at position 4 and "
                       "must be one");
    f.plan.first[1] = 0;
    f.plan.runs[0] = (cpb_range){4, 8};
    f.plan.runs[1] = (cpb_range){0, 4};
    assert_refuted(&f, "rank 0 holds 0 positions, but equal sizes give it 4");
    f.plan.first[1] = 1;
    f.plan.runs[0] = (cpb_range){0, 4};
    f.plan.runs[1] = (cpb_range){4, 8};

    f.claim.promise.cap = 3;
    assert_refuted(&f, "rank 0 holds 4 positions, more than the cap of 3");
    f.claim.promise.cap = -1;
    f.claim.promise.granularity = 16;
    assert_refuted(&f, "chunk 0 of 16 tokens is split at position 4 between rank 0 and "
                       "rank 1");
    f.claim.promise.granularity = 1;

    f.dense.pairs[1] = 25;
    assert_refuted(&f, "rank 1 states 25 pairs, a recount gives 26");
    f.dense.pairs[1] = 26;
    f.dense.score.send_max = 3;
    assert_refuted(&f, "send_max is stated as 3, a recount gives 4");
    f.dense.score.send_max = 4;
    f.dense.score.receive_bound = 5;
    assert_refuted(&f, "receive_bound is stated as 5, but a recount gives a "
                       "receive_total of only 4");
    f.claim.promise.tolerance_ppm = 0; /* then its bounds are for other plans */
    assert_proved(&f, 0);
    f.claim.promise.tolerance_ppm = ANY_TOLERANCE;
    f.dense.score.receive_bound = 4;
    assert_proved(&f, 0);
    tear_down(&f);
}

/* A claim about runs alone. */
static void assert_sentence(const cpb_claim *claim, const char *sentence)
{
    cpb_error error = {0};
    assert_int_equal(cpb_check_plan(claim, NULL, NULL, NULL, &error), CPB_REFUTED);
    assert_string_equal(error.message, sentence);
}

static void numbers_outside_their_limits_are_named(void **state)
{
    (void)state;
    const int64_t first[] = {0, 1};
    const cpb_range all = {0, CPB_MAX_TOKENS};
    const cpb_claim most = {
        .tokens = CPB_MAX_TOKENS,
        .ranks = 1,
        .first = first,
        .runs = &all,
        .promise = {CPB_EQUAL, 1, 1, CPB_MAX_TOKENS, CPB_ALGORITHM, 0}};
    assert_int_equal(cpb_check_plan(&most, NULL, NULL, NULL, NULL), CPB_OK);

    cpb_claim claim = most;
    claim.tokens = 4;
    claim.padding = CPB_MAX_TOKENS - 4;
    assert_int_equal(cpb_check_plan(&claim, NULL, NULL, NULL, NULL), CPB_OK);
    claim.padding++;
    assert_sentence(&claim,
                    "a padding of 1073741821 is stated, but 4 tokens leave room "
                    "for 0 .. 1073741820");
    claim.padding = -1;
    assert_sentence(&claim,
                    "a padding of -1 is stated, but 4 tokens leave room for 0 .. "
                    "1073741820");
    claim = most;
    claim.tokens++;
    assert_sentence(&claim,
                    "1073741825 tokens are stated, but a plan has 1 .. 1073741824");
    claim.tokens = 0;
    assert_sentence(&claim, "0 tokens are stated, but a plan has 1 .. 1073741824");
    claim = most;
    claim.ranks = 0;
    assert_sentence(&claim, "0 ranks are stated, but a plan has 1 .. 65536");
    claim.ranks = CPB_MAX_RANKS + 1;
    assert_sentence(&claim, "65537 ranks are stated, but a plan has 1 .. 65536");
    claim = most;
    claim.promise.cap--;
    assert_sentence(&claim, "rank 0 holds 1073741824 positions, more than the cap of "
                            "1073741823");
    claim.promise.cap = 0;
    assert_sentence(&claim,
                    "rank 0 holds 1073741824 positions, more than the cap of 0");
    claim.promise.cap = -2;
    assert_sentence(&claim,
                    "a cap of -2 is stated, but it is at least 0, or -1 for none");
    claim = most;
    claim.promise.chunk = 0;
    assert_sentence(&claim, "a chunk of 0 tokens is stated, but it holds at least 1");
    claim.promise.chunk = 8;
    claim.promise.granularity = 2;
    assert_sentence(&claim,
                    "a granularity of 2 is stated, but it is 1 or the chunk, 8");
}

static void broken_lists_of_runs_are_named(void **state)
{
    (void)state;
    int64_t first[] = {0, 1, 2};
    cpb_range runs[] = {{0, 4}, {4, 8}};
    cpb_claim claim = {.tokens = 6,
                       .padding = 2,
                       .ranks = 2,
                       .first = first,
                       .runs = runs,
                       .promise = {CPB_EQUAL, 1, 1, -1, CPB_ALGORITHM, 0}};
    assert_int_equal(cpb_check_plan(&claim, NULL, NULL, NULL, NULL), CPB_OK);
    first[0] = 1;
    assert_sentence(&claim, "the runs of rank 0 start at number 1, not at 0");
    first[0] = 0;
    first[1] = 3;
    assert_sentence(&claim,
                    "the runs of rank 1 end at number 2, before they start at 3");
    first[1] = 9;
    assert_sentence(&claim,
                    "the runs of rank 0 end at number 9, but 8 positions make at "
                    "most as many runs");
    first[1] = 1;
    runs[0].begin = -1;
    assert_sentence(&claim,
                    "run 0 of rank 0 is -1 .. 4, but runs are not empty and lie "
                    "inside 0 .. 8");
    runs[0].begin = 0;
    runs[1].end = 9;
    assert_sentence(&claim, "run 0 of rank 1 is 4 .. 9, but runs are not empty and lie "
                            "inside 0 .. 8");
    runs[1].end = 7;
    assert_sentence(&claim, "position 7 is held by no rank");
    runs[1].end = 8;
    claim.promise.sizes = CPB_UNEVEN;
    assert_sentence(&claim,
                    "uneven sizes are stated with a padding of 2, but have none");
    claim.promise.sizes = CPB_EQUAL;
    claim.padding = 1;
    runs[1].end = 7;
    assert_sentence(&claim,
                    "equal sizes are stated, but 2 ranks do not divide 7 positions");
}

static void a_mask_of_other_tokens_is_invalid(void **state)
{
    static fixture f;
    cpb_error error;
    (void)state;
    set_up_small(&f);
    f.claim.tokens = 9;
    assert_int_equal(check(&f, &error), CPB_INVALID);
    assert_string_equal(error.message, "mask 0 has 8 tokens, but the plan has 9");
    assert_int_equal(cpb_check_plan(&f.claim, NULL, NULL, NULL, &error), CPB_REFUTED);
    tear_down(&f);
}

static void each_kind_of_statement_is_checked_alone(void **state)
{
    static fixture f;
    (void)state;
    set_up_small(&f);
    const cpb_claim all = f.claim;
    f.claim.score = NULL;
    f.claim.pairs = NULL;
    f.claim.hash = NULL;
    assert_proved(&f, 0);
    f.dense.loads[1]++;
    assert_names(&f, "rank 1 states a load of");
    f.dense.loads[1]--;

    f.claim.loads = NULL;
    assert_proved(&f, 0);
    f.claim.score = all.score;
    assert_proved(&f, 0);
    f.dense.score.runs_max = 2;
    assert_refuted(&f, "runs_max is stated as 2, a recount gives 1");
    f.claim.score = NULL;
    assert_proved(&f, 0);
    f.claim.pairs = all.pairs;
    assert_proved(&f, 0);
    f.dense.pairs[0]++;
    assert_names(&f, "rank 0 states 11 pairs");
    tear_down(&f);
}

/* No finite number is its quotient, whatever is stated. */
static void a_load_bound_of_zero_leaves_no_gap(void **state)
{
    static fixture f;
    (void)state;
    set_up_small(&f);
    f.dense.score.load_bound = 0;
    f.dense.score.gap = 1;
    assert_names(&f, "gap is stated as 1");
    f.dense.score.gap = (double)INFINITY;
    assert_names(&f, "gap is stated as");
    f.dense.score.gap = 0;
    assert_proved(&f, 0);
    tear_down(&f);
}

static void sums_that_leave_64_bits_are_too_large(void **state)
{
    static fixture f;
    cpb_error error;
    (void)state;
    set_up_small(&f);
    f.weight[0] = INT64_MAX / 2;
    f.masks.weight = f.weight;
    assert_int_equal(check(&f, &error), CPB_TOO_LARGE);
    tear_down(&f);
}

static int64_t hostile_number(uint64_t *seed)
{
    static const int64_t numbers[] = {
        INT64_MIN,          INT64_MIN + 1, -1,       0, 1, 2, 7, CPB_MAX_TOKENS,
        CPB_MAX_TOKENS + 1, INT64_MAX - 1, INT64_MAX};
    return test_random(seed, 0, 2) ? test_random(seed, -2, 50)
                                   : numbers[test_random(seed, 0, 10)];
}

static void break_something(uint64_t *s, fixture *f, cpb_score *score)
{
    cpb_claim *const claim = &f->claim;
    int64_t *const numbers[] = {
        &claim->tokens,
        &claim->padding,
        &claim->promise.chunk,
        &claim->promise.granularity,
        &claim->promise.cap,
        &f->dense.pairs[test_random(s, 0, claim->ranks - 1)],
        counted_figure(score, (size_t)test_random(s, 0, 12)),
        &score->load_bound,
        &f->plan.runs[test_random(s, 0, f->plan.first[f->plan.ranks] - 1)].begin,
        &f->plan.runs[test_random(s, 0, f->plan.first[f->plan.ranks] - 1)].end,
        &f->plan.first[test_random(s, 0, claim->ranks - 1)],
    };
    *numbers[test_random(s, 0, (int64_t)COUNT_OF(numbers) - 1)] = hostile_number(s);
}

static void absurd_claims_never_crash(void **state)
{
    static fixture f;
    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        uint64_t s = seed;
        set_up(&f, seed % 50, 30);
        cpb_score score = f.dense.score;
        f.claim.score = &score;
        for (int64_t n = test_random(&s, 1, 4); n > 0; n--)
            break_something(&s, &f, &score);
        cpb_error error = {0};
        if (check(&f, &error) != CPB_OK)
            assert_true(strlen(error.message) > 0);
        (void)!cpb_check_plan(&f.claim, NULL, NULL, NULL, NULL);
        tear_down(&f);
    }
    cpb_claim claim = {.tokens = 4, .ranks = INT32_MIN, .promise = {.chunk = 1}};
    assert_int_equal(cpb_check_plan(&claim, NULL, NULL, NULL, NULL), CPB_REFUTED);
    claim.ranks = INT32_MAX;
    assert_int_equal(cpb_check_plan(&claim, NULL, NULL, NULL, NULL), CPB_REFUTED);
}

/* So many that no two arrays share a block of memory. */
static void fail_allocations_of_many_runs(void)
{
    enum { RUNS = 2000 };
    static cpb_range runs[RUNS];
    const int64_t first[] = {0, RUNS / 2, RUNS};
    for (int64_t i = 0; i < RUNS; i++) {
        const int64_t p = i < RUNS / 2 ? 2 * i : 2 * (i - RUNS / 2) + 1;
        runs[i] = (cpb_range){p, p + 1};
    }
    const cpb_claim claim = {.tokens = RUNS,
                             .ranks = 2,
                             .first = first,
                             .runs = runs,
                             .promise = {CPB_EQUAL, 1, 1, -1, CPB_ALGORITHM, 0}};
    cpb_status status = CPB_NO_MEMORY;
    for (int64_t left = 0; status != CPB_OK; left++) {
        test_ration ration = {.left = left};
        const cpb_allocator allocator = test_ration_allocator(&ration);
        status = cpb_check_plan(&claim, NULL, NULL, &allocator, NULL);
        assert_true(status == CPB_OK || (status == CPB_NO_MEMORY && left < 10));
        assert_int_equal(ration.out, 0);
    }
}

static void every_allocation_may_fail(void **state)
{
    static fixture f;
    (void)state;
    set_up(&f, 77, 290);
    cpb_status status = CPB_NO_MEMORY;
    for (int64_t left = 0; status != CPB_OK; left++) {
        test_ration ration = {.left = left};
        const cpb_allocator allocator = test_ration_allocator(&ration);
        status = cpb_check_plan(&f.claim, &f.masks, &f.setup, &allocator, NULL);
        assert_true(status == CPB_OK || status == CPB_NO_MEMORY);
        assert_int_equal(ration.out, 0);
    }
    tear_down(&f);
    fail_allocations_of_many_runs();

    test_ration none = {0};
    const cpb_allocator allocator = test_ration_allocator(&none);
    const int64_t order[] = {1, 0};
    assert_int_equal(cpb_check_order(2, order, &allocator, NULL), CPB_NO_MEMORY);
}

/* A claim that repeats a plan and its score word for word. */
typedef struct repeated {
    int64_t *first;
    cpb_score score;
    cpb_rank_score *ranks;
    int64_t *pairs;
    int64_t *loads;
    uint64_t hash;
    cpb_claim claim;
} repeated;

static void repeat_plan(repeated *f, const cpb_plan *plan, const cpb_masks *masks,
                        const cpb_setup *setup)
{
    const int32_t ranks = cpb_plan_ranks(plan);
    f->first = calloc((size_t)ranks + 1, sizeof *f->first);
    f->ranks = calloc((size_t)ranks, sizeof *f->ranks);
    f->pairs = calloc((size_t)ranks, sizeof *f->pairs);
    assert_non_null(f->first);
    assert_non_null(f->ranks);
    f->loads = calloc((size_t)ranks, sizeof *f->loads);
    assert_non_null(f->pairs);
    assert_non_null(f->loads);
    assert_int_equal(
        cpb_score_plan(plan, masks, setup, NULL, &f->score, f->ranks, NULL, NULL),
        CPB_OK);
    for (int32_t r = 0; r < ranks; r++) {
        f->first[r + 1] = f->first[r] + (int64_t)cpb_plan_n_runs(plan, r);
        f->pairs[r] = f->ranks[r].pairs;
        f->loads[r] = f->ranks[r].load;
    }
    f->hash = cpb_plan_hash(plan);
    f->claim = (cpb_claim){
        .tokens = cpb_plan_tokens(plan),
        .padding = cpb_plan_padding(plan),
        .ranks = ranks,
        .first = f->first,
        .runs = cpb_plan_runs(plan, 0),
        .promise = *cpb_plan_promise(plan),
        .score = &f->score,
        .pairs = f->pairs,
        .loads = f->loads,
        .hash = &f->hash,
    };
}

static void forget_plan(repeated *f)
{
    free(f->first);
    free(f->ranks);
    free(f->pairs);
    free(f->loads);
}

/* Every plan that these options give is proved, with all its figures. */
static int64_t prove_plan(const cpb_masks *masks, const cpb_options *options,
                          const char *text)
{
    cpb_plan *plan = NULL;
    cpb_error error = {0};
    const cpb_status made = cpb_plan_create(masks, options, &plan, &error);
    if (made == CPB_UNSUPPORTED)
        return 0;
    if (made != CPB_OK)
        fail_msg("%s, %s: %s", text, options->balancer, error.message);
    repeated f;
    repeat_plan(&f, plan, masks, &options->setup);
    if (cpb_check_plan(&f.claim, masks, &options->setup, NULL, &error) != CPB_OK)
        fail_msg("%s, %s, %d ranks, kernel %d, cost %d, sizes %d, transport %d, nodes "
                 "%d: %s",
                 text, options->balancer, options->ranks, (int)options->setup.kernel,
                 (int)options->setup.cost, (int)options->sizes,
                 (int)options->setup.transport, options->setup.nodes, error.message);
    forget_plan(&f);
    cpb_plan_free(plan);
    return 1;
}

/* Draws everything but balancer, kernel and masks. */
static cpb_options random_options(uint64_t *seed)
{
    static const int64_t chunks[] = {-1, 1, 8, 16, 128, 37};
    cpb_options options = cpb_options_default();
    options.ranks = (int32_t)test_random(seed, 1, 8);
    options.setup = random_setup(seed, options.ranks);
    if (test_random(seed, 0, 1))
        options.setup.profile = cpb_setup_default().profile;
    options.chunk = chunks[test_random(seed, 0, (int64_t)COUNT_OF(chunks) - 1)];
    options.sizes = (cpb_sizes)test_random(seed, 0, 1);
    return options;
}

static int64_t prove_balancers(uint64_t *seed, const cpb_masks *masks, const char *text)
{
    int32_t speeds[DENSE_RANKS];
    int64_t proved = 0;
    for (size_t b = 0; cpb_balancer_name(b); b++)
        for (int round = 0; round < 12; round++) {
            cpb_options options = random_options(seed);
            options.balancer = cpb_balancer_name(b);
            options.setup.kernel = (cpb_kernel)(round % 3);
            if (test_random(seed, 0, 3) == 0)
                options.setup.speeds = random_speeds(seed, speeds);
            proved += prove_plan(masks, &options, text);
        }
    return proved;
}

static void every_balancer_on_every_family_is_proved(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (size_t i = 0; cpb_mask_family_example(i); i++) {
        const char *const text = cpb_mask_family_example(i);
        cpb_mask *mask = NULL;
        assert_int_equal(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, NULL),
                         CPB_OK);
        const cpb_mask *const view[] = {mask};
        assert_true(prove_balancers(&seed, &(cpb_masks){1, view, NULL}, text) > 50);
        cpb_mask_free(mask);
    }
}

/* More ranks than one word of peers holds, all of which need rank 0 and nobody else. */
static void plans_for_many_ranks_are_proved(void **state)
{
    (void)state;
    static const int32_t ranks[] = {64, 65, 130};
    const cpb_slice hub = {{0, 2000}, {0, 5}, CPB_FULL};
    cpb_mask *mask = NULL;
    assert_int_equal(cpb_mask_create(2000, 1, &hub, 0, NULL, NULL, &mask, NULL),
                     CPB_OK);
    const cpb_mask *const view[] = {mask};
    for (size_t i = 0; i < COUNT_OF(ranks); i++)
        for (int32_t nodes = 0; nodes <= 5; nodes += 5) {
            cpb_options options = cpb_options_default();
            options.ranks = ranks[i];
            options.balancer = "contiguous";
            options.setup.nodes = ranks[i] % 5 ? 0 : nodes;
            assert_int_equal(prove_plan(&(cpb_masks){1, view, NULL}, &options, "hub"),
                             1);
        }
    cpb_mask_free(mask);
}

static void as_many_ranks_as_there_may_be_are_proved(void **state)
{
    (void)state;
    static int64_t first[CPB_MAX_RANKS + 1];
    static cpb_range runs[CPB_MAX_RANKS];
    for (int64_t r = 0; r < CPB_MAX_RANKS; r++) {
        first[r + 1] = r + 1;
        runs[r] = (cpb_range){r, r + 1};
    }
    const cpb_claim claim = {.tokens = CPB_MAX_RANKS,
                             .ranks = CPB_MAX_RANKS,
                             .first = first,
                             .runs = runs,
                             .promise = {CPB_EQUAL, 1, 1, -1, CPB_ALGORITHM, 0}};
    assert_int_equal(cpb_check_plan(&claim, NULL, NULL, NULL, NULL), CPB_OK);
}

static void every_balancer_on_random_masks_is_proved(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 60; round++) {
        uint64_t seed = round;
        const int64_t tokens = test_random(&seed, 1, round % 8 ? 60 : DENSE_TOKENS);
        cpb_mask *mask[DENSE_MASKS];
        int64_t weight[DENSE_MASKS];
        const size_t n = (size_t)test_random(&seed, 1, DENSE_MASKS);
        for (size_t m = 0; m < n; m++) {
            mask[m] = random_mask(&seed, tokens);
            weight[m] = test_random(&seed, 1, 4);
        }
        const cpb_masks masks = {n, (const cpb_mask *const *)mask, weight};
        assert_true(prove_balancers(&seed, &masks, "random masks") > 50);
        for (size_t m = 0; m < n; m++)
            cpb_mask_free(mask[m]);
    }
}

static void orders_are_permutations(void **state)
{
    (void)state;
    int64_t order[200];
    cpb_error error;
    uint64_t seed = 9;
    for (int64_t i = 0; i < 200; i++)
        order[i] = i * 7 % 200;
    assert_int_equal(cpb_check_order(200, order, NULL, &error), CPB_OK);
    assert_int_equal(cpb_check_order(0, order, NULL, &error), CPB_OK);
    for (int64_t i = 0; i < 200; i++) {
        const int64_t was = order[i];
        const int64_t other = test_random(&seed, 0, 199);
        order[i] = other == was ? (other + 1) % 200 : other;
        assert_int_equal(cpb_check_order(200, order, NULL, &error), CPB_REFUTED);
        assert_true(order[error.at] == order[i]);
        order[i] = was;
    }
    const int64_t twice[] = {2, 0, 2}, outside[] = {0, 3, 1},
                  below[] = {0, INT64_MIN, 1};
    assert_int_equal(cpb_check_order(3, twice, NULL, &error), CPB_REFUTED);
    assert_string_equal(error.message, "entry 2 is 2, which entry 0 is already");
    assert_int_equal(cpb_check_order(3, outside, NULL, &error), CPB_REFUTED);
    assert_string_equal(error.message, "entry 1 is 3, outside 0 .. 2");
    assert_int_equal(cpb_check_order(3, below, NULL, &error), CPB_REFUTED);
    assert_int_equal(error.at, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_recount_agrees_with_a_dense_matrix),
        cmocka_unit_test(every_single_lie_is_found),
        cmocka_unit_test(counterexamples_are_named),
        cmocka_unit_test(numbers_outside_their_limits_are_named),
        cmocka_unit_test(broken_lists_of_runs_are_named),
        cmocka_unit_test(a_mask_of_other_tokens_is_invalid),
        cmocka_unit_test(sums_that_leave_64_bits_are_too_large),
        cmocka_unit_test(absurd_claims_never_crash),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_balancer_on_every_family_is_proved),
        cmocka_unit_test(plans_for_many_ranks_are_proved),
        cmocka_unit_test(as_many_ranks_as_there_may_be_are_proved),
        cmocka_unit_test(each_kind_of_statement_is_checked_alone),
        cmocka_unit_test(a_load_bound_of_zero_leaves_no_gap),
        cmocka_unit_test(every_balancer_on_random_masks_is_proved),
        cmocka_unit_test(orders_are_permutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
