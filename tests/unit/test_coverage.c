// SPDX-License-Identifier: Apache-2.0
/* What a picture of a mask is made of: strips and their pairs per cell, against every
 * pair looked at one by one. */
#include "testing.h"

#include "coverage.h"

#include <string.h>

enum { CASES = 150, MOST_TOKENS = 90, MOST_RANKS = 7 };

typedef struct scene {
    int64_t tokens;
    cpb_mask *mask;
    cpb_plan *plan;
    palette_groups groups;
    cli_owners owners;
    int32_t rank_of[MOST_TOKENS]; /* by query */
} scene;

/* A mask of any family over random documents; slices of any kind now and then. */
static cpb_mask *some_mask(uint64_t *seed, int64_t tokens)
{
    static const char *const texts[] = {
        "causal",   "documents", "documents-full", "window:7",  "window-both:5",
        "global:3", "prefix:4",  "block-causal:6", "chunked:9", "causal-blocks"};
    int64_t lengths[8];
    cpb_mask *mask = NULL;
    cpb_error error;
    const size_t n = test_lengths(seed, tokens, 8, lengths);
    const char *const text = texts[test_random(seed, 0, COUNT_OF(texts) - 1)];
    const bool one = !strcmp(text, "causal");
    if (cpb_mask_create_text(text, one ? 1 : n, one ? &tokens : lengths, NULL, NULL,
                             &mask, &error))
        fail_msg("%s: %s", text, error.message);
    return mask;
}

static cpb_mask *some_slices(uint64_t *seed, int64_t tokens)
{
    cpb_slice slices[3];
    cpb_mask *mask = NULL;
    const int64_t third = tokens / 3;
    for (int64_t i = 0; i < 3; i++) { /* in rows of their own, so disjoint */
        const int64_t begin = test_random(seed, i * third, (i + 1) * third - 1);
        const int64_t end = test_random(seed, begin + 1, (i + 1) * third);
        const int64_t key = test_random(seed, 0, tokens - 1);
        slices[i] = (cpb_slice){{begin, end},
                                {key, test_random(seed, key + 1, tokens)},
                                (cpb_kind)test_random(seed, 0, 3)};
    }
    assert_int_equal(cpb_mask_create(tokens, 3, slices, 0, NULL, NULL, &mask, NULL),
                     CPB_OK);
    return mask;
}

static scene create_scene(uint64_t *seed)
{
    scene s = {.tokens = test_random(seed, 6, MOST_TOKENS)};
    int64_t order[MOST_TOKENS + MOST_RANKS];
    const int32_t ranks = (int32_t)test_random(seed, 1, MOST_RANKS);
    const int64_t n = s.tokens + test_random(seed, 0, MOST_RANKS);
    s.mask = test_random(seed, 0, 2) ? some_mask(seed, s.tokens)
                                     : some_slices(seed, s.tokens);
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = n - 1; i > 0 && test_random(seed, 0, 9); i--) {
        const int64_t j = test_random(seed, 0, i), swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
    for (int64_t i = 0; i < n; i++)
        for (int32_t r = 0; r < ranks && order[i] < s.tokens; r++)
            if (i >= r * n / ranks && i < (r + 1) * n / ranks)
                s.rank_of[order[i]] = r;
    assert_int_equal(
        cpb_plan_create_order(s.tokens, n, order, ranks, NULL, &s.plan, NULL), CPB_OK);
    s.groups = palette_group((size_t)ranks, (size_t)test_random(seed, 1, 5));
    assert_true(owners_create(s.plan, s.groups, &s.owners, NULL));
    return s;
}

static void free_scene(scene *s)
{
    owners_free(&s->owners);
    cpb_plan_free(s->plan);
    cpb_mask_free(s->mask);
}

static void owners_cover_the_sequence(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < CASES; i++) {
        scene s = create_scene(&seed);
        int64_t next = 0;
        for (size_t o = 0; o < s.owners.n; o++) {
            const cli_owner *const owner = &s.owners.owner[o];
            assert_int_equal(owner->tokens.begin, next);
            assert_true(!o || owner->group != owner[-1].group);
            for (; next < owner->tokens.end; next++)
                assert_int_equal(owner->group, (size_t)s.rank_of[next] / s.groups.size);
        }
        assert_int_equal(next, s.tokens);
        free_scene(&s);
    }
}

typedef struct painted {
    const scene *scene;
    uint8_t seen[MOST_TOKENS][MOST_TOKENS];
    size_t group[MOST_TOKENS][MOST_TOKENS];
} painted;

static void paint(const cli_strip *strip, void *context)
{
    painted *const to = context;
    assert_true(strip->rows > 0);
    for (int64_t i = 0; i < strip->rows; i++) {
        const int64_t left = strip->left + i * strip->left_steps;
        const int64_t right = strip->right + i * strip->right_steps;
        assert_true(left >= 0 && left < right && right <= to->scene->tokens);
        for (int64_t key = left; key < right; key++) {
            to->seen[strip->first + i][key]++;
            to->group[strip->first + i][key] = strip->group;
        }
    }
}

static void every_allowed_pair_lies_in_one_strip_of_its_group(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < CASES; i++) {
        scene s = create_scene(&seed);
        painted all = {.scene = &s};
        strips_visit(&s.owners, s.mask, paint, &all);
        for (int64_t q = 0; q < s.tokens; q++)
            for (int64_t k = 0; k < s.tokens; k++) {
                assert_int_equal(all.seen[q][k], cpb_mask_allows(s.mask, q, k));
                if (all.seen[q][k])
                    assert_int_equal(all.group[q][k],
                                     (size_t)s.rank_of[q] / s.groups.size);
            }
        free_scene(&s);
    }
}

typedef struct cover_of {
    cli_coverage *coverage;
    size_t group;
} cover_of;

static void cover(const cli_strip *strip, void *context)
{
    const cover_of *const to = context;
    if (strip->group == to->group)
        coverage_add(to->coverage, strip);
}

/* Pairs of a cell, one by one. */
static int64_t count(const scene *s, const cli_coverage *c, int64_t row, int64_t column,
                     size_t group)
{
    int64_t pairs = 0;
    for (int64_t q = cells_begin(c->rows, row); q < cells_begin(c->rows, row + 1); q++)
        for (int64_t k = cells_begin(c->columns, column);
             k < cells_begin(c->columns, column + 1); k++)
            pairs += cpb_mask_allows(s->mask, q, k) &&
                     (size_t)s->rank_of[q] / s->groups.size == group;
    return pairs;
}

static void cells_hold_exactly_their_pairs(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < CASES; i++) {
        scene s = create_scene(&seed);
        cli_coverage c;
        const cli_cells rows = {s.tokens, test_random(&seed, 1, s.tokens)};
        const cli_cells columns = {s.tokens, test_random(&seed, 1, s.tokens)};
        assert_true(coverage_create(rows, columns, &c, NULL));
        for (size_t group = 0; group < s.groups.n; group++) {
            coverage_clear(&c);
            strips_visit(&s.owners, s.mask, cover, &(cover_of){&c, group});
            coverage_finish(&c);
            for (int64_t row = 0; row < rows.n; row++)
                for (int64_t column = 0; column < columns.n; column++) {
                    const int64_t pairs = c.pairs[row * columns.n + column];
                    assert_int_equal(pairs, count(&s, &c, row, column, group));
                    assert_true(pairs <= coverage_room(&c, row, column));
                }
        }
        coverage_free(&c);
        free_scene(&s);
    }
}

/* Sums over a grid are the closed-form counts of the mask, at lengths that no loop over
 * pairs reaches. */
static void long_sequences_keep_every_pair(void **state)
{
    (void)state;
    static const int64_t lengths[] = {1, 0, 77777777, (INT64_C(1) << 30) - 77777779, 1};
    static const char *const texts[] = {"documents", "documents-full", "window:12345"};
    for (size_t t = 0; t < COUNT_OF(texts); t++) {
        cpb_mask *mask;
        cpb_plan *plan;
        cli_owners owners;
        cli_coverage c;
        assert_int_equal(cpb_mask_create_text(texts[t], COUNT_OF(lengths), lengths,
                                              NULL, NULL, &mask, NULL),
                         CPB_OK);
        const int64_t tokens = cpb_mask_tokens(mask);
        const cpb_range runs[] = {{0, 99}, {99, tokens}};
        const int64_t first[] = {0, 2};
        const cpb_promise promise = {.chunk = 1, .granularity = 1, .cap = -1};
        assert_int_equal(cpb_plan_create_runs(tokens, 0, 1, first, runs, &promise, NULL,
                                              &plan, NULL),
                         CPB_OK);
        assert_true(owners_create(plan, palette_group(1, 1), &owners, NULL));
        assert_true(coverage_create((cli_cells){tokens, 301}, (cli_cells){tokens, 640},
                                    &c, NULL));
        strips_visit(&owners, mask, cover, &(cover_of){&c, 0});
        coverage_finish(&c);
        int64_t sum = 0;
        for (size_t i = 0; i < 301 * 640; i++)
            sum += c.pairs[i];
        assert_int_equal(sum, cpb_mask_pairs(mask));
        coverage_free(&c);
        owners_free(&owners);
        cpb_plan_free(plan);
        cpb_mask_free(mask);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owners_cover_the_sequence),
        cmocka_unit_test(every_allowed_pair_lies_in_one_strip_of_its_group),
        cmocka_unit_test(cells_hold_exactly_their_pairs),
        cmocka_unit_test(long_sequences_keep_every_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
