// SPDX-License-Identifier: Apache-2.0
/* Shard slices and key layouts against a dense picture of every pair. */
#include "shard_world.h"

/* --- Key layouts ------------------------------------------------------------------ */

static void assert_layout(const shard_case *c)
{
    int64_t positions[2 * ROOM];
    int32_t narrow[2 * ROOM];
    const int64_t slots = cpb_keys_slots(c->shard.keys);
    cpb_keys_positions(c->shard.keys, CPB_INT64, positions);
    cpb_keys_positions(c->shard.keys, CPB_INT32, narrow);
    for (int64_t i = 0; i < slots; i++)
        assert_int_equal(narrow[i], positions[i]);
    assert_int_equal(slots, c->k_slots);
    assert_memory_equal(positions, c->key_at, (size_t)slots * sizeof *positions);

    size_t n;
    const cpb_holding *const held = cpb_keys_holdings(c->shard.keys, &n);
    for (size_t i = 1; i < n; i++) {
        assert_true(held[i - 1].keys.end <= held[i].keys.begin);
        assert_false(held[i - 1].keys.end == held[i].keys.begin &&
                     held[i - 1].slot + held[i - 1].keys.end - held[i - 1].keys.begin ==
                         held[i].slot);
    }
}

static void a_layout_says_which_slot_holds_which_position(void **state)
{
    (void)state;
    visit_shards(1, assert_layout);
}

/* --- Slices ----------------------------------------------------------------------- */

static bool slice_allows(const cpb_slice *s, int64_t q, int64_t k)
{
    const bool causal = s->kind == CPB_CAUSAL || s->kind == CPB_BI_CAUSAL;
    const bool inverse = s->kind == CPB_INVERSE_CAUSAL || s->kind == CPB_BI_CAUSAL;
    return q >= s->queries.begin && q < s->queries.end && k >= s->keys.begin &&
           k < s->keys.end && (!causal || s->keys.end - k > s->queries.end - 1 - q) &&
           (!inverse || k - s->keys.begin >= q - s->queries.begin);
}

/* Paint every pair of every slice: none twice, each query of a slice sees a key. */
static void assert_slices(const shard_case *c)
{
    static cpb_slice slices[ROOM * ROOM];
    static uint8_t painted[ROOM * ROOM];
    size_t n, counted;
    assert_int_equal(cpb_shard_slices(&c->shard, 0, NULL, &counted, NULL), CPB_OK);
    assert_true(counted <= COUNT_OF(slices));
    assert_int_equal(cpb_shard_slices(&c->shard, counted, slices, &n, NULL), CPB_OK);
    assert_int_equal(n, counted);

    memset(painted, 0, (size_t)(c->q_slots * c->k_slots));
    for (size_t i = 0; i < n; i++)
        for (int64_t q = slices[i].queries.begin; q < slices[i].queries.end; q++) {
            int64_t seen = 0;
            for (int64_t k = slices[i].keys.begin; k < slices[i].keys.end; k++)
                if (slice_allows(&slices[i], q, k)) {
                    assert_false(painted[q * c->k_slots + k]++);
                    seen++;
                }
            assert_true(seen > 0);
        }
    assert_memory_equal(painted, c->allowed, (size_t)(c->q_slots * c->k_slots));
}

static void slices_hold_exactly_the_pairs_of_the_shard(void **state)
{
    (void)state;
    visit_shards(2, assert_slices);
}

static void nothing_is_written_beyond_the_room(void **state)
{
    (void)state;
    cpb_mask *const mask = text_mask("documents:3,5");
    cpb_plan *const plan = two_halves();
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_AS_ARRIVED);
    const cpb_shard shard = {plan, mask, keys, 0};
    cpb_slice slices[3] = {{.kind = CPB_BI_CAUSAL}, {.kind = CPB_BI_CAUSAL}};
    size_t n;
    assert_int_equal(cpb_shard_slices(&shard, 1, slices, &n, NULL), CPB_OK);
    assert_int_equal(n, 2);
    assert_int_equal(slices[0].queries.end, 3);
    assert_int_equal(slices[0].keys.end, 3);
    assert_int_equal(slices[0].kind, CPB_CAUSAL);
    assert_int_equal(slices[1].queries.end, 0);
    assert_int_equal(slices[1].kind, CPB_BI_CAUSAL);
    cpb_keys_free(keys);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

/* One causal document, both ranks' keys all-gathered, head-tail on two ranks: rank 0
 * holds [0, 2) and [6, 8). */
static void a_document_on_two_ranks_is_cut_where_its_keys_are(void **state)
{
    (void)state;
    static const int64_t first[] = {0, 2, 3};
    static const cpb_range runs[] = {{0, 2}, {6, 8}, {2, 6}};
    cpb_mask *const mask = text_mask("causal:8");
    cpb_plan *plan;
    assert_int_equal(
        cpb_plan_create_runs(8, 0, 2, first, runs, &any_promise, NULL, &plan, NULL),
        CPB_OK);
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_AS_ARRIVED);
    const cpb_shard shard = {plan, mask, keys, 0};
    static const cpb_slice expected[] = {
        {{0, 2}, {0, 2}, CPB_CAUSAL}, /* head on itself */
        {{2, 4}, {0, 2}, CPB_FULL},   /* tail on head */
        {{2, 4}, {4, 8}, CPB_FULL},   /* tail on rank 1's keys */
        {{2, 4}, {2, 4}, CPB_CAUSAL}, /* tail on itself */
    };
    cpb_slice slices[4];
    size_t n;
    assert_int_equal(cpb_shard_slices(&shard, 4, slices, &n, NULL), CPB_OK);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(slices[i].queries.begin, expected[i].queries.begin);
        assert_int_equal(slices[i].queries.end, expected[i].queries.end);
        assert_int_equal(slices[i].keys.begin, expected[i].keys.begin);
        assert_int_equal(slices[i].keys.end, expected[i].keys.end);
        assert_int_equal(slices[i].kind, expected[i].kind);
    }
    cpb_keys_free(keys);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

/* --- Sights ----------------------------------------------------------------------- */

/* The intervals of a query hold exactly its keys, none twice; spare room is empty. */
static void assert_sights(const shard_case *c)
{
    enum { MOST_LEVELS = 64, SPARE = 2 };
    static int32_t low[MOST_LEVELS * ROOM], high[MOST_LEVELS * ROOM];
    int64_t needed, counted;
    const cpb_status counts =
        cpb_shard_sights(&c->shard, 0, 0, NULL, NULL, &counted, NULL, NULL);
    if (counts == CPB_UNSUPPORTED)
        return; /* as arrived */
    assert_int_equal(counts, CPB_OK);
    const int64_t levels = counted + SPARE, stride = c->q_slots + SPARE;
    assert_true(levels <= MOST_LEVELS && stride <= ROOM);
    assert_int_equal(
        cpb_shard_sights(&c->shard, levels, stride, low, high, &needed, NULL, NULL),
        CPB_OK);
    assert_int_equal(needed, counted);
    for (int64_t q = 0; q < stride; q++) {
        uint8_t seen[2 * ROOM] = {0};
        for (int64_t level = 0; level < levels; level++)
            for (int64_t k = low[level * stride + q]; k < high[level * stride + q]; k++)
                assert_false(seen[k]++);
        for (int64_t k = 0; k < c->k_slots; k++)
            assert_int_equal(seen[k], q < c->q_slots && c->allowed[q * c->k_slots + k]);
    }
    if (counted > 1)
        assert_int_equal(
            cpb_shard_sights(&c->shard, 1, stride, low, high, &needed, NULL, NULL),
            CPB_UNSUPPORTED);
}

static void sights_hold_exactly_the_keys_of_each_query(void **state)
{
    (void)state;
    visit_shards(4, assert_sights);
}

/* --- Refusals --------------------------------------------------------------------- */

static void a_needed_key_that_is_not_held_is_refused(void **state)
{
    (void)state;
    cpb_mask *const apart = text_mask("documents:4,4");
    cpb_mask *const together = text_mask("causal:8");
    cpb_plan *const plan = two_halves();
    cpb_exchange *exchange;
    assert_int_equal(cpb_exchange_create(plan, apart, NULL, NULL, &exchange, NULL),
                     CPB_OK);
    cpb_keys *const keys = layout(plan, exchange, 1, CPB_ASCENDING);
    const cpb_shard shard = {plan, together, keys, 1};
    size_t n = 7;
    cpb_error error;
    assert_int_equal(cpb_shard_slices(&shard, 0, NULL, &n, &error), CPB_INVALID);
    assert_int_equal(n, 0);
    assert_int_equal(error.at, 0);
    assert_string_equal(error.message,
                        "rank 1 needs key 0, which the key layout lacks; lay out all "
                        "keys, or those after the exchange of this plan and mask");
    int64_t needed;
    error.at = -1;
    assert_int_equal(cpb_shard_sights(&shard, 0, 0, NULL, NULL, &needed, NULL, &error),
                     CPB_INVALID);
    assert_int_equal(error.at, 0);
    cpb_keys_free(keys);
    cpb_exchange_free(exchange);
    cpb_plan_free(plan);
    cpb_mask_free(together);
    cpb_mask_free(apart);
}

static void other_tokens_are_refused(void **state)
{
    (void)state;
    cpb_mask *const mask = text_mask("causal:9");
    cpb_plan *const plan = two_halves();
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_AS_ARRIVED);
    const cpb_shard shard = {plan, mask, keys, 0};
    size_t n;
    cpb_error error;
    assert_int_equal(cpb_shard_slices(&shard, 0, NULL, &n, &error), CPB_INVALID);
    assert_string_equal(error.message, "the mask has 9 tokens and the plan 8; accepted "
                                       "are equal numbers");
    cpb_keys_free(keys);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

/* --- Memory ----------------------------------------------------------------------- */

static cpb_status try_layout(const cpb_plan *plan, const cpb_mask *mask, bool held,
                             const cpb_allocator *allocator, cpb_error *error)
{
    cpb_exchange *exchange = NULL;
    cpb_keys *keys;
    if (held)
        assert_int_equal(cpb_exchange_create(plan, mask, NULL, NULL, &exchange, NULL),
                         CPB_OK);
    const cpb_status status =
        cpb_keys_create(plan, exchange, 1, CPB_ASCENDING, allocator, &keys, error);
    assert_true((status == CPB_OK) == (keys != NULL));
    cpb_keys_free(keys);
    cpb_exchange_free(exchange);
    return status;
}

static cpb_status try_all(const cpb_plan *plan, const cpb_mask *mask,
                          const cpb_allocator *allocator, cpb_error *error)
{
    return try_layout(plan, mask, false, allocator, error);
}

static cpb_status try_held(const cpb_plan *plan, const cpb_mask *mask,
                           const cpb_allocator *allocator, cpb_error *error)
{
    return try_layout(plan, mask, true, allocator, error);
}

static cpb_status try_sights(const cpb_plan *plan, const cpb_mask *mask,
                             const cpb_allocator *allocator, cpb_error *error)
{
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_ASCENDING);
    const cpb_shard shard = {plan, mask, keys, 0};
    int64_t needed;
    const cpb_status status =
        cpb_shard_sights(&shard, 0, 0, NULL, NULL, &needed, allocator, error);
    cpb_keys_free(keys);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static attempt_fn *const attempts[] = {try_all, try_held, try_sights};
    assert_allocations_may_fail(attempts, COUNT_OF(attempts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layout_says_which_slot_holds_which_position),
        cmocka_unit_test(slices_hold_exactly_the_pairs_of_the_shard),
        cmocka_unit_test(sights_hold_exactly_the_keys_of_each_query),
        cmocka_unit_test(nothing_is_written_beyond_the_room),
        cmocka_unit_test(a_document_on_two_ranks_is_cut_where_its_keys_are),
        cmocka_unit_test(a_needed_key_that_is_not_held_is_refused),
        cmocka_unit_test(other_tokens_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
