// SPDX-License-Identifier: Apache-2.0
/* Shard block masks against tiles counted pair by pair. */
#include "shard_world.h"

#include <stdio.h>

enum { NO_ENTRY = -7, MOST_BLOCKS = 2 * ROOM + 64 };

static uint64_t blocking_seed = 5;

/* --- The oracle ------------------------------------------------------------------- */

enum { EMPTY, PARTIAL, FULL };

typedef struct tiling {
    cpb_blocking blocking;
    int64_t rows, columns;
    uint8_t kind[MOST_BLOCKS * MOST_BLOCKS]; /* [rows][columns] */
} tiling;

static int kind_of(const shard_case *c, const cpb_blocking *b, int64_t row,
                   int64_t column)
{
    int64_t allowed = 0;
    for (int64_t q = row * b->block_q; q < (row + 1) * b->block_q && q < c->q_slots;
         q++)
        for (int64_t k = column * b->block_k;
             k < (column + 1) * b->block_k && k < c->k_slots; k++)
            allowed += c->allowed[q * c->k_slots + k];
    return !allowed ? EMPTY : allowed == b->block_q * b->block_k ? FULL : PARTIAL;
}

static void tile(const shard_case *c, const cpb_blocking *b, tiling *t)
{
    const int64_t q_length = b->q_length < 0 ? c->q_slots : b->q_length;
    const int64_t k_length = b->k_length < 0 ? c->k_slots : b->k_length;
    t->blocking = *b;
    t->rows = (q_length + b->block_q - 1) / b->block_q;
    t->columns = (k_length + b->block_k - 1) / b->block_k;
    assert_true(t->rows <= MOST_BLOCKS && t->columns <= MOST_BLOCKS);
    for (int64_t row = 0; row < t->rows; row++)
        for (int64_t column = 0; column < t->columns; column++)
            t->kind[row * t->columns + column] = (uint8_t)kind_of(c, b, row, column);
}

/* The entries of one row of a table; returns how many. */
static int64_t list_row(const tiling *t, cpb_table table, int64_t i, int32_t *entries)
{
    const bool turned = table == CPB_Q || table == CPB_FULL_Q;
    const int wanted = table == CPB_FULL_KV || table == CPB_FULL_Q ? FULL : PARTIAL;
    const int64_t others = turned ? t->rows : t->columns;
    int64_t n = 0;
    for (int64_t j = 0; j < others; j++)
        if (t->kind[turned ? j * t->columns + i : i * t->columns + j] == wanted)
            entries[n++] = (int32_t)j;
    return n;
}

/* --- Tables ----------------------------------------------------------------------- */

static void assert_rows(const cpb_shard_blocks *blocks, const tiling *t,
                        cpb_table table)
{
    static int32_t first[MOST_BLOCKS + 1], indices[MOST_BLOCKS * MOST_BLOCKS];
    const cpb_table_shape shape = cpb_shard_blocks_shape(blocks, table);
    const bool turned = table == CPB_Q || table == CPB_FULL_Q;
    int64_t entries = 0, longest = 0;

    assert_int_equal(shape.rows, turned ? t->columns : t->rows);
    assert_int_equal(shape.columns, turned ? t->rows : t->columns);
    indices[shape.entries] = NO_ENTRY;
    assert_int_equal(cpb_shard_blocks_write_rows(blocks, table, first, indices, NULL),
                     CPB_OK);
    for (int64_t i = 0; i < shape.rows; i++) {
        int32_t expected[MOST_BLOCKS];
        const int64_t n = list_row(t, table, i, expected);
        assert_int_equal(first[i], entries);
        entries += n;
        assert_int_equal(first[i + 1], entries);
        assert_memory_equal(indices + first[i], expected, (size_t)n * sizeof *expected);
        longest = n > longest ? n : longest;
    }
    assert_int_equal(shape.entries, entries);
    assert_int_equal(shape.longest, longest);
    assert_int_equal(indices[entries], NO_ENTRY);
}

/* With `spare` rows and columns more than needed. */
static void assert_padded(const cpb_shard_blocks *blocks, const tiling *t,
                          cpb_table table, int64_t spare)
{
    static int32_t counts[MOST_BLOCKS + 8], indices[(MOST_BLOCKS + 8) * MOST_BLOCKS];
    const cpb_table_shape shape = cpb_shard_blocks_shape(blocks, table);
    const int64_t rows = shape.rows + spare, stride = shape.longest + spare;
    indices[rows * stride] = NO_ENTRY;
    assert_int_equal(
        cpb_shard_blocks_write(blocks, table, rows, stride, -3, counts, indices, NULL),
        CPB_OK);
    for (int64_t i = 0; i < rows; i++) {
        int32_t expected[MOST_BLOCKS];
        const int64_t n = i < shape.rows ? list_row(t, table, i, expected) : 0;
        assert_int_equal(counts[i], n);
        assert_memory_equal(indices + i * stride, expected,
                            (size_t)n * sizeof *expected);
        for (int64_t j = n; j < stride; j++)
            assert_int_equal(indices[i * stride + j], -3);
    }
    assert_int_equal(indices[rows * stride], NO_ENTRY);
}

static void assert_tables(const shard_case *c, const cpb_blocking *blocking)
{
    static tiling t;
    cpb_shard_blocks *blocks;
    assert_int_equal(cpb_shard_blocks_create(&c->shard, blocking, NULL, &blocks, NULL),
                     CPB_OK);
    tile(c, blocking, &t);
    for (cpb_table table = CPB_KV; table <= CPB_FULL_Q; table++) {
        assert_rows(blocks, &t, table);
        assert_padded(blocks, &t, table, 0);
        assert_padded(blocks, &t, table, 3);
    }
    cpb_shard_blocks_free(blocks);
}

static int64_t random_block(void)
{
    static const int64_t sizes[] = {1, 2, 3, 4, 8, 11, 16, 32, 1000};
    return sizes[test_random(&blocking_seed, 0, COUNT_OF(sizes) - 1)];
}

static void assert_blocks(const shard_case *c)
{
    const bool exact = test_random(&blocking_seed, 0, 1);
    assert_tables(
        c, &(cpb_blocking){
               .block_q = random_block(),
               .block_k = random_block(),
               .q_length = exact ? -1 : c->q_slots + test_random(&blocking_seed, 0, 40),
               .k_length = exact ? -1 : c->k_slots + test_random(&blocking_seed, 0, 40),
           });
}

static void tables_list_the_tiles_that_a_count_of_pairs_finds(void **state)
{
    (void)state;
    visit_shards(3, assert_blocks);
}

/* Two full slices side by side, and one on top of the other, make whole tiles. */
static void a_union_of_slices_makes_a_full_tile(void **state)
{
    (void)state;
    static const cpb_slice slices[] = {
        {{0, 4}, {0, 3}, CPB_FULL},
        {{0, 4}, {3, 4}, CPB_FULL},
        {{4, 6}, {0, 4}, CPB_FULL},
        {{6, 8}, {0, 4}, CPB_FULL},
        {{4, 8}, {4, 8}, CPB_CAUSAL},
        {{4, 7}, {5, 8}, CPB_INVERSE_CAUSAL}, /* the rest of the square */
    };
    static const int64_t first[] = {0, 1};
    static const cpb_range run = {0, 8};
    cpb_mask *mask;
    cpb_plan *plan;
    cpb_shard_blocks *blocks;
    assert_int_equal(
        cpb_mask_create(8, COUNT_OF(slices), slices, 0, NULL, NULL, &mask, NULL),
        CPB_OK);
    assert_int_equal(
        cpb_plan_create_runs(8, 0, 1, first, &run, &any_promise, NULL, &plan, NULL),
        CPB_OK);
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_ASCENDING);
    const cpb_shard shard = {plan, mask, keys, 0};
    const cpb_blocking blocking = {4, 4, -1, -1};
    assert_int_equal(cpb_shard_blocks_create(&shard, &blocking, NULL, &blocks, NULL),
                     CPB_OK);
    int32_t counts[2], indices[4];
    assert_int_equal(
        cpb_shard_blocks_write(blocks, CPB_FULL_KV, 2, 2, -1, counts, indices, NULL),
        CPB_OK);
    static const int32_t full_counts[] = {1, 2}, full[] = {0, -1, 0, 1};
    assert_memory_equal(counts, full_counts, sizeof full_counts);
    assert_memory_equal(indices, full, sizeof full);
    assert_int_equal(cpb_shard_blocks_shape(blocks, CPB_KV).entries, 0);
    cpb_shard_blocks_free(blocks);
    cpb_keys_free(keys);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

/* Few rows, far apart on the key side: what lies between is not listed. */
static void global_tokens_and_a_window_far_away_are_both_listed(void **state)
{
    (void)state;
    cpb_mask *const mask = text_mask("sinks:1048576;g=4;n=64");
    static const int64_t first[] = {0, 1};
    static const cpb_range run = {0, 1 << 20};
    cpb_plan *plan;
    cpb_shard_blocks *blocks;
    assert_int_equal(cpb_plan_create_runs(1 << 20, 0, 1, first, &run, &any_promise,
                                          NULL, &plan, NULL),
                     CPB_OK);
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_ASCENDING);
    const cpb_shard shard = {plan, mask, keys, 0};
    const cpb_blocking blocking = {128, 128, -1, -1};
    assert_int_equal(cpb_shard_blocks_create(&shard, &blocking, NULL, &blocks, NULL),
                     CPB_OK);
    assert_int_equal(cpb_shard_blocks_shape(blocks, CPB_KV).longest, 3);
    assert_int_equal(cpb_shard_blocks_shape(blocks, CPB_KV).entries, 3 * 8192 - 1 - 2);
    assert_int_equal(cpb_shard_blocks_shape(blocks, CPB_Q).longest, 8192);
    cpb_shard_blocks_free(blocks);
    cpb_keys_free(keys);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

/* --- Refusals --------------------------------------------------------------------- */

static void assert_refused(const cpb_shard *shard, cpb_blocking blocking,
                           const char *sentence)
{
    cpb_shard_blocks *blocks = (cpb_shard_blocks *)&blocking;
    cpb_error error;
    assert_int_equal(cpb_shard_blocks_create(shard, &blocking, NULL, &blocks, &error),
                     CPB_INVALID);
    assert_null(blocks);
    assert_string_equal(error.message, sentence);
}

static void wrong_blocks_and_lengths_are_refused(void **state)
{
    (void)state;
    cpb_mask *const mask = text_mask("causal:8");
    cpb_mask *const other = text_mask("causal:9");
    cpb_plan *const plan = two_halves();
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_AS_ARRIVED);
    const cpb_shard shard = {plan, mask, keys, 1}, odd = {plan, other, keys, 1};
    assert_refused(&shard, (cpb_blocking){0, 1, -1, -1},
                   "blocks of 0 queries are out of range; accepted is 1 to 1073741824");
    assert_refused(&shard, (cpb_blocking){1, -5, -1, -1},
                   "blocks of -5 keys are out of range; accepted is 1 to 1073741824");
    assert_refused(&shard, (cpb_blocking){1, 1, 3, -1},
                   "a query length of 3 is out of range; accepted is 4 to 1073741824, "
                   "or -1 for the least");
    assert_refused(&shard, (cpb_blocking){1, 1, -1, 7},
                   "a key length of 7 is out of range; accepted is 8 to 1073741824, or "
                   "-1 for the least");
    assert_refused(&odd, (cpb_blocking){1, 1, -1, -1},
                   "the mask has 9 tokens and the plan 8; accepted are equal numbers");

    cpb_exchange *exchange;
    cpb_mask *const apart = text_mask("documents:4,4");
    assert_int_equal(cpb_exchange_create(plan, apart, NULL, NULL, &exchange, NULL),
                     CPB_OK);
    cpb_keys *const held = layout(plan, exchange, 1, CPB_AS_ARRIVED);
    assert_refused(&(cpb_shard){plan, mask, held, 1}, (cpb_blocking){4, 4, -1, -1},
                   "rank 1 needs key 0, which the key layout lacks; lay out all keys, "
                   "or those after the exchange of this plan and mask");
    cpb_keys_free(held);
    cpb_exchange_free(exchange);
    cpb_keys_free(keys);
    cpb_plan_free(plan);
    cpb_mask_free(apart);
    cpb_mask_free(other);
    cpb_mask_free(mask);
}

static void a_row_beyond_the_capacity_is_refused_and_nothing_written(void **state)
{
    (void)state;
    cpb_mask *const mask = text_mask("causal:8");
    cpb_plan *const plan = two_halves();
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_AS_ARRIVED);
    const cpb_shard shard = {plan, mask, keys, 1};
    const cpb_blocking blocking = {1, 2, -1, -1};
    cpb_shard_blocks *blocks;
    cpb_error error;
    int32_t counts[4] = {9, 9, 9, 9}, indices[8] = {9};
    assert_int_equal(cpb_shard_blocks_create(&shard, &blocking, NULL, &blocks, NULL),
                     CPB_OK);
    assert_int_equal(
        cpb_shard_blocks_write(blocks, CPB_FULL_KV, 4, 2, -1, counts, indices, &error),
        CPB_UNSUPPORTED);
    assert_int_equal(error.at, 3);
    assert_string_equal(error.message, "row 3 of full_kv_indices lists 4 tiles, above "
                                       "the capacity of 2; raise the capacity");
    for (int i = 0; i < 4; i++)
        assert_int_equal(counts[i], 9);
    assert_int_equal(indices[0], 9);
    cpb_shard_blocks_free(blocks);
    cpb_keys_free(keys);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

/* 2^30 tokens in blocks of 128: more tiles than 32 bits number, in a few megabytes. */
static void more_tiles_than_32_bits_are_refused_by_compressed_rows(void **state)
{
    (void)state;
    cpb_mask *const mask = text_mask("full:1073741824");
    static const int64_t first[] = {0, 1};
    static const cpb_range run = {0, 1 << 30};
    const cpb_blocking blocking = {1 << 14, 1 << 14, -1, -1};
    cpb_plan *plan;
    cpb_shard_blocks *blocks;
    cpb_error error;
    assert_int_equal(cpb_plan_create_runs(1 << 30, 0, 1, first, &run, &any_promise,
                                          NULL, &plan, NULL),
                     CPB_OK);
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_ASCENDING);
    const cpb_shard shard = {plan, mask, keys, 0};
    assert_int_equal(cpb_shard_blocks_create(&shard, &blocking, NULL, &blocks, NULL),
                     CPB_OK);
    assert_int_equal(cpb_shard_blocks_shape(blocks, CPB_FULL_Q).entries, INT64_C(1)
                                                                             << 32);
    assert_int_equal(
        cpb_shard_blocks_write_rows(blocks, CPB_FULL_KV, NULL, NULL, &error),
        CPB_TOO_LARGE);
    assert_string_equal(error.message,
                        "the block mask lists 4294967296 tiles, more than "
                        "32 bits number; take larger blocks");
    cpb_shard_blocks_free(blocks);
    cpb_keys_free(keys);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

/* --- Memory ----------------------------------------------------------------------- */

static cpb_status try_blocks(const cpb_plan *plan, const cpb_mask *mask,
                             const cpb_allocator *allocator, cpb_error *error)
{
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_AS_ARRIVED);
    const cpb_shard shard = {plan, mask, keys, 2};
    const cpb_blocking blocking = {3, 2, -1, -1};
    cpb_shard_blocks *blocks;
    const cpb_status status =
        cpb_shard_blocks_create(&shard, &blocking, allocator, &blocks, error);
    assert_true((status == CPB_OK) == (blocks != NULL));
    cpb_shard_blocks_free(blocks);
    cpb_keys_free(keys);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static attempt_fn *const attempts[] = {try_blocks};
    assert_allocations_may_fail(attempts, COUNT_OF(attempts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_list_the_tiles_that_a_count_of_pairs_finds),
        cmocka_unit_test(a_union_of_slices_makes_a_full_tile),
        cmocka_unit_test(global_tokens_and_a_window_far_away_are_both_listed),
        cmocka_unit_test(wrong_blocks_and_lengths_are_refused),
        cmocka_unit_test(a_row_beyond_the_capacity_is_refused_and_nothing_written),
        cmocka_unit_test(more_tiles_than_32_bits_are_refused_by_compressed_rows),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
