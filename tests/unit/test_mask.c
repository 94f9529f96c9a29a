// SPDX-License-Identifier: Apache-2.0
/* Masks of slices against counting. */
#include "mask_grid.h"

#include <stdio.h>

static void assert_searches_hold(const cpb_mask *mask)
{
    const cpb_slice *const slices = cpb_mask_slices(mask);
    const int64_t *const ends = cpb_mask_document_ends(mask);
    for (int64_t q = 0; q < cpb_mask_tokens(mask); q++) {
        size_t first = 0;
        while (first < cpb_mask_n_slices(mask) && slices[first].queries.end <= q)
            first++;
        assert_int_equal(cpb_mask_first_slice(mask, q), first);
        const size_t d = cpb_document_of(cpb_mask_n_documents(mask), ends, q);
        assert_true(q < ends[d] && (d == 0 || q >= ends[d - 1]));
    }
}

static void disjoint_slices_are_taken_and_counted_exactly(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 3000; round++) {
        cpb_slice slices[24];
        int64_t lengths[6];
        grid g = {.tokens = test_random(&seed, 1, round % 10 ? 16 : MOST)};
        const size_t n = disjoint_set(&seed, &g, COUNT_OF(slices), slices);
        const size_t n_documents =
            test_lengths(&seed, g.tokens, COUNT_OF(lengths), lengths);
        cpb_mask *mask;
        assert_int_equal(cpb_mask_create(g.tokens, n, slices, n_documents, lengths,
                                         NULL, &mask, NULL),
                         CPB_OK);
        assert_mask_is(mask, &g);
        assert_searches_hold(mask);
        assert_null(cpb_mask_text(mask));
        cpb_mask_free(mask);
    }
}

/* The sentence of a refusal names two slices and a pair: both must allow it. */
static void assert_refusal_is_true(const cpb_slice *slices, const cpb_error *error)
{
    size_t a, b;
    long long q, k;
    assert_int_equal(sscanf(error->message,
                            "slices %zu and %zu overlap: both allow query %lld and key "
                            "%lld;",
                            &a, &b, &q, &k),
                     4);
    assert_true(a < b);
    assert_int_equal(error->at, b);
    assert_true(kind_allows(&slices[a], q, k));
    assert_true(kind_allows(&slices[b], q, k));
}

static bool has_overlap(const grid *g)
{
    for (size_t i = 0; i < COUNT_OF(g->count); i++)
        if (g->count[i] > 1)
            return true;
    return false;
}

static void slices_are_refused_exactly_when_two_share_a_pair(void **state)
{
    (void)state;
    uint64_t seed = 2;
    int refused = 0, taken = 0;
    for (int round = 0; round < 20000; round++) {
        cpb_slice slices[16];
        grid g = {.tokens = test_random(&seed, 1, 14)};
        size_t n = disjoint_set(&seed, &g, (size_t)test_random(&seed, 0, 15), slices);
        slices[n] = random_slice(&seed, g.tokens);
        grid_add(&g, &slices[n++]);
        const size_t other = (size_t)test_random(&seed, 0, (int64_t)n - 1);
        const cpb_slice swap = slices[other];
        slices[other] = slices[n - 1];
        slices[n - 1] = swap;

        cpb_mask *mask;
        cpb_error error = {0};
        const cpb_status status =
            cpb_mask_create(g.tokens, n, slices, 0, NULL, NULL, &mask, &error);
        assert_int_equal(status, has_overlap(&g) ? CPB_INVALID : CPB_OK);
        if (status != CPB_OK) {
            assert_null(mask);
            assert_refusal_is_true(slices, &error);
            refused++;
        } else {
            assert_mask_is(mask, &g);
            taken++;
        }
        cpb_mask_free(mask);
    }
    assert_true(refused > 3000 && taken > 3000);
}

/* Pairs of a slice in a square of 8 tokens, a bit each. */
static uint64_t bits_of(const cpb_slice *slice)
{
    uint64_t bits = 0;
    for (int64_t q = slice->queries.begin; q < slice->queries.end; q++)
        for (int64_t k = slice->keys.begin; k < slice->keys.end; k++)
            if (kind_allows(slice, q, k))
                bits |= UINT64_C(1) << (8 * q + k);
    return bits;
}

static int count_bits(uint64_t bits)
{
    int n = 0;
    for (; bits; bits &= bits - 1)
        n++;
    return n;
}

static void assert_verdict(size_t n, const cpb_slice *slices, bool overlap)
{
    cpb_mask *mask;
    cpb_error error;
    const cpb_status status =
        cpb_mask_create(8, n, slices, 0, NULL, NULL, &mask, &error);
    assert_int_equal(status, overlap ? CPB_INVALID : CPB_OK);
    if (overlap)
        assert_refusal_is_true(slices, &error);
    cpb_mask_free(mask);
}

/* Sets that share one pair or two, or none: what a sweep misses most easily. */
static void a_pair_shared_by_nearly_disjoint_slices_is_found(void **state)
{
    (void)state;
    uint64_t seed = 7;
    int refused = 0;
    for (int round = 0; round < 60000; round++) {
        cpb_slice slices[8];
        uint64_t all = 0;
        int shared = 0;
        size_t n = 0;
        for (int tries = 0; tries < 24 && n < COUNT_OF(slices); tries++) {
            slices[n] = random_slice(&seed, 8);
            const uint64_t bits = bits_of(&slices[n]);
            const int more = count_bits(bits & all);
            if (more > 0 && (shared > 0 || more > 2))
                continue;
            shared += more;
            all |= bits;
            n++;
        }
        assert_verdict(n, slices, shared > 0);
        refused += shared > 0;
    }
    assert_true(refused > 20000);
}

static size_t every_slice(int64_t tokens, cpb_slice *slices)
{
    size_t n = 0;
    for (int64_t q = 0; q < tokens; q++)
        for (int64_t r = q + 1; r <= tokens; r++)
            for (int64_t k = 0; k < tokens; k++)
                for (int64_t l = k + 1; l <= tokens; l++)
                    for (int kind = 0; kind < 4; kind++)
                        slices[n++] = (cpb_slice){{q, r}, {k, l}, (cpb_kind)kind};
    return n;
}

static void any_two_small_slices_are_judged_rightly(void **state)
{
    (void)state;
    static cpb_slice all[900];
    static uint64_t bits[900];
    const size_t n = every_slice(5, all);
    assert_int_equal(n, COUNT_OF(all));
    for (size_t i = 0; i < n; i++)
        bits[i] = bits_of(&all[i]);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i; j < n; j += 3) {
            const cpb_slice two[] = {all[i], all[j]};
            assert_verdict(2, two, (bits[i] & bits[j]) != 0);
        }
    }
}

static void the_order_of_slices_does_not_matter(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int round = 0; round < 500; round++) {
        cpb_slice slices[12];
        grid g = {.tokens = test_random(&seed, 1, MOST)};
        const size_t n = disjoint_set(&seed, &g, COUNT_OF(slices), slices);
        cpb_mask *one, *two;
        assert_int_equal(
            cpb_mask_create(g.tokens, n, slices, 0, NULL, NULL, &one, NULL), CPB_OK);
        for (size_t i = n; i > 1; i--) {
            const size_t j = (size_t)test_random(&seed, 0, (int64_t)i - 1);
            const cpb_slice swap = slices[i - 1];
            slices[i - 1] = slices[j];
            slices[j] = swap;
        }
        assert_int_equal(
            cpb_mask_create(g.tokens, n, slices, 0, NULL, NULL, &two, NULL), CPB_OK);
        assert_int_equal(cpb_mask_n_slices(one), cpb_mask_n_slices(two));
        for (size_t i = 0; i < cpb_mask_n_slices(one); i++) {
            const cpb_slice a = cpb_mask_slices(one)[i], b = cpb_mask_slices(two)[i];
            assert_true(a.kind == b.kind && a.queries.begin == b.queries.begin &&
                        a.queries.end == b.queries.end &&
                        a.keys.begin == b.keys.begin && a.keys.end == b.keys.end);
        }
        cpb_mask_free(one);
        cpb_mask_free(two);
    }
}

/* Many slices at once on the same rows: overlaps deep inside the sweep's order. */
static void a_single_shared_pair_among_many_slices_is_found(void **state)
{
    (void)state;
    enum { N = 2000, STEP = 4 };
    static cpb_slice slices[N + 1];
    const int64_t tokens = STEP * (N + 1);
    for (int64_t i = 0; i < N; i++) {
        /* Bands side by side, each three keys wide, one free key between them. */
        const int64_t k = STEP * ((i * 7) % N);
        slices[i] =
            (cpb_slice){{i % 5, i % 5 + 3}, {k + i % 5, k + i % 5 + 5}, CPB_BI_CAUSAL};
    }
    cpb_mask *mask;
    cpb_error error;
    assert_int_equal(cpb_mask_create(tokens, N, slices, 0, NULL, NULL, &mask, NULL),
                     CPB_OK);
    assert_int_equal(cpb_mask_pairs(mask), 9 * N);
    cpb_mask_free(mask);

    slices[N] = (cpb_slice){{6, 7}, {4000, 4001}, CPB_FULL};
    for (int64_t q = 0; q < 7; q++) {
        slices[N].queries = (cpb_range){q, q + 1};
        bool free_pair = true;
        for (size_t i = 0; i < N; i++)
            free_pair = free_pair && !kind_allows(&slices[i], q, 4000);
        assert_int_equal(
            cpb_mask_create(tokens, N + 1, slices, 0, NULL, NULL, &mask, &error),
            free_pair ? CPB_OK : CPB_INVALID);
        if (!free_pair)
            assert_refusal_is_true(slices, &error);
        cpb_mask_free(mask);
    }
}

static void the_largest_masks_are_counted_without_overflow(void **state)
{
    (void)state;
    const int64_t n = CPB_MAX_TOKENS;
    const cpb_slice causal = {{0, n}, {0, n}, CPB_CAUSAL};
    const cpb_slice full = {{0, n}, {0, n}, CPB_FULL};
    cpb_mask *mask;
    assert_int_equal(cpb_mask_create(n, 1, &causal, 0, NULL, NULL, &mask, NULL),
                     CPB_OK);
    assert_int_equal(cpb_mask_pairs(mask), n / 2 * (n + 1));
    assert_int_equal(cpb_mask_pairs_of(mask, (cpb_range){n - 1, n}), n);
    cpb_mask_free(mask);
    assert_int_equal(cpb_mask_create(n, 1, &full, 0, NULL, NULL, &mask, NULL), CPB_OK);
    assert_int_equal(cpb_mask_pairs(mask), n * n);
    cpb_mask_free(mask);
}

static void no_slices_mean_no_pairs_and_no_lengths_mean_one_document(void **state)
{
    (void)state;
    cpb_mask *mask;
    assert_int_equal(cpb_mask_create(7, 0, NULL, 0, NULL, NULL, &mask, NULL), CPB_OK);
    assert_int_equal(cpb_mask_pairs(mask), 0);
    assert_int_equal(cpb_mask_n_documents(mask), 1);
    assert_int_equal(cpb_mask_document_ends(mask)[0], 7);
    assert_false(cpb_mask_allows(mask, 6, 6));
    cpb_mask_free(mask);
    cpb_mask_free(NULL);
}

/* Slices, a block mask or a dense mask, large enough for several arena blocks. */
static cpb_status create_one(int maker, const cpb_allocator *allocator, cpb_mask **mask,
                             cpb_error *error)
{
    enum { N = 200 };
    static cpb_slice slices[N];
    static int32_t counts[N], indices[N * N];
    static uint8_t dense[N * N];
    for (int i = 0; i < N; i++) {
        slices[i] = (cpb_slice){{i, i + 1}, {0, i + 1}, CPB_FULL};
        counts[i] = i % 2;
        dense[i * N + i / 2] = dense[i * N + N - 1] = 1;
    }
    if (maker == 0)
        return cpb_mask_create(N, N, slices, 0, NULL, allocator, mask, error);
    const cpb_block_mask blocks = {1, 1, N, N, 1, 1, N, counts, indices, NULL, NULL};
    if (maker == 1)
        return cpb_mask_create_blocks(&blocks, 0, NULL, allocator, mask, error);
    return cpb_mask_create_dense(N, dense, 0, NULL, allocator, mask, error);
}

static void any_failed_allocation_is_survived(void **state)
{
    (void)state;
    for (int maker = 0; maker < 3; maker++) {
        cpb_status status = CPB_NO_MEMORY;
        int64_t allowed = 0;
        for (; status == CPB_NO_MEMORY; allowed++) {
            test_ration ration = {.left = allowed};
            const cpb_allocator allocator = test_ration_allocator(&ration);
            cpb_mask *mask;
            cpb_error error;
            status = create_one(maker, &allocator, &mask, &error);
            if (status == CPB_NO_MEMORY) {
                assert_null(mask);
                assert_int_equal(error.at, -1);
                assert_string_equal(error.message, "out of memory");
            }
            cpb_mask_free(mask);
            assert_int_equal(ration.out, 0);
        }
        assert_int_equal(status, CPB_OK);
        assert_true(allowed > 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disjoint_slices_are_taken_and_counted_exactly),
        cmocka_unit_test(slices_are_refused_exactly_when_two_share_a_pair),
        cmocka_unit_test(a_pair_shared_by_nearly_disjoint_slices_is_found),
        cmocka_unit_test(any_two_small_slices_are_judged_rightly),
        cmocka_unit_test(the_order_of_slices_does_not_matter),
        cmocka_unit_test(a_single_shared_pair_among_many_slices_is_found),
        cmocka_unit_test(the_largest_masks_are_counted_without_overflow),
        cmocka_unit_test(no_slices_mean_no_pairs_and_no_lengths_mean_one_document),
        cmocka_unit_test(any_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
