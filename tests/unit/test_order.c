// SPDX-License-Identifier: Apache-2.0
/* Per-token arrays of random plans against the obvious loops. */
#include "testing.h"

#include "read/iota.h"

#include <stdio.h>
#include <string.h>

enum { ROOM = 4096, MOST_RANKS = 9, GUARD = 64, LARGE = 1 << 21 };

static const cpb_promise any_promise = {
    .sizes = CPB_UNEVEN, .chunk = 1, .granularity = 1, .cap = -1, .algorithm = 1};

/* Runs of 1 .. longest positions, dealt to ranks of random sizes. */
static cpb_plan *random_plan(uint64_t *seed, int64_t n, int64_t longest)
{
    cpb_range *const runs = malloc((size_t)n * sizeof *runs);
    int64_t first[MOST_RANKS + 1];
    const int32_t ranks = (int32_t)test_random(seed, 1, MOST_RANKS);
    assert_non_null(runs);
    test_deal_runs(seed, n, longest, ranks, first, runs);

    cpb_plan *plan;
    const int64_t padding = test_random(seed, 0, n / 2 < 20 ? n / 2 : 20);
    assert_int_equal(cpb_plan_create_runs(n - padding, padding, ranks, first, runs,
                                          &any_promise, NULL, &plan, NULL),
                     CPB_OK);
    free(runs);
    return plan;
}

static int64_t positions_of(const cpb_plan *plan)
{
    return cpb_plan_tokens(plan) + cpb_plan_padding(plan);
}

static int64_t element(cpb_index type, const void *array, int64_t i)
{
    return type == CPB_INT32 ? ((const int32_t *)array)[i]
                             : ((const int64_t *)array)[i];
}

/* An array of n elements at some distance from a cache line, with guards around. */
typedef struct guarded {
    unsigned char *memory;
    unsigned char *array;
    size_t bytes;
} guarded;

static guarded guarded_take(cpb_index type, int64_t n, int64_t offset)
{
    guarded g = {.bytes = (size_t)n * cpb_index_bytes(type)};
    const size_t all = (g.bytes + 4 * GUARD) / GUARD * GUARD;
    g.memory = aligned_alloc(GUARD, all);
    assert_non_null(g.memory);
    memset(g.memory, 0x5a, all);
    g.array = g.memory + GUARD + (size_t)offset * cpb_index_bytes(type);
    return g;
}

static void guarded_free(guarded *g)
{
    for (const unsigned char *p = g->memory; p < g->array; p++)
        assert_int_equal(*p, 0x5a);
    for (int i = 0; i < GUARD; i++)
        assert_int_equal(g->array[g->bytes + (size_t)i], 0x5a);
    free(g->memory);
}

/* The law: the order lists the runs, rank by rank, and the inverse undoes it. */
static void assert_is_order(const cpb_plan *plan, cpb_index type, const void *order,
                            const void *inverse)
{
    int64_t slot = 0, wrong = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++) {
        const cpb_range *const runs = cpb_plan_runs(plan, r);
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            for (int64_t p = runs[i].begin; p < runs[i].end; p++, slot++) {
                wrong += order && element(type, order, slot) != p;
                wrong += inverse && element(type, inverse, p) != slot;
            }
    }
    assert_int_equal(slot, positions_of(plan));
    assert_int_equal(wrong, 0);
}

typedef void write_fn(const cpb_iota *iota);

static void assert_writes(const cpb_plan *plan, write_fn *write, cpb_index type,
                          int64_t offset)
{
    const int64_t n = positions_of(plan);
    guarded order = guarded_take(type, n, offset);
    guarded inverse = guarded_take(type, n, (offset * 5 + 3) % 8);
    size_t n_runs = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        n_runs += cpb_plan_n_runs(plan, r);
    const cpb_iota iota = {.type = type,
                           .n = n,
                           .n_runs = n_runs,
                           .runs = cpb_plan_runs(plan, 0),
                           .order = order.array,
                           .inverse = inverse.array};

    write(&iota);
    assert_is_order(plan, type, order.array, inverse.array);
    guarded_free(&order);
    guarded_free(&inverse);
}

static void every_way_writes_what_the_obvious_loop_writes(void **state)
{
    (void)state;
    static const int64_t longest[] = {1, 2, 3, 7, 20, 65, 130, 300, ROOM};
    uint64_t seed = 1;
    for (int round = 0; round < 300; round++) {
        cpb_plan *const plan = random_plan(&seed, test_random(&seed, 1, ROOM),
                                           longest[(size_t)round % COUNT_OF(longest)]);
        const int64_t offset = test_random(&seed, 0, 7);
        for (size_t i = 0; cpb_iota_way_at(i); i++) {
            const cpb_iota_way *const way = cpb_iota_way_at(i);
            if (!way->serves())
                continue;
            assert_writes(plan, way->cached, CPB_INT64, offset);
            assert_writes(plan, way->cached, CPB_INT32, offset);
            assert_writes(plan, way->streamed, CPB_INT64, offset);
            assert_writes(plan, way->streamed, CPB_INT32, offset);
        }
        cpb_plan_free(plan);
    }
}

static void the_plainest_way_serves_every_processor(void **state)
{
    (void)state;
    assert_true(cpb_iota_way_at(0)->serves());
}

/* Order, inverse or both, through the public door. */
static void assert_order_written(const cpb_plan *plan, cpb_index type, bool wants_order,
                                 bool wants_inverse)
{
    const int64_t n = positions_of(plan);
    guarded order = guarded_take(type, n, 2);
    guarded inverse = guarded_take(type, n, 0);
    cpb_order_write(plan, type, wants_order ? order.array : NULL,
                    wants_inverse ? inverse.array : NULL);
    assert_is_order(plan, type, wants_order ? order.array : NULL,
                    wants_inverse ? inverse.array : NULL);
    guarded_free(&order);
    guarded_free(&inverse);
}

static void order_and_inverse_undo_each_other_and_each_can_be_left_out(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int round = 0; round < 60; round++) {
        cpb_plan *const plan = random_plan(&seed, test_random(&seed, 1, ROOM), 50);
        for (int wants = 0; wants < 4; wants++) {
            assert_order_written(plan, CPB_INT64, wants & 1, wants & 2);
            assert_order_written(plan, CPB_INT32, wants & 1, wants & 2);
        }
        cpb_plan_free(plan);
    }
}

static void arrays_beyond_the_cache_are_written_alike(void **state)
{
    (void)state;
    static const int64_t longest[] = {9, 500};
    uint64_t seed = 3;
    for (size_t i = 0; i < COUNT_OF(longest); i++) {
        cpb_plan *const plan = random_plan(&seed, 2 * LARGE + 37, longest[i]);
        assert_order_written(plan, CPB_INT64, true, true);
        assert_order_written(plan, CPB_INT64, false, true);
        assert_order_written(plan, CPB_INT32, true, true);
        cpb_plan_free(plan);
    }
}

/* The document of position p by the obvious loop; pads are in none. */
static cpb_range naive_document(size_t n, const int64_t *ends, int64_t p)
{
    int64_t begin = 0;
    for (size_t d = 0; d < n; begin = ends[d++])
        if (p < ends[d])
            return (cpb_range){begin, ends[d]};
    return (cpb_range){begin, -1};
}

static int64_t naive_position(size_t n, const int64_t *ends, int64_t p)
{
    return n > 0 ? p - naive_document(n, ends, p).begin : p;
}

static int64_t naive_next(size_t n, const int64_t *ends, int64_t tokens, int64_t p)
{
    const int64_t end = n > 0 ? naive_document(n, ends, p).end : tokens;
    return p + 1 < end ? p + 1 : -1;
}

static void assert_shard(const cpb_plan *plan, int32_t rank, cpb_index type, size_t n,
                         const int64_t *ends)
{
    const int64_t size = cpb_plan_size(plan, rank);
    guarded positions = guarded_take(type, size, 1);
    guarded next = guarded_take(type, size, 0);
    const cpb_range *const runs = cpb_plan_runs(plan, rank);
    int64_t slot = 0;

    cpb_order_positions(plan, rank, n, ends, type, positions.array);
    cpb_order_next(plan, rank, n, ends, type, next.array);
    for (size_t i = 0; i < cpb_plan_n_runs(plan, rank); i++)
        for (int64_t p = runs[i].begin; p < runs[i].end; p++, slot++) {
            assert_int_equal(element(type, positions.array, slot),
                             naive_position(n, ends, p));
            assert_int_equal(element(type, next.array, slot),
                             naive_next(n, ends, cpb_plan_tokens(plan), p));
        }
    assert_int_equal(slot, size);
    guarded_free(&positions);
    guarded_free(&next);
}

static void positions_and_next_tokens_stay_inside_their_documents(void **state)
{
    (void)state;
    enum { MOST = 12 };
    uint64_t seed = 4;
    for (int round = 0; round < 400; round++) {
        cpb_plan *const plan =
            random_plan(&seed, test_random(&seed, 1, 300), round % 2 ? 4 : 90);
        int64_t ends[MOST];
        const size_t n = test_lengths(&seed, cpb_plan_tokens(plan), MOST, ends);
        for (size_t d = 1; d < n; d++)
            ends[d] += ends[d - 1];
        for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
            for (int type = CPB_INT64; type <= CPB_INT32; type++) {
                assert_shard(plan, r, (cpb_index)type, n, ends);
                assert_shard(plan, r, (cpb_index)type, 0, NULL);
            }
        cpb_plan_free(plan);
    }
}

static void labels_of_a_split_document_shift_across_run_ends(void **state)
{
    (void)state;
    static const int64_t first[] = {0, 2, 3}, ends[] = {5, 5, 6};
    static const cpb_range runs[] = {{0, 2}, {4, 8}, {2, 4}};
    int64_t next[6];
    cpb_plan *plan;
    assert_int_equal(
        cpb_plan_create_runs(6, 2, 2, first, runs, &any_promise, NULL, &plan, NULL),
        CPB_OK);
    cpb_order_next(plan, 0, 3, ends, CPB_INT64, next);
    static const int64_t of_documents[] = {1, 2, -1, -1, -1, -1};
    assert_memory_equal(next, of_documents, sizeof of_documents);
    cpb_order_next(plan, 0, 0, NULL, CPB_INT64, next);
    static const int64_t of_sequence[] = {1, 2, 5, -1, -1, -1};
    assert_memory_equal(next, of_sequence, sizeof of_sequence);
    cpb_plan_free(plan);
}

/* A capacity that fits is filled up with empty runs, one that does not is refused. */
static void assert_runs(const cpb_plan *plan, int32_t rank, cpb_index type,
                        int64_t room)
{
    const int64_t n = (int64_t)cpb_plan_n_runs(plan, rank);
    const int64_t end = positions_of(plan);
    guarded begins = guarded_take(type, room, 0), ends = guarded_take(type, room, 1);
    cpb_error error;
    if (room < n) {
        char wanted[160];
        snprintf(
            wanted, sizeof wanted,
            "rank %d has %lld runs, above the capacity of %lld; raise the capacity "
            "or fall back to the balancer `contiguous`",
            rank, (long long)n, (long long)room);
        assert_int_equal(
            cpb_order_runs(plan, rank, room, type, begins.array, ends.array, &error),
            CPB_UNSUPPORTED);
        assert_string_equal(error.message, wanted);
        assert_int_equal(error.at, rank);
    } else {
        assert_int_equal(
            cpb_order_runs(plan, rank, room, type, begins.array, ends.array, &error),
            CPB_OK);
        for (int64_t i = 0; i < room; i++) {
            const cpb_range run =
                i < n ? cpb_plan_runs(plan, rank)[i] : (cpb_range){end, end};
            assert_int_equal(element(type, begins.array, i), run.begin);
            assert_int_equal(element(type, ends.array, i), run.end);
        }
    }
    guarded_free(&begins);
    guarded_free(&ends);
}

static void runs_are_padded_to_a_capacity_or_refused(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (int round = 0; round < 200; round++) {
        cpb_plan *const plan = random_plan(&seed, test_random(&seed, 1, 300), 40);
        for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
            for (int type = CPB_INT64; type <= CPB_INT32; type++)
                for (int64_t off = -2; off <= 2; off++) {
                    const int64_t room = (int64_t)cpb_plan_n_runs(plan, r) + off;
                    if (room >= 0)
                        assert_runs(plan, r, (cpb_index)type, room);
                }
        cpb_plan_free(plan);
    }
}

/* Gather every rank's rows, compare them row by row, scatter them elsewhere. */
static void assert_rows_move(const cpb_plan *plan, const unsigned char *rows,
                             size_t row_bytes, unsigned char *back)
{
    const size_t all = (size_t)positions_of(plan) * row_bytes;
    unsigned char *const shard = malloc(all + 1);
    assert_non_null(shard);
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++) {
        const cpb_range *const runs = cpb_plan_runs(plan, r);
        size_t slot = 0;
        cpb_rows_gather(plan, r, rows, row_bytes, shard);
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            for (int64_t p = runs[i].begin; p < runs[i].end; p++)
                assert_memory_equal(shard + slot++ * row_bytes,
                                    rows + (size_t)p * row_bytes, row_bytes);
        assert_int_equal(slot, cpb_plan_size(plan, r));
        cpb_rows_scatter(plan, r, shard, row_bytes, back);
    }
    assert_memory_equal(rows, back, all);
    free(shard);
}

static void rows_of_any_size_come_back_to_their_places(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 5, 8, 13, 40, 127};
    uint64_t seed = 5;
    for (int round = 0; round < 80; round++) {
        cpb_plan *const plan = random_plan(&seed, test_random(&seed, 1, 400), 60);
        const size_t row_bytes = sizes[(size_t)round % COUNT_OF(sizes)];
        const size_t all = (size_t)positions_of(plan) * row_bytes;
        unsigned char *const rows = malloc(all), *const back = calloc(1, all);
        assert_true(rows && back);
        for (size_t i = 0; i < all; i++)
            rows[i] = (unsigned char)test_next(&seed);
        assert_rows_move(plan, rows, row_bytes, back);
        free(rows);
        free(back);
        cpb_plan_free(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_writes_what_the_obvious_loop_writes),
        cmocka_unit_test(the_plainest_way_serves_every_processor),
        cmocka_unit_test(order_and_inverse_undo_each_other_and_each_can_be_left_out),
        cmocka_unit_test(arrays_beyond_the_cache_are_written_alike),
        cmocka_unit_test(positions_and_next_tokens_stay_inside_their_documents),
        cmocka_unit_test(labels_of_a_split_document_shift_across_run_ends),
        cmocka_unit_test(runs_are_padded_to_a_capacity_or_refused),
        cmocka_unit_test(rows_of_any_size_come_back_to_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
