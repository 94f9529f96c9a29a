// SPDX-License-Identifier: Apache-2.0
/* Keys of a range by owner: long ranges go by tallies, which must not show. */
#include "testing.h"

#include "../../src/read/traffic.h"

#include <string.h>

enum { MOST_RUNS = 600, MOST_RANKS = 5 };

/* Owners of random runs that cover [0, the sum of their lengths). */
static int64_t draw_owners(uint64_t *seed, cpb_range *runs, int32_t *rank,
                           cpb_owners *owners)
{
    int64_t end = 0;
    *owners = (cpb_owners){.n = (size_t)test_random(seed, 1, MOST_RUNS),
                           .runs = runs,
                           .rank = rank,
                           .ranks = (int32_t)test_random(seed, 1, MOST_RANKS)};
    for (size_t i = 0; i < owners->n; i++) {
        runs[i].begin = end;
        runs[i].end = end += test_random(seed, 1, 3);
        rank[i] = (int32_t)test_random(seed, 0, owners->ranks - 1);
    }
    return end;
}

static void assert_counted(const cpb_owners *owners, cpb_range keys)
{
    int64_t counted[MOST_RANKS] = {0}, one_by_one[MOST_RANKS] = {0};
    size_t run = 0;
    cpb_owners_count(owners, keys, counted);
    for (int64_t key = 0; key < keys.end; key++) {
        while (owners->runs[run].end <= key)
            run++;
        one_by_one[owners->rank[run]] += key >= keys.begin;
    }
    assert_memory_equal(counted, one_by_one, sizeof counted);
}

static void ranges_are_counted_key_by_key(void **state)
{
    static cpb_range runs[MOST_RUNS];
    static int32_t rank[MOST_RUNS];
    uint64_t seed = 1;
    (void)state;
    for (int round = 0; round < 200; round++) {
        cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
        cpb_owners owners;
        const int64_t tokens = draw_owners(&seed, runs, rank, &owners);
        if (round % 4)
            assert_int_equal(cpb_owners_tally(&owners, &arena), CPB_OK);
        for (int i = 0; i < 50; i++) {
            const int64_t begin = test_random(&seed, 0, tokens - 1);
            assert_counted(&owners,
                           (cpb_range){begin, test_random(&seed, begin + 1, tokens)});
        }
        assert_counted(&owners, (cpb_range){0, tokens});
        cpb_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_counted_key_by_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
