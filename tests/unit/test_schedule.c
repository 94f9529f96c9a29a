// SPDX-License-Identifier: Apache-2.0
/* Laws of schedules over random steps, every row. */
#include "schedule_world.h"

enum { CASES = 400 };

/* Groups ascend, hold their documents in order, and no rank meets one that starts before
 * an earlier one of its own has ended. */
static void groups_in_order(const step *s, const cpb_schedule *schedule)
{
    const cpb_group *const group = cpb_schedule_groups(schedule);
    const int64_t *const order = cpb_schedule_documents(schedule);
    int64_t end[32] = {0}, start[32] = {0}, at = 0;
    for (int64_t g = 0; g < cpb_schedule_n_groups(schedule); g++) {
        assert_true(group[g].n_documents > 0);
        assert_int_equal(group[g].first_document, at);
        for (int64_t i = 0; i < group[g].n_documents; i++, at++) {
            const cpb_placement *const p =
                &cpb_schedule_placements(schedule)[order[at]];
            assert_int_equal(p->group, g);
            assert_int_equal(p->micro_batch, group[g].micro_batch);
            assert_true(i == 0 || order[at] > order[at - 1]);
        }
        for (int32_t r = group[g].first; r < group[g].first + group[g].ranks; r++) {
            assert_true(group[g].start >= end[r] ||
                        (group[g].start == start[r] && group[g].end == end[r]));
            start[r] = group[g].start;
            end[r] = group[g].end;
            assert_true(end[r] <= cpb_schedule_score_of(schedule)->time);
        }
    }
    assert_int_equal(at + cpb_schedule_score_of(schedule)->left_over, s->documents.n);
}

/* Cells hold all tokens, and no rank has two at once. */
static void cells_add_up(const cpb_schedule *schedule)
{
    const cpb_cell *const cell = cpb_schedule_cells(schedule);
    const cpb_schedule_score *const score = cpb_schedule_score_of(schedule);
    int64_t tokens = 0, end[32] = {0}, micro[32];
    memset(micro, -1, sizeof micro);
    for (int64_t i = 0; i < cpb_schedule_n_cells(schedule); i++) {
        tokens += cell[i].tokens;
        assert_true(cell[i].micro_batch > micro[cell[i].rank]);
        assert_true(cell[i].start >= end[cell[i].rank]);
        micro[cell[i].rank] = cell[i].micro_batch;
        end[cell[i].rank] = cell[i].start + cell[i].time;
        assert_true(end[cell[i].rank] <= score->time);
    }
    assert_int_equal(tokens, score->tokens + score->padding);
}

static void reroutes_add_up(const step *s, const cpb_schedule *schedule)
{
    cpb_reroute list[MOST * 20];
    int64_t tokens = 0;
    const int64_t n = cpb_schedule_reroutes(schedule, NULL);
    assert_int_equal(cpb_schedule_reroutes(schedule, list), n);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(list[i].from, s->documents.holder[list[i].document]);
        assert_int_not_equal(list[i].from, list[i].to);
        assert_true(list[i].tokens > 0);
        assert_int_equal(list[i].bytes, list[i].tokens * s->domain.token_bytes);
        tokens += list[i].tokens;
    }
    assert_int_equal(tokens, cpb_schedule_score_of(schedule)->rerouted);
}

/* Every row proves, twice the same, and auto is never above any, whatever it gives up
 * early. */
static void test_rows_keep_the_laws(void **state)
{
    (void)state;
    uint64_t seed = 1;
    int64_t refused = 0, made = 0;
    for (int i = 0; i < CASES; i++) {
        step s;
        cpb_schedule *best, *schedule, *again;
        cpb_error error;
        random_step(&s, &seed);
        assert_int_equal(make(&s, "auto", &best, &error), CPB_OK);
        const int64_t least = cpb_schedule_score_of(best)->time;
        for (size_t row = 0; cpb_schedule_name(row); row++) {
            const cpb_status status =
                make(&s, cpb_schedule_name(row), &schedule, &error);
            refused += status == CPB_UNSUPPORTED;
            if (status == CPB_UNSUPPORTED)
                continue;
            assert_int_equal(status, CPB_OK);
            made++;
            proved(&s, schedule);
            groups_in_order(&s, schedule);
            cells_add_up(schedule);
            reroutes_add_up(&s, schedule);
            assert_true(least <= cpb_schedule_score_of(schedule)->time);
            assert_int_equal(make(&s, cpb_schedule_name(row), &again, &error), CPB_OK);
            assert_int_equal(cpb_schedule_hash(schedule), cpb_schedule_hash(again));
            cpb_schedule_free(again);
            cpb_schedule_free(schedule);
        }
        cpb_schedule_free(best);
    }
    assert_true(refused < made / 4);
}

/* The plan of each group is a proved plan of its documents, and its ranks receive and
 * compute what the schedule says. */
static void test_plans_of_groups(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 60; i++) {
        step s;
        cpb_error error;
        cpb_schedule *schedule;
        random_step(&s, &seed);
        s.documents.cost = NULL;
        s.domain.ranks_per_node = 0;
        assert_int_equal(make(&s, "auto", &schedule, &error), CPB_OK);
        int64_t received = 0;
        for (int64_t g = 0; g < cpb_schedule_n_groups(schedule); g++) {
            const cpb_group *const group = &cpb_schedule_groups(schedule)[g];
            int64_t lengths[MOST];
            cpb_plan *plan;
            cpb_mask *mask;
            cpb_score score;
            for (int64_t k = 0; k < group->n_documents; k++)
                lengths[k] = s.tokens[cpb_schedule_documents(
                    schedule)[group->first_document + k]];
            assert_int_equal(cpb_schedule_plan(schedule, g, NULL, &plan, &error),
                             CPB_OK);
            assert_int_equal(cpb_plan_ranks(plan), group->ranks);
            assert_int_equal(cpb_mask_create_text("documents",
                                                  (size_t)group->n_documents, lengths,
                                                  NULL, NULL, &mask, &error),
                             CPB_OK);
            const cpb_masks masks = {.n = 1, .mask = (const cpb_mask *[]){mask}};
            cpb_setup setup = s.domain.setup;
            assert_int_equal(
                cpb_score_plan(plan, &masks, &setup, NULL, &score, NULL, NULL, &error),
                CPB_OK);
            received += score.receive_total;
            cpb_mask_free(mask);
            cpb_plan_free(plan);
        }
        assert_int_equal(received, cpb_schedule_score_of(schedule)->received);
        cpb_schedule_free(schedule);
    }
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t seed = 6, hash;
    step s;
    cpb_error error;
    cpb_schedule *schedule = NULL;
    do
        random_step(&s, &seed);
    while (s.documents.n < 20 || s.domain.sizes != CPB_SIZES_POWERS);
    test_ration ration = {0};
    s.domain.allocator = test_ration_allocator(&ration);
    for (int64_t give = 0; !schedule; give++) {
        ration.left = give;
        const cpb_status status = make(&s, "auto", &schedule, &error);
        assert_true(status == CPB_OK || status == CPB_NO_MEMORY);
        assert_true(schedule || !ration.out);
    }
    const uint64_t wrong[MOST] = {0};
    cpb_schedule_claim claim = claim_of(schedule, &hash);
    claim.plans = wrong;
    cpb_status status = CPB_NO_MEMORY;
    for (int64_t give = 0; status == CPB_NO_MEMORY; give++) {
        const int64_t out = ration.out;
        ration.left = give;
        status = cpb_check_schedule(&s.documents, &s.domain, &claim, &error);
        assert_int_equal(ration.out, out);
    }
    assert_int_equal(status, CPB_REFUTED);
    cpb_schedule_free(schedule);
    assert_int_equal(ration.out, 0);
}

/* Documents of a step in which one of 64 is a giant, and one is half as long. */
static void giants(step *s)
{
    *s = (step){.domain = cpb_domain_default()};
    s->domain.ranks = 16;
    s->domain.budget = 16384;
    s->domain.setup.kernel = CPB_VARLEN;
    for (int64_t d = 0; d < MOST; d++)
        s->tokens[d] = d == 5 ? 131072 : d == 9 ? 65536 : 500;
    s->documents = (cpb_documents){.n = MOST, .tokens = s->tokens, .waited = s->waited};
}

static int64_t held(step *s, int64_t *which)
{
    cpb_error error;
    cpb_schedule *schedule;
    assert_int_equal(make(s, "auto", &schedule, &error), CPB_OK);
    proved(s, schedule);
    const int64_t n = cpb_schedule_score_of(schedule)->left_over;
    for (int64_t d = 0; d < MOST; d++)
        if (cpb_schedule_placements(schedule)[d].left == CPB_LEFT_HELD)
            *which = d;
    cpb_schedule_free(schedule);
    return n;
}

/* None is held back unless asked for; then giants are, until they have waited; what takes
 * no longer than one that is due goes with it. */
static void test_giants_are_held_back(void **state)
{
    (void)state;
    step s;
    int64_t which = -1;
    giants(&s);
    s.domain.setup.profile.net_bytes_per_us = 1000;
    assert_int_equal(held(&s, &which), 0);
    s.domain.hold = 2;
    assert_int_equal(held(&s, &which), 2);
    s.waited[9] = 2;
    assert_int_equal(held(&s, &which), 1);
    assert_int_equal(which, 5);
    s.waited[5] = 2;
    s.waited[9] = 0;
    assert_int_equal(held(&s, &which), 0);
    s.documents.n = 1;
    s.tokens[0] = 131072;
    s.waited[0] = 0;
    assert_int_equal(held(&s, &which), 0);
}

/* Rows that deal documents to micro-batches keep any order window. */
static void test_order_windows_are_kept(void **state)
{
    (void)state;
    static const char *const rows[] = {"flat", "lockstep", "grid", "auto"};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (int64_t window = 0; window < 40; window += 13) {
            step s;
            cpb_error error;
            cpb_schedule *schedule;
            giants(&s);
            s.domain.budget = 8192;
            s.domain.meet = CPB_MEET_MICRO;
            s.domain.micro_least = 4;
            s.domain.window = window;
            assert_int_equal(make(&s, rows[i], &schedule, &error), CPB_OK);
            assert_true(cpb_schedule_score_of(schedule)->moved_max <= window);
            proved(&s, schedule);
            cpb_schedule_free(schedule);
        }
}

/* Times whose sum over ranks, or over stages, is beyond 64 bits. */
static void test_times_near_the_limit(void **state)
{
    (void)state;
    const int64_t tokens[] = {CPB_MAX_TOKENS}, cost[] = {1},
                  long_cost[] = {INT64_C(1) << 57};
    step s = {.documents = {.n = 1, .tokens = tokens, .cost = cost},
              .domain = cpb_domain_default()};
    cpb_error error;
    cpb_schedule *schedule;
    s.domain.ranks = 65536;
    s.domain.budget = CPB_MAX_TOKENS / 2;
    s.domain.setup.profile.net_bytes_per_us = 8;
    for (size_t row = 0; cpb_schedule_name(row); row++) {
        if (make(&s, cpb_schedule_name(row), &schedule, &error) == CPB_UNSUPPORTED)
            continue;
        proved(&s, schedule);
        assert_true(cpb_schedule_score_of(schedule)->time > INT64_C(1) << 56);
        cpb_schedule_free(schedule);
    }
    s.documents.cost = long_cost;
    s.domain.budget = CPB_MAX_TOKENS;
    s.domain.setup.profile.net_bytes_per_us = 0;
    s.domain.ranks = 1;
    assert_int_equal(make(&s, "auto", &schedule, &error), CPB_OK);
    proved(&s, schedule);
    cpb_schedule_free(schedule);
    s.domain.meet = CPB_MEET_MICRO;
    s.domain.stages = 4096;
    assert_int_equal(make(&s, "auto", &schedule, &error), CPB_TOO_LARGE);
    assert_non_null(strstr(error.message, "may take more than"));
}

/* Nothing to do is a schedule too, and so is one rank. */
static void test_corners(void **state)
{
    (void)state;
    const int64_t tokens[] = {0, 7, 0, 200};
    step s = {.documents = {.n = 4, .tokens = tokens}, .domain = cpb_domain_default()};
    cpb_error error;
    cpb_schedule *schedule;
    s.domain.ranks = 1;
    s.domain.budget = 200;
    assert_int_equal(make(&s, "auto", &schedule, &error), CPB_OK);
    proved(&s, schedule);
    assert_int_equal(cpb_schedule_score_of(schedule)->left_over, 2);
    assert_int_equal(cpb_schedule_placements(schedule)[0].left, CPB_LEFT_EMPTY);
    assert_int_equal(cpb_schedule_micro_batches(schedule), 2);
    cpb_schedule_free(schedule);
    s.domain.ranks = 4096;
    assert_int_equal(make(&s, "auto", &schedule, &error), CPB_OK);
    proved(&s, schedule);
    cpb_schedule_free(schedule);
    s.documents.n = 0;
    assert_int_equal(make(&s, "auto", &schedule, &error), CPB_OK);
    proved(&s, schedule);
    assert_int_equal(cpb_schedule_score_of(schedule)->time, 0);
    cpb_schedule_free(schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_keep_the_laws),
        cmocka_unit_test(test_plans_of_groups),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_corners),
        cmocka_unit_test(test_times_near_the_limit),
        cmocka_unit_test(test_giants_are_held_back),
        cmocka_unit_test(test_order_windows_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
