// SPDX-License-Identifier: Apache-2.0
/* Moves from plan to plan, and halos, against the obvious loops. */
#include "exchange_world.h"

/* --- Moves ------------------------------------------------------------------------ */

static void carry_rows(const cpb_exchange *exchange, int32_t rank,
                       int64_t shards[][ROOM], int64_t *shard)
{
    size_t n;
    const cpb_transfer *const list = cpb_exchange_received(exchange, rank, 0, &n);
    for (size_t i = 0; i < n; i++)
        for (int64_t k = 0; k < list[i].keys.end - list[i].keys.begin; k++) {
            assert_int_equal(shard[list[i].target + k], -1);
            shard[list[i].target + k] = shards[list[i].from][list[i].source + k];
        }
}

static void assert_moves(const cpb_plan *from, const cpb_plan *to)
{
    static int64_t rows[ROOM], old[MOST_RANKS][ROOM], expected[ROOM], shard[ROOM];
    cpb_exchange *exchange;
    assert_int_equal(cpb_exchange_create_move(from, to, NULL, &exchange, NULL), CPB_OK);
    assert_lists(exchange, true);
    for (int64_t p = 0; p < ROOM; p++)
        rows[p] = p < cpb_plan_tokens(from) ? 1000 + p : -1;
    for (int32_t r = 0; r < cpb_plan_ranks(from); r++)
        cpb_rows_gather(from, r, rows, sizeof *rows, old[r]);
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++) {
        const int64_t size = r < cpb_plan_ranks(to) ? cpb_plan_size(to, r) : 0;
        assert_int_equal(cpb_exchange_traffic(exchange, r).buffer, size);
        memset(shard, -1, sizeof shard);
        carry_rows(exchange, r, old, shard);
        if (size)
            cpb_rows_gather(to, r, rows, sizeof *rows, expected);
        assert_memory_equal(shard, expected, (size_t)size * sizeof *shard);
    }
    cpb_exchange_free(exchange);
}

static void a_move_makes_the_shards_of_the_other_plan(void **state)
{
    (void)state;
    uint64_t seed = 10;
    for (int round = 0; round < 400; round++) {
        const int64_t tokens = test_random(&seed, 1, 300);
        const int32_t ranks = (int32_t)test_random(&seed, 1, MOST_RANKS);
        const int32_t others =
            round % 2 ? ranks : (int32_t)test_random(&seed, 1, MOST_RANKS);
        cpb_plan *const from =
            random_plan(&seed, tokens, ranks, test_random(&seed, 1, 90));
        cpb_plan *const to =
            random_plan(&seed, tokens, others, test_random(&seed, 1, 90));
        assert_moves(from, to);
        assert_moves(from, from);
        cpb_plan_free(from);
        cpb_plan_free(to);
    }
}

static void a_plan_moved_to_itself_sends_nothing(void **state)
{
    (void)state;
    uint64_t seed = 11;
    cpb_plan *const plan = random_plan(&seed, 200, 5, 20);
    cpb_exchange *exchange;
    assert_int_equal(cpb_exchange_create_move(plan, plan, NULL, &exchange, NULL),
                     CPB_OK);
    for (int32_t r = 0; r < 5; r++) {
        const cpb_traffic traffic = cpb_exchange_traffic(exchange, r);
        assert_int_equal(traffic.receive + traffic.send, 0);
        assert_int_equal(traffic.shard, traffic.buffer);
    }
    cpb_exchange_free(exchange);
    cpb_plan_free(plan);
}

/* --- Halos ------------------------------------------------------------------------ */

static int64_t document_begin(const cpb_halo_rule *rule, int64_t p)
{
    int64_t begin = 0;
    for (size_t d = 0; d < rule->n_documents && rule->document_ends[d] <= p; d++)
        begin = rule->document_ends[d];
    return begin;
}

/* Where the naive halo of a run begins. */
static int64_t halo_begin(const cpb_plan *plan, cpb_range run,
                          const cpb_halo_rule *rule)
{
    int64_t begin = run.begin;
    while (run.begin < cpb_plan_tokens(plan) && begin > 0 &&
           run.begin - begin < rule->length && begin > document_begin(rule, run.begin))
        begin--;
    return begin;
}

/* A rank's halos are the naive ones, and its buffer holds what it lacks of them. */
static void assert_rank_halo(const world *w, const cpb_plan *plan, int32_t r,
                             const cpb_halo_rule *rule)
{
    static cpb_halo halos[MOST_RANKS * ROOM];
    bool in_halo[ROOM] = {false};
    size_t n, counted, i = 0;
    assert_int_equal(
        cpb_halo_write(plan, r, rule, NULL, COUNT_OF(halos), halos, &n, NULL), CPB_OK);
    assert_int_equal(cpb_halo_write(plan, r, rule, NULL, 0, NULL, &counted, NULL),
                     CPB_OK);
    assert_int_equal(n, counted);
    for (size_t run = 0; run < cpb_plan_n_runs(plan, r); run++) {
        const cpb_range own = cpb_plan_runs(plan, r)[run];
        int64_t p = halo_begin(plan, own, rule);
        for (; i < n && halos[i].run == (int64_t)run; p = halos[i++].keys.end) {
            assert_int_equal(halos[i].keys.begin, p);
            for (int64_t k = p; k < halos[i].keys.end; k++) {
                assert_int_equal(w->at[halos[i].owner][halos[i].slot + k - p], k);
                in_halo[k] = true;
            }
        }
        assert_int_equal(p, own.begin);
    }
    assert_int_equal(i, n);
    int64_t lacked = 0;
    for (int64_t k = 0; k < cpb_plan_tokens(plan); k++)
        lacked += in_halo[k] && !owns(plan, r, k);
    assert_int_equal(lacked, w->slots[r] - w->shard[r]);
    for (int64_t slot = w->shard[r]; slot < w->slots[r]; slot++)
        assert_true(in_halo[w->at[r][slot]]);
}

static void assert_halo(const cpb_plan *plan, int64_t length, size_t n_documents,
                        const int64_t *ends)
{
    static world w;
    const cpb_halo_rule rule = {length, n_documents, ends};
    cpb_exchange *exchange;
    assert_int_equal(cpb_exchange_create_halo(plan, &rule, NULL, &exchange, NULL),
                     CPB_OK);
    run_all(&w, plan, exchange);
    assert_lists(exchange, false);
    for (int32_t r = 0; r < w.ranks; r++)
        assert_rank_halo(&w, plan, r, &rule);
    cpb_exchange_free(exchange);
}

static void halos_are_the_positions_before_each_run_inside_its_document(void **state)
{
    (void)state;
    uint64_t seed = 12;
    for (int round = 0; round < 300; round++) {
        const int64_t tokens = test_random(&seed, 1, 150);
        cpb_plan *const plan =
            random_plan(&seed, tokens, (int32_t)test_random(&seed, 1, MOST_RANKS),
                        round % 2 ? 5 : 40);
        int64_t ends[MOST_DOCUMENTS];
        const size_t n = test_lengths(&seed, tokens, MOST_DOCUMENTS, ends);
        for (size_t d = 1; d < n; d++)
            ends[d] += ends[d - 1];
        const int64_t length = test_random(&seed, 0, round % 3 ? 6 : 200);
        assert_halo(plan, length, n, ends);
        assert_halo(plan, length, 0, NULL);
        assert_halo(plan, INT64_MAX, n, ends);
        cpb_plan_free(plan);
    }
}

/* --- Refusals, memory ------------------------------------------------------------- */

static void bad_moves_and_halos_are_refused_in_one_sentence(void **state)
{
    (void)state;
    uint64_t seed = 14;
    cpb_plan *const plan = two_halves(), *const longer = random_plan(&seed, 9, 2, 3);
    cpb_exchange *exchange;
    cpb_error error;
    size_t n;
    const cpb_halo_rule negative = {.length = -2};
    assert_int_equal(cpb_exchange_create_move(plan, longer, NULL, &exchange, &error),
                     CPB_INVALID);
    assert_null(exchange);
    assert_string_equal(error.message, "one plan has 8 tokens, the other has 9; both "
                                       "must be of the same sequence");
    assert_int_equal(cpb_exchange_create_halo(plan, &negative, NULL, &exchange, &error),
                     CPB_INVALID);
    assert_null(exchange);
    assert_string_equal(error.message, "a halo of -2 positions is negative; 0 and more "
                                       "are accepted");
    assert_int_equal(cpb_halo_write(plan, 0, &negative, NULL, 0, NULL, &n, &error),
                     CPB_INVALID);
    cpb_plan_free(plan);
    cpb_plan_free(longer);
}

static cpb_status attempt_move(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_allocator *allocator, cpb_error *error)
{
    cpb_exchange *e;
    (void)mask;
    const cpb_status status =
        cpb_exchange_create_move(plan, plan, allocator, &e, error);
    return kept(status, e);
}

static cpb_status attempt_halo(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_allocator *allocator, cpb_error *error)
{
    const cpb_halo_rule rule = {.length = 3};
    cpb_exchange *e;
    size_t n;
    (void)mask;
    const cpb_status status =
        cpb_exchange_create_halo(plan, &rule, allocator, &e, error);
    if (kept(status, e) != CPB_OK)
        return status;
    return cpb_halo_write(plan, 0, &rule, allocator, 0, NULL, &n, error);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static attempt_fn *const attempts[] = {attempt_move, attempt_halo};
    assert_allocations_may_fail(attempts, COUNT_OF(attempts));
    cpb_exchange_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_move_makes_the_shards_of_the_other_plan),
        cmocka_unit_test(a_plan_moved_to_itself_sends_nothing),
        cmocka_unit_test(halos_are_the_positions_before_each_run_inside_its_document),
        cmocka_unit_test(bad_moves_and_halos_are_refused_in_one_sentence),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
