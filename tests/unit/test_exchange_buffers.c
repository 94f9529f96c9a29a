// SPDX-License-Identifier: Apache-2.0
/* Counts, slots, held keys and capacities move what the lists say. */
#include "exchange_visits.h"

/* An all-to-all-v as MPI defines it: `buffers` are [ranks] send buffers. */
static void run_counted(world *w, const cpb_exchange *exchange, int32_t i)
{
    static int64_t sent[MOST_RANKS][MOST_RANKS * ROOM];
    static int64_t give[MOST_RANKS][MOST_RANKS], give_first[MOST_RANKS][MOST_RANKS];
    static int64_t get[MOST_RANKS][MOST_RANKS], get_first[MOST_RANKS][MOST_RANKS];
    for (int32_t r = 0; r < w->ranks; r++) {
        const cpb_counts counts = {give[r], give_first[r], get[r], get_first[r]};
        const cpb_stage stage = cpb_exchange_stage(exchange, r, CPB_FORWARD, i);
        int64_t n = 0;
        cpb_exchange_counts(exchange, r, CPB_FORWARD, i, &counts);
        for (size_t t = 0; t < stage.n_gives; t++)
            for (int64_t k = stage.gives[t].keys.begin; k < stage.gives[t].keys.end;
                 k++)
                sent[r][n++] =
                    w->at[r][stage.gives[t].source + k - stage.gives[t].keys.begin];
    }
    for (int32_t r = 0; r < w->ranks; r++) {
        const cpb_stage stage = cpb_exchange_stage(exchange, r, CPB_FORWARD, i);
        const int64_t first = w->shard[r] + (stage.n_gets ? stage.gets[0].target : 0);
        for (int32_t p = 0; p < w->ranks; p++) {
            assert_int_equal(get[r][p], give[p][r]);
            memcpy(&w->at[r][first + get_first[r][p]], &sent[p][give_first[p][r]],
                   (size_t)get[r][p] * sizeof(int64_t));
        }
    }
}

static int64_t slot_at(cpb_index type, const void *slots, int64_t i)
{
    return type == CPB_INT32 ? ((const int32_t *)slots)[i]
                             : ((const int64_t *)slots)[i];
}

/* An all-to-all of equal splits through padded slots; those of the way back agree. */
static void run_padded(world *w, const cpb_exchange *exchange, int32_t i,
                       cpb_index type)
{
    static int64_t gives[MOST_RANKS][MOST_RANKS * (ROOM + 1)];
    static int64_t gets[MOST_RANKS][MOST_RANKS * (ROOM + 1)];
    static int64_t back[MOST_RANKS * (ROOM + 1)];
    const int64_t pair = cpb_exchange_least(exchange).pair + 1;
    const int32_t mirrored = cpb_exchange_steps(exchange) - 1 - i;
    for (int32_t r = 0; r < w->ranks; r++) {
        assert_int_equal(cpb_exchange_write_slots(exchange, r, CPB_FORWARD, i,
                                                  CPB_GIVES, pair, type, gives[r],
                                                  NULL),
                         CPB_OK);
        assert_int_equal(cpb_exchange_write_slots(exchange, r, CPB_FORWARD, i, CPB_GETS,
                                                  pair, type, gets[r], NULL),
                         CPB_OK);
        assert_int_equal(cpb_exchange_write_slots(exchange, r, CPB_BACKWARD, mirrored,
                                                  CPB_GETS, pair, type, back, NULL),
                         CPB_OK);
        for (int64_t k = 0; k < w->ranks * pair; k++)
            assert_int_equal(slot_at(type, back, k), slot_at(type, gives[r], k));
    }
    for (int32_t r = 0; r < w->ranks; r++)
        for (int32_t p = 0; p < w->ranks; p++)
            for (int64_t k = 0; k < pair; k++) {
                const int64_t from = slot_at(type, gives[p], r * pair + k);
                const int64_t to = slot_at(type, gets[r], p * pair + k);
                assert_int_equal(from < 0, to < 0);
                assert_true(from >= -1 && to >= -1);
                if (to >= 0)
                    w->at[r][w->shard[r] + to] = w->at[p][from];
            }
}

static void assert_buffers(const cpb_plan *plan, const cpb_mask *mask,
                           const cpb_exchange *exchange)
{
    static world listed, counted, padded;
    (void)mask;
    run_all(&listed, plan, exchange);
    start_world(&counted, plan, exchange);
    start_world(&padded, plan, exchange);
    for (int32_t i = 0; i < cpb_exchange_steps(exchange); i++) {
        run_counted(&counted, exchange, i);
        run_padded(&padded, exchange, i, i ? CPB_INT32 : CPB_INT64);
    }
    for (int32_t r = 0; r < listed.ranks; r++) {
        const size_t bytes = (size_t)listed.slots[r] * sizeof(int64_t);
        assert_memory_equal(listed.at[r], counted.at[r], bytes);
        assert_memory_equal(listed.at[r], padded.at[r], bytes);
    }
}

static void counts_and_padded_slots_move_the_same_keys_as_the_lists(void **state)
{
    (void)state;
    visit_exchanges(7, assert_buffers);
}

static void assert_held(const cpb_plan *plan, const cpb_mask *mask,
                        const cpb_exchange *exchange)
{
    static world w;
    cpb_holding held[2 * ROOM];
    (void)mask;
    run_all(&w, plan, exchange);
    for (int32_t r = 0; r < w.ranks; r++) {
        size_t n, again;
        int64_t keys = 0, pads = 0, reached = 0;
        assert_int_equal(
            cpb_exchange_held(exchange, plan, r, NULL, 2 * ROOM, held, &n, NULL),
            CPB_OK);
        assert_int_equal(
            cpb_exchange_held(exchange, plan, r, NULL, 0, NULL, &again, NULL), CPB_OK);
        assert_int_equal(n, again);
        for (size_t i = 0; i < n; i++) {
            assert_true(held[i].keys.begin >= reached);
            reached = held[i].keys.end;
            for (int64_t k = held[i].keys.begin; k < reached; k++, keys++)
                assert_int_equal(w.at[r][held[i].slot + k - held[i].keys.begin], k);
        }
        for (int64_t i = 0; i < w.shard[r]; i++)
            pads += w.at[r][i] >= cpb_plan_tokens(plan);
        assert_int_equal(keys + pads, w.slots[r]);
    }
}

static void held_keys_ascend_and_lie_where_they_are_said_to_lie(void **state)
{
    (void)state;
    visit_exchanges(8, assert_held);
}

static void assert_least(const cpb_plan *plan, const cpb_mask *mask,
                         const cpb_exchange *exchange)
{
    const cpb_capacity least = cpb_exchange_least(exchange), none = {-1, -1, -1};
    int64_t longest = 0, slots[MOST_RANKS * ROOM];
    (void)mask;
    (void)plan;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++) {
        size_t n;
        (void)cpb_exchange_sent(exchange, r, -1, &n);
        longest = (int64_t)n > longest ? (int64_t)n : longest;
        (void)cpb_exchange_received(exchange, r, -1, &n);
        longest = (int64_t)n > longest ? (int64_t)n : longest;
    }
    assert_int_equal(least.transfers, longest);
    assert_int_equal(least.receive, receive_max(exchange));
    assert_int_equal(cpb_exchange_fits(exchange, &least, NULL), CPB_OK);
    assert_int_equal(cpb_exchange_fits(exchange, &none, NULL), CPB_OK);
    if (!least.receive)
        return;
    for (int i = 0; i < 3; i++) {
        const cpb_capacity tight = {least.receive - (i == 0), least.pair - (i == 1),
                                    least.transfers - (i == 2)};
        cpb_error error;
        assert_int_equal(cpb_exchange_fits(exchange, &tight, &error), CPB_UNSUPPORTED);
        assert_non_null(strstr(error.message, "fall back to `allgather`"));
    }
    bool refused = false;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++)
        for (int32_t i = 0; i < cpb_exchange_steps(exchange); i++)
            refused |= cpb_exchange_write_slots(exchange, r, CPB_FORWARD, i, CPB_GIVES,
                                                least.pair - 1, CPB_INT64, slots,
                                                NULL) == CPB_UNSUPPORTED;
    assert_true(refused);
}

static void the_least_capacity_fits_and_nothing_below_it_does(void **state)
{
    (void)state;
    visit_exchanges(9, assert_least);
}

static void
what_does_not_fit_is_told_with_rank_value_capacity_and_fallback(void **state)
{
    (void)state;
    static const struct {
        cpb_capacity capacity;
        int64_t at;
        const char *message;
    } cases[] = {
        {{3, -1, -1},
         1,
         "rank 1 receives 4 keys, above the receive capacity of 3; "
         "fall back to `allgather`"},
        {{4, 2, -1},
         0,
         "rank 0 sends 4 keys to rank 1 in step 0, above the pair "
         "capacity of 2; fall back to `allgather`"},
        {{-1, -1, 0},
         0,
         "rank 0 has a list of 1 transfers, above the capacity of 0 "
         "transfers; fall back to `allgather`"},
    };
    cpb_mask *const mask = text_mask("causal:8");
    cpb_plan *const plan = two_halves();
    cpb_exchange *const exchange = exchange_of(plan, mask, CPB_FLAT, 0);
    cpb_error error;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(cpb_exchange_fits(exchange, &cases[i].capacity, &error),
                         CPB_UNSUPPORTED);
        assert_string_equal(error.message, cases[i].message);
        assert_int_equal(error.at, cases[i].at);
    }
    int32_t slots[6];
    assert_int_equal(cpb_exchange_write_slots(exchange, 0, CPB_FORWARD, 0, CPB_GIVES, 3,
                                              CPB_INT32, slots, &error),
                     CPB_UNSUPPORTED);
    assert_string_equal(error.message,
                        "ranks 0 and 1 have more than the pair capacity of 3 keys in "
                        "step 0; fall back to `allgather`");
    assert_int_equal(error.at, 1);
    cpb_exchange_free(exchange);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_padded_slots_move_the_same_keys_as_the_lists),
        cmocka_unit_test(held_keys_ascend_and_lie_where_they_are_said_to_lie),
        cmocka_unit_test(the_least_capacity_fits_and_nothing_below_it_does),
        cmocka_unit_test(
            what_does_not_fit_is_told_with_rank_value_capacity_and_fallback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
