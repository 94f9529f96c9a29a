// SPDX-License-Identifier: Apache-2.0
/* Exchanges are carried out on arrays of key ids and held against brute force. */
#include "exchange_visits.h"

/* --- Completeness ----------------------------------------------------------------- */

/* Every rank holds own and needed keys, each once, and no slot stayed empty. */
static void assert_all_there(const world *w, const cpb_plan *plan, const cpb_mask *mask)
{
    for (int32_t r = 0; r < w->ranks; r++) {
        int times[ROOM] = {0};
        for (int64_t i = w->shard[r]; i < w->slots[r]; i++) {
            assert_true(w->at[r][i] >= 0 && w->at[r][i] < cpb_mask_tokens(mask));
            times[w->at[r][i]]++;
        }
        for (int64_t k = 0; k < cpb_mask_tokens(mask); k++)
            assert_int_equal(times[k], needs(plan, mask, r, k) && !owns(plan, r, k));
    }
}

static void assert_complete(const cpb_plan *plan, const cpb_mask *mask,
                            const cpb_exchange *exchange)
{
    static world w;
    run_all(&w, plan, exchange);
    assert_all_there(&w, plan, mask);
    assert_lists(exchange, false);
}

static void
afterwards_every_rank_holds_its_own_and_its_needs_and_nothing_twice(void **state)
{
    (void)state;
    visit_exchanges(1, assert_complete);
}

/* --- Against the score ------------------------------------------------------------ */

static int64_t between(const cpb_exchange *exchange, int32_t from, int32_t to)
{
    size_t n;
    int64_t keys = 0;
    const cpb_transfer *const list = cpb_exchange_sent(exchange, from, -1, &n);
    for (size_t i = 0; i < n; i++)
        keys += list[i].to == to ? list[i].keys.end - list[i].keys.begin : 0;
    return keys;
}

static void assert_flat_matrix(const cpb_plan *plan, const cpb_mask *mask,
                               void *context)
{
    (void)context;
    const int32_t ranks = cpb_plan_ranks(plan);
    cpb_exchange *exchange;
    int64_t matrix[MOST_RANKS * MOST_RANKS];
    cpb_score score;
    assert_int_equal(cpb_exchange_create(plan, mask, NULL, NULL, &exchange, NULL),
                     CPB_OK);
    score_of(plan, mask, 0, &score, matrix);
    int64_t receive = 0, send = 0;
    for (int32_t a = 0; a < ranks; a++) {
        const cpb_traffic traffic = cpb_exchange_traffic(exchange, a);
        assert_int_equal(traffic.receive, traffic.buffer);
        receive = traffic.receive > receive ? traffic.receive : receive;
        send = traffic.send > send ? traffic.send : send;
        for (int32_t b = 0; b < ranks; b++)
            assert_int_equal(between(exchange, a, b), matrix[a * ranks + b]);
    }
    assert_int_equal(receive, score.receive_max);
    assert_int_equal(send, score.send_max);
    assert_int_equal(cpb_exchange_least(exchange).pair, score.pair_max);
    cpb_exchange_free(exchange);
}

static void flat_totals_of_every_pair_of_ranks_are_those_of_the_score(void **state)
{
    (void)state;
    visit_all(2, assert_flat_matrix, NULL);
}

/* How often each key enters a node in step 0: once where one of its ranks needs it and
 * none owns it, else never. */
static void assert_enters_once(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_exchange *exchange, int32_t node,
                               int32_t per_node)
{
    int entered[ROOM] = {0};
    const int32_t end = (node + 1) * per_node;
    for (int32_t r = node * per_node; r < end; r++) {
        size_t n;
        const cpb_transfer *const list = cpb_exchange_received(exchange, r, 0, &n);
        for (size_t i = 0; i < n; i++)
            for (int64_t k = list[i].keys.begin; k < list[i].keys.end; k++)
                entered[k]++;
    }
    for (int64_t k = 0; k < cpb_mask_tokens(mask); k++) {
        bool needed = false, owned = false;
        for (int32_t r = node * per_node; r < end; r++) {
            owned = owned || owns(plan, r, k);
            needed = needed || needs(plan, mask, r, k);
        }
        assert_int_equal(entered[k], needed && !owned);
    }
}

static void assert_cards(const cpb_plan *plan, const cpb_mask *mask, int32_t nodes)
{
    const int32_t per_node = cpb_plan_ranks(plan) / nodes;
    cpb_exchange *const exchange = exchange_of(plan, mask, CPB_TWO_LEVEL, nodes);
    int64_t in[MOST_RANKS] = {0}, out[MOST_RANKS] = {0}, in_max = 0, out_max = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++) {
        size_t n;
        const cpb_transfer *const list = cpb_exchange_received(exchange, r, -1, &n);
        for (size_t i = 0; i < n; i++) {
            const int32_t from = list[i].from / per_node, to = r / per_node;
            const int64_t keys = list[i].keys.end - list[i].keys.begin;
            assert_int_equal(list[i].step, from == to);
            in[to] += from == to ? 0 : keys;
            out[from] += from == to ? 0 : keys;
        }
    }
    for (int32_t i = 0; i < nodes; i++) {
        in_max = in[i] > in_max ? in[i] : in_max;
        out_max = out[i] > out_max ? out[i] : out_max;
        assert_enters_once(plan, mask, exchange, i, per_node);
    }
    cpb_score score;
    score_of(plan, mask, nodes, &score, NULL);
    assert_int_equal(in_max, score.net_in_max);
    assert_int_equal(out_max, score.net_out_max);
    cpb_exchange_free(exchange);
}

static void assert_all_cards(const cpb_plan *plan, const cpb_mask *mask, void *context)
{
    (void)context;
    for (int32_t nodes = 1; nodes <= cpb_plan_ranks(plan); nodes++)
        if (cpb_plan_ranks(plan) % nodes == 0)
            assert_cards(plan, mask, nodes);
}

static void two_level_keys_enter_a_node_once_as_the_score_says(void **state)
{
    (void)state;
    visit_all(3, assert_all_cards, NULL);
}

/* --- Backward --------------------------------------------------------------------- */

/* The gradient that a rank computes for a key: any number will do. */
static int64_t gradient(int32_t rank, int64_t key)
{
    return 1 + rank * 1009 + key * 31 % 97;
}

static void fill_gradients(world *w)
{
    for (int32_t r = 0; r < w->ranks; r++)
        for (int64_t i = 0; i < w->slots[r]; i++)
            w->at[r][i] = gradient(r, w->at[r][i]);
}

static void add_stage(world *w, const cpb_exchange *exchange, int32_t i)
{
    static world before;
    before = *w;
    for (int32_t r = 0; r < w->ranks; r++) {
        const cpb_stage stage = cpb_exchange_stage(exchange, r, CPB_BACKWARD, i);
        size_t n;
        assert_int_equal(stage.step, cpb_exchange_steps(exchange) - 1 - i);
        assert_ptr_equal(stage.gives,
                         cpb_exchange_received(exchange, r, stage.step, &n));
        assert_int_equal(stage.n_gives, n);
        for (size_t t = 0; t < stage.n_gets; t++) {
            const cpb_transfer *const got = &stage.gets[t];
            assert_true(t == 0 || got[-1].to <= got->to);
            for (int64_t k = 0; k < got->keys.end - got->keys.begin; k++)
                w->at[r][got->source + k] +=
                    before.at[got->to][before.shard[got->to] + got->target + k];
        }
    }
}

static void assert_mirror(const cpb_plan *plan, const cpb_mask *mask,
                          const cpb_exchange *exchange)
{
    static world w;
    run_all(&w, plan, exchange);
    fill_gradients(&w);
    for (int32_t i = 0; i < cpb_exchange_steps(exchange); i++)
        add_stage(&w, exchange, i);
    for (int32_t r = 0; r < w.ranks; r++) {
        int64_t slot = 0;
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            for (int64_t k = cpb_plan_runs(plan, r)[i].begin;
                 k < cpb_plan_runs(plan, r)[i].end; k++) {
                int64_t sum = gradient(r, k);
                for (int32_t q = 0; q < w.ranks && k < cpb_mask_tokens(mask); q++)
                    if (q != r && needs(plan, mask, q, k))
                        sum += gradient(q, k);
                assert_int_equal(w.at[r][slot++], sum);
            }
    }
}

static void gradients_summed_by_the_mirror_are_the_direct_sums(void **state)
{
    (void)state;
    visit_exchanges(6, assert_mirror);
}

/* --- Determinism, refusals, memory ------------------------------------------------ */

/* Member by member: what pads a struct has no value. */
static void assert_same_transfer(const cpb_transfer *a, const cpb_transfer *b)
{
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->from, b->from);
    assert_int_equal(a->to, b->to);
    assert_int_equal(a->keys.begin, b->keys.begin);
    assert_int_equal(a->keys.end, b->keys.end);
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->target, b->target);
}

static void assert_same_again(const cpb_plan *plan, const cpb_mask *mask, void *context)
{
    (void)context;
    for (int form = CPB_FLAT; form <= CPB_RELAY; form++) {
        const int32_t nodes = form == CPB_TWO_LEVEL ? cpb_plan_ranks(plan) : 0;
        cpb_exchange *const a = exchange_of(plan, mask, (cpb_form)form, nodes);
        cpb_exchange *const b = exchange_of(plan, mask, (cpb_form)form, nodes);
        assert_true(cpb_exchange_hash(a) == cpb_exchange_hash(b));
        for (int32_t r = 0; r < cpb_plan_ranks(plan); r++) {
            size_t n, m;
            const cpb_transfer *const x = cpb_exchange_received(a, r, -1, &n);
            const cpb_transfer *const y = cpb_exchange_received(b, r, -1, &m);
            assert_int_equal(n, m);
            for (size_t i = 0; i < n; i++)
                assert_same_transfer(&x[i], &y[i]);
        }
        cpb_exchange_free(a);
        cpb_exchange_free(b);
    }
}

static void equal_inputs_give_equal_exchanges_and_hashes(void **state)
{
    (void)state;
    visit_all(13, assert_same_again, NULL);
}

static void the_hash_is_the_one_that_the_documentation_defines(void **state)
{
    (void)state;
    /* ranks, steps; per rank: shard, buffer, transfers; each: step, from, keys, source,
     * target. */
    static const uint64_t words[] = {2, 1, 4, 0, 0, 4, 4, 1, 0, 0, 0, 4, 0, 0};
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        hash = (hash ^ words[i]) * UINT64_C(1099511628211);
        hash ^= hash >> 32;
    }
    cpb_mask *const mask = text_mask("causal:8");
    cpb_plan *const plan = two_halves();
    cpb_exchange *const exchange = exchange_of(plan, mask, CPB_FLAT, 0);
    assert_true(cpb_exchange_hash(exchange) == hash);
    cpb_exchange_free(exchange);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

static void assert_refused(const cpb_plan *plan, const cpb_mask *mask,
                           cpb_exchange_options options, const char *message)
{
    cpb_exchange *exchange;
    cpb_error error;
    assert_int_equal(cpb_exchange_create(plan, mask, &options, NULL, &exchange, &error),
                     CPB_INVALID);
    assert_null(exchange);
    assert_string_equal(error.message, message);
}

static void bad_options_are_refused_in_one_sentence(void **state)
{
    (void)state;
    cpb_mask *const mask = text_mask("causal:8"), *const other = text_mask("causal:9");
    cpb_plan *const plan = two_halves();
    const cpb_exchange_options flat = {CPB_FLAT, 0};
    assert_refused(plan, other, flat, "the mask has 9 tokens, the plan has 8");
    assert_refused(plan, mask, (cpb_exchange_options){(cpb_form)3, 0},
                   "form 3 is outside 0 .. 2");
    assert_refused(plan, mask, (cpb_exchange_options){CPB_TWO_LEVEL, 3},
                   "3 nodes of form `two-level` do not divide 2 ranks; 2 does");
    assert_refused(plan, mask, (cpb_exchange_options){CPB_TWO_LEVEL, 0},
                   "0 nodes of form `two-level` do not divide 2 ranks; 1 does");
    assert_refused(plan, mask, (cpb_exchange_options){CPB_RELAY, 2},
                   "2 nodes were given, but form `relay` knows none; 0 is accepted");
    cpb_mask_free(mask);
    cpb_mask_free(other);
    cpb_plan_free(plan);
}

static cpb_status attempt_form(const cpb_plan *plan, const cpb_mask *mask,
                               cpb_form form, const cpb_allocator *allocator,
                               cpb_error *error)
{
    const cpb_exchange_options options = {form, form == CPB_TWO_LEVEL ? 3 : 0};
    cpb_exchange *e;
    const cpb_status status =
        cpb_exchange_create(plan, mask, &options, allocator, &e, error);
    return kept(status, e);
}

static cpb_status attempt_flat(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_allocator *allocator, cpb_error *error)
{
    return attempt_form(plan, mask, CPB_FLAT, allocator, error);
}

static cpb_status attempt_two_level(const cpb_plan *plan, const cpb_mask *mask,
                                    const cpb_allocator *allocator, cpb_error *error)
{
    return attempt_form(plan, mask, CPB_TWO_LEVEL, allocator, error);
}

static cpb_status attempt_relay(const cpb_plan *plan, const cpb_mask *mask,
                                const cpb_allocator *allocator, cpb_error *error)
{
    return attempt_form(plan, mask, CPB_RELAY, allocator, error);
}

static cpb_status attempt_held(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_allocator *allocator, cpb_error *error)
{
    cpb_exchange *const e = exchange_of(plan, mask, CPB_FLAT, 0);
    size_t n;
    const cpb_status status =
        cpb_exchange_held(e, plan, 0, allocator, 0, NULL, &n, error);
    cpb_exchange_free(e);
    return status;
}

/* A score plays relays through where they help. */
static cpb_status attempt_score(const cpb_plan *plan, const cpb_mask *mask,
                                const cpb_allocator *allocator, cpb_error *error)
{
    const cpb_masks masks = {.n = 1, .mask = &mask};
    cpb_setup setup = cpb_setup_default();
    cpb_score score;
    setup.nodes = 3;
    const cpb_status status =
        cpb_score_plan(plan, &masks, &setup, allocator, &score, NULL, NULL, error);
    assert_true(status != CPB_OK || score.relay_send_max < score.send_max);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static attempt_fn *const attempts[] = {attempt_flat, attempt_two_level,
                                           attempt_relay, attempt_held, attempt_score};
    assert_allocations_may_fail(attempts, COUNT_OF(attempts));
    cpb_exchange_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            afterwards_every_rank_holds_its_own_and_its_needs_and_nothing_twice),
        cmocka_unit_test(flat_totals_of_every_pair_of_ranks_are_those_of_the_score),
        cmocka_unit_test(two_level_keys_enter_a_node_once_as_the_score_says),
        cmocka_unit_test(gradients_summed_by_the_mirror_are_the_direct_sums),
        cmocka_unit_test(equal_inputs_give_equal_exchanges_and_hashes),
        cmocka_unit_test(the_hash_is_the_one_that_the_documentation_defines),
        cmocka_unit_test(bad_options_are_refused_in_one_sentence),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
