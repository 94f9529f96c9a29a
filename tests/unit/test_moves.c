// SPDX-License-Identifier: Apache-2.0
/* Steps that improve who holds what. */
#include "chunk_costs.h"

#include "../../src/balance/moves.h"

enum { MOST_CHUNKS = 200, MOST_RANKS = 20 };

static int64_t highest_of(const cpb_seating *seating)
{
    int64_t highest = 0;
    for (int32_t r = 0; r < seating->ranks; r++)
        highest = seating->level[r] > highest ? seating->level[r] : highest;
    return highest;
}

/* Levels are handicaps plus costs, every chunk sits once, counts have not changed. */
static void check_seating(const cpb_seating *seating, int64_t n, const int64_t *cost,
                          const int64_t *handicap)
{
    bool seen[MOST_CHUNKS] = {false};
    assert_int_equal(seating->first[seating->ranks], n);
    for (int32_t r = 0; r < seating->ranks; r++) {
        int64_t level = handicap[r];
        for (int64_t i = seating->first[r]; i < seating->first[r + 1]; i++) {
            const cpb_held held = seating->held[i];
            assert_false(seen[held.chunk]);
            seen[held.chunk] = true;
            assert_true(held.cost == cost[held.chunk]);
            level += held.cost;
        }
        assert_true(level == seating->level[r]);
    }
}

static void moves_keep_the_counts_and_never_raise_the_highest_level(void **state)
{
    (void)state;
    uint64_t seed = 8;
    for (int trial = 0; trial < 200; trial++) {
        const int32_t ranks = (int32_t)test_random(&seed, 1, MOST_RANKS);
        const int64_t n = test_random(&seed, 1, MOST_CHUNKS);
        int64_t cost[MOST_CHUNKS], handicap[MOST_RANKS], level[MOST_RANKS];
        int32_t owner[MOST_CHUNKS];
        cpb_item rising[MOST_CHUNKS], spare[MOST_CHUNKS];
        cpb_held held[MOST_CHUNKS];
        fill_costs(&seed, n, cost);
        for (int32_t r = 0; r < ranks; r++)
            level[r] = handicap[r] = test_random(&seed, 0, 100);
        for (int64_t c = 0; c < n; c++) {
            owner[c] = (int32_t)test_random(&seed, 0, ranks - 1);
            level[owner[c]] += cost[c];
            rising[c] = (cpb_item){(uint64_t)cost[c], c};
        }
        cpb_sort(rising, spare, (size_t)n);
        cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
        cpb_seating seating = {.ranks = ranks, .level = level, .held = held};
        assert_int_equal(cpb_seating_fill(&seating, n, rising, owner, &arena), CPB_OK);

        uint64_t own_seed = 1;
        for (int step = 0; step < 12; step++) {
            const int64_t before = highest_of(&seating), target = before * 9 / 10;
            if (step % 3 < 2) {
                cpb_redeal(&seating, 1 + step % 3, &own_seed);
            } else {
                const bool done = cpb_mend(&seating, target, 4);
                assert_int_equal(done, highest_of(&seating) <= target);
            }
            check_seating(&seating, n, cost, handicap);
            assert_true(highest_of(&seating) <= before);
        }
        cpb_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_keep_the_counts_and_never_raise_the_highest_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
