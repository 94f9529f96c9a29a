// SPDX-License-Identifier: Apache-2.0
/* How evenly relays and two levels spread what ranks send. */
#include "exchange_visits.h"

static int64_t send_max(const cpb_exchange *exchange)
{
    int64_t most = 0;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++) {
        const int64_t send = cpb_exchange_traffic(exchange, r).send;
        most = send > most ? send : most;
    }
    return most;
}

/* What ranks send together is what they receive together, in every form. */
static void assert_relayed_figures(const cpb_plan *plan, const cpb_mask *mask,
                                   int64_t relayed)
{
    const int64_t ranks = cpb_plan_ranks(plan);
    cpb_score score;
    score_of(plan, mask, 0, &score, NULL);
    assert_int_equal(score.relay_send_max, relayed);
    assert_true(score.relay_send_max * ranks >= score.receive_total);
    assert_int_equal(score.send_max_bound, (score.receive_bound + ranks - 1) / ranks);
    assert_true(score.send_max_bound <= score.receive_max_bound);
}

static void assert_relays_help(const cpb_plan *plan, const cpb_mask *mask,
                               void *context)
{
    (void)context;
    cpb_exchange *const flat = exchange_of(plan, mask, CPB_FLAT, 0);
    cpb_exchange *const relay = exchange_of(plan, mask, CPB_RELAY, 0);
    assert_true(send_max(relay) <= send_max(flat));
    if (send_max(flat) <= receive_max(flat))
        assert_int_equal(send_max(relay), send_max(flat));
    assert_relayed_figures(plan, mask, send_max(relay));
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        assert_int_equal(cpb_exchange_traffic(flat, r).receive,
                         cpb_exchange_traffic(relay, r).receive);
    cpb_exchange_free(flat);
    cpb_exchange_free(relay);
}

static void relays_never_raise_the_largest_send_nor_what_anyone_receives(void **state)
{
    (void)state;
    visit_all(4, assert_relays_help, NULL);
}

/* A long document in front of short ones of random lengths: its owners send to many. */
static cpb_mask *pack(uint64_t *seed, const char *family, int64_t tokens)
{
    static int64_t lengths[4096];
    size_t n = 0;
    int64_t left = tokens - (lengths[n++] = tokens / test_random(seed, 2, 6));
    while (left > 0) {
        const int64_t octave = (int64_t)1 << test_random(seed, 5, 11);
        const int64_t length = octave + test_random(seed, 0, octave);
        lengths[n] = length < left ? length : left;
        left -= lengths[n++];
    }
    cpb_mask *mask;
    assert_int_equal(cpb_mask_create_text(family, n, lengths, NULL, NULL, &mask, NULL),
                     CPB_OK);
    return mask;
}

/* Largest over ranks of the keys that at least one other rank needs: nobody who sends
 * each of its keys only once sends less. */
static int64_t once_max(const cpb_plan *plan, const cpb_mask *mask)
{
    const int32_t ranks = cpb_plan_ranks(plan);
    cpb_exchange *const each = exchange_of(plan, mask, CPB_FLAT, 0);
    int64_t most = 0;
    for (int32_t r = 0; r < ranks; r++) {
        uint8_t *const seen = calloc((size_t)cpb_plan_tokens(plan), 1);
        size_t n;
        int64_t once = 0;
        assert_non_null(seen);
        const cpb_transfer *const list = cpb_exchange_sent(each, r, -1, &n);
        for (size_t i = 0; i < n; i++)
            for (int64_t k = list[i].keys.begin; k < list[i].keys.end; k++) {
                once += !seen[k];
                seen[k] = 1;
            }
        most = once > most ? once : most;
        free(seen);
    }
    cpb_exchange_free(each);
    return most;
}

/* How far the largest send stands above its floor, in thousandths, flat and relayed. */
static void measure_relays(const cpb_plan *plan, const cpb_mask *mask, int64_t *worst)
{
    cpb_exchange *const flat = exchange_of(plan, mask, CPB_FLAT, 0);
    cpb_exchange *const relay = exchange_of(plan, mask, CPB_RELAY, 0);
    const int64_t once = once_max(plan, mask), receive = receive_max(flat);
    const int64_t floor = once > receive ? once : receive;
    const int64_t sends[] = {send_max(flat), send_max(relay)};
    assert_true(sends[1] <= floor + floor / 8);
    for (size_t i = 0; floor && i < COUNT_OF(sends); i++)
        if (1000 * sends[i] / floor > worst[i])
            worst[i] = 1000 * sends[i] / floor;
    cpb_exchange_free(flat);
    cpb_exchange_free(relay);
}

/* What landing and passing on costs a rank: keys into its node and keys sent inside. */
static int64_t two_level_work(const cpb_exchange *exchange, int32_t rank)
{
    size_t n_in, n_out;
    int64_t keys = 0;
    const cpb_transfer *const in = cpb_exchange_received(exchange, rank, 0, &n_in);
    const cpb_transfer *const out = cpb_exchange_sent(exchange, rank, 1, &n_out);
    for (size_t i = 0; i < n_in; i++)
        keys += in[i].keys.end - in[i].keys.begin;
    for (size_t i = 0; i < n_out; i++)
        keys += out[i].keys.end - out[i].keys.begin;
    return keys;
}

/* Whether the busiest rank of each node is at most 5 % above the mean of its node. */
static void assert_even_nodes(const cpb_exchange *exchange, int32_t node_ranks)
{
    int64_t sum = 0, most = 0;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++) {
        const int64_t work = two_level_work(exchange, r);
        sum += work;
        most = work > most ? work : most;
        if (r % node_ranks < node_ranks - 1)
            continue;
        assert_true(most * node_ranks <= sum + sum / 20);
        sum = most = 0;
    }
}

/* `ptrr` gives every rank 16 chunks from everywhere, so that each owner has about the
 * same to send inside its node. */
static void two_level_spreads_what_enters_a_node_evenly_over_its_ranks(void **state)
{
    (void)state;
    uint64_t seed = 16;
    for (int round = 0; round < 6; round++) {
        cpb_mask *const mask = pack(&seed, "documents", 2048 * 32);
        for (size_t i = 0; cpb_balancer_name(i); i++) {
            if (strcmp(cpb_balancer_name(i), "ptrr") != 0)
                continue;
            cpb_plan *const plan = balanced_plan(mask, i, 32, -1);
            cpb_exchange *const exchange = exchange_of(plan, mask, CPB_TWO_LEVEL, 4);
            assert_even_nodes(exchange, 8);
            cpb_exchange_free(exchange);
            cpb_plan_free(plan);
        }
        cpb_mask_free(mask);
    }
}

static void
relays_of_packs_bring_the_largest_send_near_the_largest_receive(void **state)
{
    (void)state;
    static const char *const families[] = {"documents", "shared-question", "sinks:512"};
    uint64_t seed = 5;
    int64_t worst[2] = {0};
    for (int round = 0; round < 18; round++) {
        const int32_t ranks = round % 2 ? 8 : 32;
        cpb_mask *const mask = pack(&seed, families[round % 3], 2048 * ranks);
        for (size_t i = 0; cpb_balancer_name(i); i++) {
            cpb_plan *const plan = balanced_plan(mask, i, ranks, -1);
            if (plan)
                measure_relays(plan, mask, worst);
            cpb_plan_free(plan);
        }
        cpb_mask_free(mask);
    }
    print_message("largest send / max(largest receive, keys that must leave a rank): "
                  "flat %.3f, relay %.3f\n",
                  (double)worst[0] / 1000, (double)worst[1] / 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relays_never_raise_the_largest_send_nor_what_anyone_receives),
        cmocka_unit_test(
            relays_of_packs_bring_the_largest_send_near_the_largest_receive),
        cmocka_unit_test(two_level_spreads_what_enters_a_node_evenly_over_its_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
