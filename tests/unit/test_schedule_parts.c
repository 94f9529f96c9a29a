// SPDX-License-Identifier: Apache-2.0
/* Documents in parts: the row `free` against every way to cut the documents of tiny steps
 * over groups, and against its own even cuts; `flat` on steps of few tokens. */
#include "testing.h"

#include "schedule/rows.h"

enum { MOST_DOCUMENTS = 2, MOST_CUTS = 3, FEW = 2 };

static cpb_domain tiny_domain(uint64_t *seed)
{
    cpb_domain d = cpb_domain_default();
    const int64_t tile = test_random(seed, 1, 3);
    d.ranks = (int32_t)test_random(seed, 2, 3);
    d.sizes = CPB_SIZES_ANY;
    d.budget = test_random(seed, 2, 6);
    d.fixed = test_random(seed, 0, 1) * test_random(seed, 0, 3000);
    d.meet = (cpb_meet)test_random(seed, CPB_MEET_STEP, CPB_MEET_MICRO);
    d.setup.kernel = CPB_VARLEN;
    d.setup.model = (cpb_model){8, 2, 64, 2};
    d.setup.overlap = (cpb_overlap)test_random(seed, 0, 2);
    d.setup.profile = (cpb_profile){
        .name = "tiny",
        .model = d.setup.model,
        .tile_q = tile,
        .tile_k = tile,
        .forward = {900, 900, 90, 0},
        .backward = {900, 900, 90, 0},
        .received_key = test_random(seed, 0, 1) * test_random(seed, 0, 300),
        .token = test_random(seed, 0, 900),
        .net_bytes_per_us = test_random(seed, 0, 1) * test_random(seed, 1, 9000000),
    };
    return d;
}

/* Documents that are placed and cut in every way, one after the other. */
typedef struct walk {
    const cpb_domain *domain;
    cpb_documents documents;
    cpb_batch batch;
    cpb_placement placement[MOST_DOCUMENTS];
    int64_t cut[MOST_DOCUMENTS * MOST_CUTS];
    int64_t best;
} walk;

static int64_t timed(const walk *w, const cpb_draft *draft)
{
    cpb_error error;
    cpb_timeline timeline;
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    assert_int_equal(cpb_timeline_create(&w->batch, draft, &arena, &timeline, &error),
                     CPB_OK);
    const int64_t time = timeline.time;
    cpb_arena_free(&arena);
    return time;
}

static void try_placement(walk *w)
{
    cpb_place place[MOST_DOCUMENTS];
    cpb_error error;
    const int32_t micro = (int32_t)w->documents.n;
    const cpb_schedule_claim claim = {.micro_batches = micro,
                                      .placement = w->placement,
                                      .cut = w->cut,
                                      .n_cuts = COUNT_OF(w->cut)};
    if (cpb_check_schedule(&w->documents, w->domain, &claim, &error) != CPB_OK)
        return;
    for (int64_t j = 0; j < w->batch.n; j++) {
        const cpb_placement *const p = &w->placement[w->batch.jobs[j].document];
        place[j] = (cpb_place){p->micro_batch, p->first, p->ranks, p->cuts + 1};
    }
    const int64_t time = timed(w, &(cpb_draft){place, micro, 0, w->cut, INT64_MAX});
    w->best = time < w->best ? time : w->best;
}

static void walk_documents(walk *w, int64_t d);

/* Every way to put the cuts from the i-th on behind `from`. */
static void walk_cuts(walk *w, int64_t d, int32_t i, int64_t from)
{
    const cpb_placement *const p = &w->placement[d];
    if (i == p->ranks) {
        walk_documents(w, d + 1);
        return;
    }
    for (int64_t at = from + 1; at < w->documents.tokens[d]; at++) {
        w->cut[p->cuts + i - 1] = at;
        walk_cuts(w, d, i + 1, at);
    }
}

static void walk_documents(walk *w, int64_t d)
{
    const int32_t ranks = w->domain->ranks;
    if (d == w->documents.n || d == MOST_DOCUMENTS) {
        try_placement(w);
        return;
    }
    for (int32_t micro = 0; micro < w->documents.n; micro++)
        for (int32_t size = 1; size <= ranks; size++)
            for (int32_t first = 0; first + size <= ranks; first++) {
                w->placement[d] =
                    (cpb_placement){micro, first, size, 0, -1, CPB_LEFT_NOT};
                walk_documents(w, d + 1);
                w->placement[d].cuts = size > 1 ? (int32_t)(MOST_CUTS * d) : -1;
                if (size > 1)
                    walk_cuts(w, d, 1, 0);
            }
}

static cpb_schedule *scheduled(const cpb_documents *documents, cpb_domain domain,
                               const char *row)
{
    cpb_schedule *schedule;
    cpb_error error;
    domain.row = row;
    assert_int_equal(cpb_schedule_create(documents, &domain, &schedule, &error),
                     CPB_OK);
    return schedule;
}

/* bound <= the best of all schedules <= free, and free is often near it. */
static void test_free_against_every_cut(void **state)
{
    (void)state;
    uint64_t seed = 5;
    int64_t near = 0, cases = 0;
    for (int i = 0; i < 250; i++) {
        const cpb_domain domain = tiny_domain(&seed);
        int64_t tokens[MOST_DOCUMENTS];
        walk w = {.domain = &domain, .best = INT64_MAX};
        cpb_error error;
        w.documents = (cpb_documents){.n = test_random(&seed, 1, MOST_DOCUMENTS),
                                      .tokens = tokens};
        for (int64_t k = 0; k < w.documents.n; k++)
            tokens[k] = test_random(
                &seed, 1, domain.ranks * (domain.budget < 3 ? domain.budget : 3));
        cpb_schedule *const free_row = scheduled(&w.documents, domain, "free");
        const cpb_schedule_score *const score = cpb_schedule_score_of(free_row);
        cpb_arena scratch = {.allocator = cpb_allocator_or_default(NULL)};
        assert_int_equal(
            cpb_batch_create(&w.documents, &domain, &scratch, &w.batch, &error),
            CPB_OK);
        walk_documents(&w, 0);
        if (score->micro_batches <= w.documents.n) {
            cases++;
            assert_true(score->bound <= w.best);
            assert_true(w.best <= score->time);
            near += score->time <= w.best + w.best / 4;
        }
        cpb_schedule_free(free_row);
        cpb_arena_free(&scratch);
    }
    assert_true(cases >= 200);
    assert_true(near * 10 >= cases * 8);
}

/* One of eight documents is longer than a budget, up to three of them. */
static int64_t draw(uint64_t *seed, int64_t budget, int64_t *tokens, int64_t most)
{
    const int64_t n = test_random(seed, most / 2, most);
    for (int64_t i = 0; i < n; i++)
        tokens[i] = test_random(seed, 1, i % 8 ? budget / 2 : 3 * budget);
    return n;
}

/* An 8B-like layer at 50 GB/s. */
static cpb_domain layer(cpb_overlap overlap, int64_t budget)
{
    cpb_domain d = cpb_domain_default();
    const cpb_pass pass = {708000, 708000, 807000, 0};
    d.ranks = 8;
    d.budget = budget;
    d.setup.kernel = CPB_VARLEN;
    d.setup.overlap = overlap;
    d.setup.model = (cpb_model){32, 8, 128, 2};
    d.setup.profile = (cpb_profile){.name = "layer",
                                    .model = d.setup.model,
                                    .tile_q = 128,
                                    .tile_k = 128,
                                    .forward = pass,
                                    .backward = pass,
                                    .token = 1090000,
                                    .net_bytes_per_us = 50000};
    return d;
}

/* Where there are whole documents to fill ranks up with, parts cost no time and save
 * keys; where the wire is not hidden they save time too. */
static void test_parts_save_keys(void **state)
{
    (void)state;
    uint64_t seed = 6;
    int64_t keys[FEW] = {0}, parts = 0;
    for (int i = 0; i < 40; i++) {
        int64_t tokens[600];
        cpb_domain domain = layer(i % 2 ? CPB_OVERLAP_NONE : CPB_OVERLAP_IDEAL,
                                  4096 << test_random(&seed, 0, 2));
        cpb_documents documents = {.tokens = tokens};
        int64_t time[FEW];
        documents.n = draw(&seed, domain.budget, tokens, COUNT_OF(tokens));
        for (int only = 0; only < FEW; only++) {
            domain.groups_only = only;
            cpb_schedule *const schedule = scheduled(&documents, domain, "free");
            const cpb_schedule_score *const score = cpb_schedule_score_of(schedule);
            time[only] = score->time;
            keys[only] += score->received;
            parts += cpb_schedule_n_cuts(schedule) > 0;
            assert_true(!only || !cpb_schedule_n_cuts(schedule));
            cpb_schedule_free(schedule);
        }
        assert_true(time[0] <= time[1] + time[1] / 64);
    }
    assert_true(parts >= 30);
    assert_true(keys[0] < keys[1] - keys[1] / 8);
}

/* Any document that all ranks can hold together is cut so that it fits, also where a budget
 * is less than a tile. */
static void test_flat_takes_every_step(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 2000; i++) {
        int64_t tokens[8];
        cpb_domain domain = cpb_domain_default();
        cpb_documents documents = {.n = test_random(&seed, 1, COUNT_OF(tokens)),
                                   .tokens = tokens};
        cpb_error error = {.message = ""};
        domain.ranks = (int32_t)test_random(&seed, 1, 8);
        domain.sizes = CPB_SIZES_ANY;
        domain.budget = test_random(&seed, 1, 80);
        domain.meet = (cpb_meet)test_random(&seed, CPB_MEET_STEP, CPB_MEET_MICRO);
        domain.setup.kernel = CPB_VARLEN;
        for (int64_t k = 0; k < documents.n; k++)
            tokens[k] = test_random(&seed, 1,
                                    domain.budget *
                                        (test_random(&seed, 0, 2) ? 1 : domain.ranks));
        cpb_schedule *const schedule = scheduled(&documents, domain, "flat");
        const cpb_schedule_claim claim = {
            .micro_batches = cpb_schedule_micro_batches(schedule),
            .block = cpb_schedule_block(schedule),
            .placement = cpb_schedule_placements(schedule),
            .cut = cpb_schedule_cuts(schedule),
            .n_cuts = cpb_schedule_n_cuts(schedule)};
        if (cpb_check_schedule(&documents, &domain, &claim, &error) != CPB_OK)
            fail_msg("%s", error.message);
        cpb_schedule_free(schedule);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_against_every_cut),
        cmocka_unit_test(test_parts_save_keys),
        cmocka_unit_test(test_flat_takes_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
