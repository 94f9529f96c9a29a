// SPDX-License-Identifier: Apache-2.0
/* Tiles of shards against counting every pair. */
#include "work_world.h"

enum { MOST_RUNS = 12 };

/* Count a row of tiles from key `origin` on: `rows` are original positions, pairs those of
 * `slice`, or of the whole mask where it is NULL. */
static void count_q_tile(const cpb_mask *mask, const cpb_slice *slice,
                         const int64_t *rows, int64_t n, int64_t origin, sums *out)
{
    const int64_t tokens = cpb_mask_tokens(mask);
    const cpb_tiling *const t = out->tiling;
    int64_t seen = 0;
    for (int64_t k = origin; k < tokens; k += t->tile_k) {
        int64_t pairs = 0;
        for (int64_t i = 0; i < n; i++)
            for (int64_t x = k; x < k + t->tile_k && x < tokens; x++)
                if (rows[i] < tokens)
                    pairs += slice ? slice_allows(slice, rows[i], x)
                                   : cpb_mask_allows(mask, rows[i], x);
        seen += pairs > 0;
        out->full += t->split && pairs == t->tile_q * t->tile_k;
    }
    out->nonempty += seen;
    out->q_tiles += seen > 0;
}

static void count_flex(const cpb_mask *mask, const cpb_range *runs, size_t n, sums *out)
{
    int64_t rows[4 * MOST_TOKENS], filled = 0;
    for (size_t i = 0; i < n; i++) {
        for (int64_t p = runs[i].begin; p < runs[i].end; p++) {
            rows[filled++] = p;
            if (filled == out->tiling->tile_q) {
                count_q_tile(mask, NULL, rows, filled, 0, out);
                filled = 0;
            }
        }
    }
    count_q_tile(mask, NULL, rows, filled, 0, out);
}

static size_t document_of(const cpb_mask *mask, int64_t p)
{
    size_t d = 0;
    while (cpb_mask_document_ends(mask)[d] <= p)
        d++;
    return d;
}

static void count_varlen_segment(const cpb_mask *mask, cpb_range segment, sums *out)
{
    for (size_t s = 0; s < cpb_mask_n_slices(mask); s++) {
        const cpb_slice *const slice = &cpb_mask_slices(mask)[s];
        int64_t rows[MOST_TOKENS], n = 0, origin = 0;
        bool first = true;
        for (int64_t q = segment.begin; q < segment.end; q++) {
            if (q < slice->queries.begin || q >= slice->queries.end)
                continue;
            while (first && !slice_allows(slice, q, origin))
                origin++;
            first = false;
            rows[n++] = q;
            if (n == out->tiling->tile_q) {
                count_q_tile(mask, slice, rows, n, origin, out);
                n = 0;
            }
        }
        count_q_tile(mask, slice, rows, n, origin, out);
    }
}

static void count_varlen(const cpb_mask *mask, const cpb_range *runs, size_t n,
                         sums *out)
{
    const int64_t tokens = cpb_mask_tokens(mask);
    for (size_t i = 0; i < n; i++) {
        for (int64_t p = runs[i].begin; p < runs[i].end && p < tokens;) {
            int64_t end = p + 1;
            while (end < runs[i].end && end < tokens &&
                   document_of(mask, end) == document_of(mask, p))
                end++;
            count_varlen_segment(mask, (cpb_range){p, end}, out);
            p = end;
        }
    }
}

/* Disjoint runs in random order, some beyond the last token. */
static size_t random_runs(uint64_t *seed, int64_t tokens, cpb_range *runs)
{
    const size_t n = (size_t)test_random(seed, 1, MOST_RUNS);
    int64_t at = 0;
    size_t kept = 0;
    for (size_t i = 0; i < n && at < tokens + 9; i++) {
        const int64_t begin =
            at + (test_random(seed, 0, 1) ? test_random(seed, 0, 9) : 0);
        const int64_t end = begin + test_random(seed, 1, tokens);
        if (end > tokens + 9)
            break;
        runs[kept++] = (cpb_range){begin, end};
        at = end;
    }
    for (size_t i = kept; i > 1; i--) {
        const size_t j = (size_t)test_random(seed, 0, (int64_t)i - 1);
        const cpb_range swap = runs[i - 1];
        runs[i - 1] = runs[j];
        runs[j] = swap;
    }
    return kept;
}

static void tiles_of_any_shard_equal_a_count_of_every_pair(void **state)
{
    uint64_t seed = 1;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        cpb_mask *const mask = random_mask(&seed);
        const cpb_tiling tiling = {
            .tile_q = test_random(&seed, 1, 40),
            .tile_k = test_random(&seed, 1, 40),
            .varlen = test_random(&seed, 0, 1),
            .split = test_random(&seed, 0, 3),
        };
        cpb_range runs[MOST_RUNS];
        const size_t n = random_runs(&seed, cpb_mask_tokens(mask), runs);
        cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
        sums got = {.tiling = &tiling}, wanted = {.tiling = &tiling};

        assert_int_equal(cpb_tiles_visit(mask, &tiling, runs, n, &arena, add, &got),
                         CPB_OK);
        (tiling.varlen ? count_varlen : count_flex)(mask, runs, n, &wanted);
        assert_int_equal(got.nonempty, wanted.nonempty);
        assert_int_equal(got.q_tiles, wanted.q_tiles);
        assert_int_equal(got.full, wanted.full);
        cpb_arena_free(&arena);
        cpb_mask_free(mask);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_of_any_shard_equal_a_count_of_every_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
