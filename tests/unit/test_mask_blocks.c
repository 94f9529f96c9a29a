// SPDX-License-Identifier: Apache-2.0
/* Block masks and dense masks against counting. */
#include "mask_grid.h"

#include <string.h>

/* A random block mask over at most MOST tokens and the grid that it stands for. */
typedef struct blocks_case {
    cpb_block_mask mask;
    int32_t count[MOST], full_count[MOST];
    int32_t indices[MOST * MOST], full_indices[MOST * MOST];
    grid want;
} blocks_case;

static void list_block(blocks_case *c, int64_t row, int32_t block, bool full)
{
    int32_t *const count = full ? &c->full_count[row] : &c->count[row];
    (full ? c->full_indices : c->indices)[row * c->mask.row_stride + (*count)++] =
        block;
    const cpb_range queries = {row * c->mask.block_q, (row + 1) * c->mask.block_q};
    const cpb_range keys = {block * c->mask.block_k, (block + 1) * c->mask.block_k};
    const cpb_slice slice = {queries, keys, CPB_FULL};
    grid_add(&c->want, &slice);
}

static void random_blocks(uint64_t *seed, blocks_case *c)
{
    memset(c, 0, sizeof *c);
    const int64_t tokens = test_random(seed, 1, MOST);
    c->want.tokens = tokens;
    c->mask = (cpb_block_mask){.batch = 1,
                               .heads = 1,
                               .q_length = tokens,
                               .k_length = tokens,
                               .block_q = test_random(seed, 1, 9),
                               .block_k = test_random(seed, 1, 9),
                               .kv_num_blocks = c->count,
                               .kv_indices = c->indices};
    const int64_t key_blocks = (tokens + c->mask.block_k - 1) / c->mask.block_k;
    const int64_t rows = (tokens + c->mask.block_q - 1) / c->mask.block_q;
    c->mask.row_stride = test_random(seed, key_blocks, MOST);
    for (int i = 0; i < MOST * MOST; i++)
        c->indices[i] = c->full_indices[i] = -77; /* beyond the counts: ignored */
    const bool two_lists = test_random(seed, 0, 1);
    if (two_lists) {
        c->mask.full_kv_num_blocks = c->full_count;
        c->mask.full_kv_indices = c->full_indices;
    }
    for (int64_t row = 0; row < rows; row++) {
        const int64_t density = test_random(seed, 0, 4);
        const int64_t start = test_random(seed, 0, key_blocks - 1);
        for (int64_t i = 0; i < key_blocks; i++)
            if (test_random(seed, 0, 3) < density)
                list_block(c, row, (int32_t)((start + i) % key_blocks),
                           two_lists && test_random(seed, 0, 1));
    }
}

static void block_masks_mean_their_blocks(void **state)
{
    (void)state;
    uint64_t seed = 4;
    static blocks_case c;
    for (int round = 0; round < 2000; round++) {
        random_blocks(&seed, &c);
        int64_t lengths[4];
        const size_t n = test_lengths(&seed, c.want.tokens, 4, lengths);
        cpb_mask *mask;
        assert_int_equal(cpb_mask_create_blocks(&c.mask, n, lengths, NULL, &mask, NULL),
                         CPB_OK);
        assert_mask_is(mask, &c.want);
        assert_int_equal(cpb_mask_n_documents(mask), n);
        cpb_mask_free(mask);
    }
}

static void equal_rows_of_blocks_become_one_slice(void **state)
{
    (void)state;
    const int32_t counts[] = {2, 2, 2};
    const int32_t indices[] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    const cpb_block_mask blocks = {1, 1, 11, 11, 4, 4, 4, counts, indices, NULL, NULL};
    cpb_mask *mask;
    assert_int_equal(cpb_mask_create_blocks(&blocks, 0, NULL, NULL, &mask, NULL),
                     CPB_OK);
    assert_int_equal(cpb_mask_n_slices(mask), 1);
    assert_int_equal(cpb_mask_pairs(mask), 11 * 8);
    cpb_mask_free(mask);
}

static void bad_block_masks_are_refused(void **state)
{
    (void)state;
    static const int32_t counts[] = {1, 2}, many[] = {1, 3}, negative[] = {1, -1};
    static const int32_t good[] = {0, 0, 0, 1}, far[] = {0, 0, 0, 2},
                         below[] = {0, 0, 0, -4}, twice[] = {0, 0, 1, 1};
    static const struct {
        cpb_block_mask blocks;
        cpb_status status;
        int64_t at;
        const char *message;
    } cases[] = {
        {{2, 1, 8, 8, 4, 4, 2, counts, good, NULL, NULL},
         CPB_INVALID,
         -1,
         "the block mask has batch 2; accepted is 1: plan each row of the batch by "
         "itself"},
        {{1, 16, 8, 8, 4, 4, 2, counts, good, NULL, NULL},
         CPB_INVALID,
         -1,
         "the block mask has heads 16; accepted is 1: one permutation serves all "
         "heads"},
        {{1, 1, 0, 0, 4, 4, 2, counts, good, NULL, NULL},
         CPB_INVALID,
         -1,
         "the sequence has 0 tokens; accepted is 1 to 1073741824"},
        {{1, 1, 8, 16, 4, 4, 2, counts, good, NULL, NULL},
         CPB_INVALID,
         -1,
         "the block mask has 8 queries and 16 keys; accepted are equal numbers"},
        {{1, 1, 8, 8, 0, 4, 2, counts, good, NULL, NULL},
         CPB_INVALID,
         -1,
         "the block mask has blocks of 0 queries; accepted is 1 to 1073741824"},
        {{1, 1, 8, 8, 4, INT64_MAX, 2, counts, good, NULL, NULL},
         CPB_INVALID,
         -1,
         "the block mask has blocks of 9223372036854775807 keys; accepted is 1 to "
         "1073741824"},
        {{1, 1, 8, 8, 4, 4, 1, counts, good, NULL, NULL},
         CPB_INVALID,
         -1,
         "the block mask has room for 1 entries per row; accepted is 2 or more, one "
         "per "
         "key block"},
        {{1, 1, 8, 8, 4, 4, 2, counts, good, counts, NULL},
         CPB_INVALID,
         -1,
         "the block mask has full_kv_num_blocks without full_kv_indices; accepted are "
         "both or neither"},
        {{1, 1, 8, 8, 4, 4, 2, counts, good, NULL, good},
         CPB_INVALID,
         -1,
         "the block mask has full_kv_indices without full_kv_num_blocks; accepted are "
         "both or neither"},
        {{1, 1, 8, 8, 4, 4, 2, many, good, NULL, NULL},
         CPB_INVALID,
         1,
         "row 1 of the block mask has kv_num_blocks 3; accepted is 0 to 2"},
        {{1, 1, 8, 8, 4, 4, 2, counts, good, negative, good},
         CPB_INVALID,
         0,
         "row 0 of the block mask lists key block 0 twice; accepted is once, partial "
         "or "
         "full"},
        {{1, 1, 8, 8, 4, 4, 2, negative, good, NULL, NULL},
         CPB_INVALID,
         1,
         "row 1 of the block mask has kv_num_blocks -1; accepted is 0 to 2"},
        {{1, 1, 8, 8, 4, 4, 2, counts, far, NULL, NULL},
         CPB_INVALID,
         1,
         "row 1 of the block mask lists key block 2; accepted is 0 to 1"},
        {{1, 1, 8, 8, 4, 4, 2, counts, below, NULL, NULL},
         CPB_INVALID,
         1,
         "row 1 of the block mask lists key block -4; accepted is 0 to 1"},
        {{1, 1, 8, 8, 4, 4, 2, counts, twice, NULL, NULL},
         CPB_INVALID,
         1,
         "row 1 of the block mask lists key block 1 twice; accepted is once, partial "
         "or "
         "full"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cpb_mask *mask;
        cpb_error error;
        assert_int_equal(
            cpb_mask_create_blocks(&cases[i].blocks, 0, NULL, NULL, &mask, &error),
            cases[i].status);
        assert_null(mask);
        assert_int_equal(error.at, cases[i].at);
        assert_string_equal(error.message, cases[i].message);
    }
}

static void dense_masks_mean_their_ones(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int round = 0; round < 2000; round++) {
        grid g = {.tokens = test_random(&seed, 1, MOST)};
        uint8_t allowed[MOST * MOST];
        if (round % 2) { /* of slices */
            cpb_slice slices[8];
            disjoint_set(&seed, &g, COUNT_OF(slices), slices);
        } else { /* of noise */
            const int64_t density = test_random(&seed, 0, 8);
            for (int64_t q = 0; q < g.tokens; q++)
                for (int64_t k = 0; k < g.tokens; k++)
                    g.count[q * MOST + k] = test_random(&seed, 0, 7) < density;
        }
        for (int64_t q = 0; q < g.tokens; q++)
            for (int64_t k = 0; k < g.tokens; k++)
                allowed[q * g.tokens + k] = g.count[q * MOST + k] ? 255 : 0;
        cpb_mask *mask;
        assert_int_equal(
            cpb_mask_create_dense(g.tokens, allowed, 0, NULL, NULL, &mask, NULL),
            CPB_OK);
        assert_mask_is(mask, &g);
        cpb_mask_free(mask);
    }
}

static void one_slice_comes_back_as_one_from_a_dense_mask(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (int round = 0; round < 2000; round++) {
        const int64_t tokens = test_random(&seed, 1, 20);
        const cpb_slice slice = random_slice(&seed, tokens);
        uint8_t allowed[20 * 20];
        for (int64_t q = 0; q < tokens; q++)
            for (int64_t k = 0; k < tokens; k++)
                allowed[q * tokens + k] = kind_allows(&slice, q, k);
        cpb_mask *mask;
        assert_int_equal(
            cpb_mask_create_dense(tokens, allowed, 0, NULL, NULL, &mask, NULL), CPB_OK);
        assert_true(cpb_mask_n_slices(mask) <= 1);
        cpb_mask_free(mask);
    }
}

static void bad_dense_masks_are_refused(void **state)
{
    (void)state;
    const uint8_t one = 1;
    const int64_t two = 2;
    cpb_mask *mask;
    cpb_error error;
    assert_int_equal(cpb_mask_create_dense(32769, &one, 0, NULL, NULL, &mask, &error),
                     CPB_TOO_LARGE);
    assert_null(mask);
    assert_string_equal(error.message,
                        "the dense mask has 32769 tokens; accepted is 1 to 32768");
    assert_int_equal(cpb_mask_create_dense(0, &one, 0, NULL, NULL, &mask, &error),
                     CPB_INVALID);
    assert_string_equal(error.message,
                        "the sequence has 0 tokens; accepted is 1 to 1073741824");
    assert_int_equal(cpb_mask_create_dense(1, &one, 1, &two, NULL, &mask, &error),
                     CPB_INVALID);
    assert_string_equal(
        error.message,
        "the document lengths sum to 2; accepted is the 1 tokens of the sequence");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_masks_mean_their_blocks),
        cmocka_unit_test(equal_rows_of_blocks_become_one_slice),
        cmocka_unit_test(bad_block_masks_are_refused),
        cmocka_unit_test(dense_masks_mean_their_ones),
        cmocka_unit_test(one_slice_comes_back_as_one_from_a_dense_mask),
        cmocka_unit_test(bad_dense_masks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
