// SPDX-License-Identifier: Apache-2.0
/* The bound of a step against every schedule there is of tiny steps. */
#include "schedule_world.h"

/* The time of placements, or INT64_MAX where they break a law. */
static int64_t time_of(const step *s, cpb_batch *batch, const cpb_placement *placement,
                       int32_t micro_batches, cpb_arena *arena)
{
    cpb_error error;
    cpb_place place[4];
    cpb_timeline timeline;
    const cpb_schedule_claim claim = {.micro_batches = micro_batches,
                                      .placement = placement};
    if (cpb_check_schedule(&s->documents, &s->domain, &claim, &error) != CPB_OK)
        return INT64_MAX;
    for (int64_t j = 0; j < batch->n; j++) {
        const cpb_placement *const p = &placement[batch->jobs[j].document];
        place[j] = (cpb_place){p->micro_batch, p->first, p->ranks, 0};
    }
    const cpb_draft draft = {.place = place, .micro_batches = micro_batches};
    assert_int_equal(cpb_timeline_create(batch, &draft, arena, &timeline, &error),
                     CPB_OK);
    const int64_t time = timeline.time;
    cpb_arena_free(arena);
    return time;
}

/* Count `placement` up through all micro-batches, firsts and sizes. */
static bool next_placement(cpb_placement *placement, int64_t n, int32_t ranks)
{
    for (int64_t d = 0; d < n; d++) {
        cpb_placement *const p = &placement[d];
        if (++p->first + p->ranks <= ranks)
            return true;
        p->first = 0;
        if (++p->ranks <= ranks)
            return true;
        p->ranks = 1;
        if (++p->micro_batch < n)
            return true;
        p->micro_batch = 0;
    }
    return false;
}

/* Every schedule of a tiny step: none is below the bound, and auto is near the best. */
static void test_bound_against_every_schedule(void **state)
{
    (void)state;
    uint64_t seed = 2;
    int64_t tight = 0, cases = 0;
    for (int i = 0; i < 120; i++) {
        step s;
        cpb_error error;
        cpb_schedule *schedule;
        cpb_batch batch;
        random_step(&s, &seed);
        cpb_domain *const d = &s.domain;
        if (s.documents.n < 3 || d->ranks > 4)
            continue;
        const int64_t n = test_random(&seed, 1, d->ranks < 4 ? 3 : 2);
        s.documents.n = n;
        d->micro_multiple = 1;
        d->micro_least = 0;
        d->micro_most = (int32_t)n;
        for (int64_t k = 0; k < n; k++)
            s.tokens[k] = s.tokens[k] ? s.tokens[k] : 1;
        s.documents.loss = NULL;
        if (make(&s, "auto", &schedule, &error) != CPB_OK)
            continue;
        cpb_arena scratch = {.allocator = cpb_allocator_or_default(NULL)};
        cpb_arena arena = scratch;
        cpb_placement placement[4] = {{0, 0, 1, 0, -1, CPB_LEFT_NOT},
                                      {0, 0, 1, 0, -1, CPB_LEFT_NOT},
                                      {0, 0, 1, 0, -1, CPB_LEFT_NOT}};
        int64_t best = INT64_MAX;
        assert_int_equal(cpb_batch_create(&s.documents, d, &scratch, &batch, &error),
                         CPB_OK);
        do {
            const int64_t time = time_of(&s, &batch, placement, (int32_t)n, &arena);
            best = time < best ? time : best;
        } while (next_placement(placement, n, d->ranks));
        const cpb_schedule_score *const score = cpb_schedule_score_of(schedule);
        cases++;
        assert_true(score->bound <= best);
        tight += score->time <= best + best / 4;
        cpb_schedule_free(schedule);
        cpb_arena_free(&scratch);
    }
    assert_true(cases >= 10);
    assert_true(tight * 10 >= cases * 8);
}

/* A tiny step whose documents are placed and cut in every way, one after the other. */
typedef struct cuts_walk {
    step *s;
    cpb_batch batch;
    cpb_placement placement[3];
    int64_t cut[3 * 3];
    int64_t best;
} cuts_walk;

/* The time of the flat form with these placements, or INT64_MAX where they break a law. */
static int64_t time_of_cuts(cuts_walk *w)
{
    step *const s = w->s;
    cpb_error error;
    cpb_place place[3];
    cpb_timeline timeline;
    cpb_arena arena = {.allocator = cpb_allocator_or_default(NULL)};
    const cpb_schedule_claim claim = {.micro_batches = (int32_t)s->documents.n,
                                      .block = s->domain.ranks,
                                      .placement = w->placement,
                                      .cut = w->cut,
                                      .n_cuts = COUNT_OF(w->cut)};
    if (cpb_check_schedule(&s->documents, &s->domain, &claim, &error) != CPB_OK)
        return INT64_MAX;
    for (int64_t j = 0; j < w->batch.n; j++) {
        const cpb_placement *const p = &w->placement[w->batch.jobs[j].document];
        place[j] = (cpb_place){p->micro_batch, p->first, p->ranks, p->cuts + 1};
    }
    const cpb_draft draft = {place, claim.micro_batches, claim.block, w->cut,
                             INT64_MAX};
    assert_int_equal(cpb_timeline_create(&w->batch, &draft, &arena, &timeline, &error),
                     CPB_OK);
    const int64_t time = timeline.time;
    cpb_arena_free(&arena);
    return time;
}

static void walk_documents(cuts_walk *w, int64_t d);

/* Every way to put the cuts from the i-th on behind `from`. */
static void walk_cuts(cuts_walk *w, int64_t d, int32_t i, int64_t from)
{
    const cpb_placement *const p = &w->placement[d];
    if (i == p->ranks) {
        walk_documents(w, d + 1);
        return;
    }
    for (int64_t at = from + 1; at < w->s->tokens[d]; at++) {
        w->cut[p->cuts + i - 1] = at;
        walk_cuts(w, d, i + 1, at);
    }
}

static void walk_documents(cuts_walk *w, int64_t d)
{
    const int32_t ranks = w->s->domain.ranks;
    if (d == w->s->documents.n) {
        const int64_t time = time_of_cuts(w);
        w->best = time < w->best ? time : w->best;
        return;
    }
    for (int32_t micro = 0; micro < w->s->documents.n; micro++)
        for (int32_t size = 1; size <= ranks; size++)
            for (int32_t first = 0; first + size <= ranks; first++) {
                const int32_t cuts = size > 1 ? (int32_t)(3 * d) : -1;
                w->placement[d] =
                    (cpb_placement){micro, first, size, 0, cuts, CPB_LEFT_NOT};
                walk_cuts(w, d, 1, 0);
            }
}

/* Every way to cut the documents of a tiny step: none is below the bound, and the row
 * that cuts is near the best. */
static void test_bound_against_every_cut(void **state)
{
    (void)state;
    uint64_t seed = 12;
    int64_t near = 0, cases = 0;
    for (int i = 0; i < 300; i++) {
        step s;
        cpb_error error;
        cpb_schedule *schedule;
        cuts_walk w = {.s = &s, .best = INT64_MAX};
        random_step(&s, &seed);
        cpb_domain *const d = &s.domain;
        d->ranks = (int32_t)test_random(&seed, 2, 3);
        d->sizes = CPB_SIZES_ANY;
        d->groups_only = false;
        d->token_multiple = d->micro_multiple = 1;
        d->micro_least = 0;
        d->budget = test_random(&seed, 2, 6);
        s.documents.n = test_random(&seed, 1, 2);
        d->micro_most = (int32_t)s.documents.n;
        for (int64_t k = 0; k < s.documents.n; k++)
            s.tokens[k] = test_random(&seed, 1, cpb_min(8, d->ranks * d->budget));
        s.documents.loss = NULL;
        s.documents.holder = NULL;
        if (make(&s, "auto", &schedule, &error) != CPB_OK)
            continue;
        cpb_arena scratch = {.allocator = cpb_allocator_or_default(NULL)};
        assert_int_equal(cpb_batch_create(&s.documents, d, &scratch, &w.batch, &error),
                         CPB_OK);
        walk_documents(&w, 0);
        const cpb_schedule_score *const score = cpb_schedule_score_of(schedule);
        cases++;
        assert_true(score->bound <= w.best);
        near += score->time <= w.best + w.best / 4;
        cpb_schedule_free(schedule);
        cpb_arena_free(&scratch);
    }
    assert_true(cases >= 100);
    assert_true(near * 10 >= cases * 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_against_every_schedule),
        cmocka_unit_test(test_bound_against_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
