// SPDX-License-Identifier: Apache-2.0
/* The balancer `even` at its limits: extreme costs, caps, memory that ends. */
#include "even_world.h"

#include <string.h>

static void extremes_are_dealt_like_anything_else(void **state)
{
    (void)state;
    int32_t owner[MOST_CHUNKS];
    scene *const s = new_scene();

    set_view(s, 64, CHUNK, 8, CPB_EQUAL); /* all zero */
    run(cpb_balance_even, &s->view, owner);
    check_sizes(&s->view, owner);

    s->cost[5] = INT64_MAX / 4; /* one giant among zeros */
    run(cpb_balance_even, &s->view, owner);
    assert_true(largest_of(&s->view, s->cost, NULL, owner) == INT64_MAX / 4);
    s->view.sizes = CPB_UNEVEN;
    s->view.cap = 20 * CHUNK;
    run(cpb_balance_even, &s->view, owner);
    check_sizes(&s->view, owner);

    s->speeds[0] = CPB_MAX_SPEED; /* the largest sums and ratios that pass the door */
    for (int32_t r = 1; r < 8; r++)
        s->speeds[r] = 1;
    s->carried[3] = INT64_MAX / 4;
    s->view.speeds = s->speeds;
    s->view.carried = s->carried;
    for (int sizes = CPB_EQUAL; sizes <= CPB_UNEVEN; sizes++) {
        s->view.sizes = (cpb_sizes)sizes;
        run(cpb_balance_even, &s->view, owner);
        check_sizes(&s->view, owner);
    }
    s->view.speeds = NULL;
    s->view.carried = NULL;

    s->view.n_columns = 2; /* the second mask is empty */
    s->view.columns = s->cost;
    run(cpb_balance_even, &s->view, owner);
    assert_true(largest_of(&s->view, s->cost, NULL, owner) == INT64_MAX / 4);

    set_view(s, 3, 1, 8, CPB_UNEVEN); /* more ranks than chunks */
    run(cpb_balance_even, &s->view, owner);
    check_sizes(&s->view, owner);
    set_view(s, 64, 3, 1, CPB_UNEVEN);
    run(cpb_balance_even, &s->view, owner);
    free(s);
}

static void a_cap_that_cannot_be_kept_is_refused_with_what_suffices(void **state)
{
    (void)state;
    scene *const s = new_scene();
    const struct {
        int64_t n, last;
        int32_t ranks;
        cpb_sizes sizes;
        int64_t cap;
        const char *sentence; /* NULL: it can be kept */
    } cases[] = {
        {10, CHUNK, 4, CPB_UNEVEN, 3 * CHUNK, NULL},
        {10, CHUNK, 4, CPB_UNEVEN, 3 * CHUNK - 1, "room for 8 of 10 chunks"},
        {10, CHUNK, 4, CPB_UNEVEN, 0, "room for 0 of 10 chunks"},
        {8, CHUNK, 4, CPB_EQUAL, 2 * CHUNK, NULL},
        {8, CHUNK, 4, CPB_EQUAL, 2 * CHUNK - 1, "32 tokens suffice"},
        {1, 5, 1, CPB_UNEVEN, 5, NULL}, /* the short last chunk fits */
        {5, 5, 2, CPB_UNEVEN, 2 * CHUNK + 5, NULL},
        {5, 5, 2, CPB_UNEVEN, 2 * CHUNK + 4, "room for 4 of 5 chunks"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        set_view(s, cases[i].n, cases[i].last, cases[i].ranks, cases[i].sizes);
        s->view.cap = cases[i].cap;
        cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
        cpb_deal deal = {.arena = &arena};
        cpb_error error = {.message = ""};
        const cpb_status status = cpb_balance_even(&s->view, &deal, &error);
        assert_int_equal(status, cases[i].sentence ? CPB_UNSUPPORTED : CPB_OK);
        if (cases[i].sentence)
            assert_non_null(strstr(error.message, cases[i].sentence));
        cpb_arena_free(&arena);
    }
    free(s);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t seed = 7;
    scene *const s = new_scene();
    set_view(s, MOST_CHUNKS, CHUNK, MOST_RANKS, CPB_EQUAL);
    for (int64_t c = 0; c < MOST_CHUNKS; c++)
        s->cost[c] = test_random(&seed, 0, 1) ? test_random(&seed, 0, 1 << 30) : 0;
    for (int masks = 0; masks <= 2; masks += 2) {
        s->view.n_columns = (size_t)masks;
        s->view.columns = s->cost;
        cpb_status status = CPB_NO_MEMORY;
        for (int64_t allowed = 0; status != CPB_OK; allowed++) {
            test_ration ration = {.left = allowed};
            cpb_arena arena = {.allocator = test_ration_allocator(&ration)};
            cpb_deal deal = {.arena = &arena};
            status = cpb_balance_even(&s->view, &deal, NULL);
            assert_true(status == CPB_OK || status == CPB_NO_MEMORY);
            cpb_arena_free(&arena);
            assert_int_equal(ration.out, 0);
            assert_true(allowed < 100);
        }
        set_view(s, MOST_CHUNKS / 2, CHUNK, MOST_RANKS, CPB_EQUAL);
    }
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_are_dealt_like_anything_else),
        cmocka_unit_test(a_cap_that_cannot_be_kept_is_refused_with_what_suffices),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
