// SPDX-License-Identifier: Apache-2.0
/* Laws of schedules over random steps, every row, against the proof's own simulation and,
 * for tiny steps, against every schedule there is. */
#include "testing.h"

#include "schedule/rows.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 64, CASES = 400 };

/* A step to be scheduled, with the memory of its arrays. */
typedef struct step {
    cpb_documents documents;
    cpb_domain domain;
    int64_t tokens[MOST], cost[MOST], loss[MOST], waited[MOST], place[MOST];
    int32_t holder[MOST], size[8];
} step;

static cpb_profile small_profile(uint64_t *seed)
{
    const int64_t tile_q = test_random(seed, 1, 40);
    return (cpb_profile){
        .name = "small",
        .model = {8, 2, 64, 2},
        .tile_q = tile_q,
        .tile_k = test_random(seed, 0, 1) ? tile_q : test_random(seed, 1, 40),
        .forward = {test_random(seed, 0, 900), test_random(seed, 0, 900),
                    test_random(seed, 0, 900), test_random(seed, 0, 90)},
        .backward = {test_random(seed, 0, 900), test_random(seed, 0, 900),
                     test_random(seed, 0, 900), test_random(seed, 0, 90)},
        .received_key = test_random(seed, 0, 20),
        .token = test_random(seed, 0, 500),
        .net_bytes_per_us = test_random(seed, 0, 1) * test_random(seed, 1, 9000000),
        .link_bytes_per_us = test_random(seed, 0, 1) * test_random(seed, 1, 90000000),
        .phase_latency = test_random(seed, 0, 1) * test_random(seed, 0, 9000),
        .peer_latency = test_random(seed, 0, 1) * test_random(seed, 0, 900),
    };
}

static void random_sizes(step *s, uint64_t *seed)
{
    cpb_domain *const d = &s->domain;
    d->sizes = (cpb_group_sizes)test_random(seed, CPB_SIZES_POWERS, CPB_SIZES_LIST);
    for (int32_t p = 1; p <= d->ranks && d->n_size < COUNT_OF(s->size); p++)
        if (d->ranks % p == 0 && test_random(seed, 0, 2))
            s->size[d->n_size++] = p;
    if (!d->n_size)
        s->size[d->n_size++] = d->ranks;
    d->size = s->size;
}

static void random_documents(step *s, uint64_t *seed)
{
    cpb_documents *const d = &s->documents;
    const cpb_domain *const domain = &s->domain;
    int64_t largest =
        domain->sizes == CPB_SIZES_LIST ? s->size[domain->n_size - 1] : domain->ranks;
    while (domain->sizes == CPB_SIZES_POWERS && (largest & (largest - 1)))
        largest &= largest - 1;
    const int64_t budget =
        domain->budget / domain->token_multiple * domain->token_multiple;
    d->n = test_random(seed, 0, MOST);
    for (int64_t i = 0; i < d->n; i++) {
        const bool giant = test_random(seed, 0, 9) == 0;
        s->tokens[i] = test_random(seed, 0, giant ? largest * budget : budget);
        s->cost[i] = test_random(seed, 0, 100000);
        s->loss[i] = test_random(seed, 0, s->tokens[i]);
        s->waited[i] = test_random(seed, 0, 3);
        s->place[i] = (i * 37 + 11) % 64;
        s->holder[i] = (int32_t)test_random(seed, -1, domain->ranks - 1);
    }
    d->tokens = s->tokens;
    d->cost = test_random(seed, 0, 3) ? NULL : s->cost;
    d->loss = test_random(seed, 0, 1) ? NULL : s->loss;
    d->waited = test_random(seed, 0, 1) ? NULL : s->waited;
    d->place = test_random(seed, 0, 1) ? NULL : s->place;
    d->holder = test_random(seed, 0, 1) ? NULL : s->holder;
}

static void random_step(step *s, uint64_t *seed)
{
    *s = (step){.domain = cpb_domain_default()};
    cpb_domain *const d = &s->domain;
    d->ranks = (int32_t)test_random(seed, 1, 20);
    d->ranks_per_node = (int32_t)(test_random(seed, 0, 1) * test_random(seed, 0, 8));
    d->token_multiple = test_random(seed, 0, 2) ? 1 : test_random(seed, 1, 16);
    d->budget = test_random(seed, d->token_multiple, 400);
    d->micro_multiple = (int32_t)test_random(seed, 1, 3);
    d->micro_least = (int32_t)test_random(seed, 0, 4);
    d->one_size = test_random(seed, 0, 4) == 0;
    d->groups_only = test_random(seed, 0, 3) == 0;
    d->window = test_random(seed, 0, 4) ? -1 : test_random(seed, 0, MOST);
    d->hold = test_random(seed, 0, 2);
    d->token_bytes = test_random(seed, 1, 8);
    d->fixed = test_random(seed, 0, 1) * test_random(seed, 0, 100000);
    d->meet = (cpb_meet)test_random(seed, CPB_MEET_STEP, CPB_MEET_MICRO);
    d->stages = d->meet ? (int32_t)test_random(seed, 1, 3) : 1;
    d->setup.profile = small_profile(seed);
    d->setup.model = (cpb_model){8, 2, 64, 2};
    d->setup.overlap = (cpb_overlap)test_random(seed, 0, 2);
    d->setup.backward = test_random(seed, 0, 1);
    d->setup.kernel = CPB_VARLEN;
    random_sizes(s, seed);
    random_documents(s, seed);
}

static cpb_schedule_claim claim_of(const cpb_schedule *schedule, uint64_t *hash)
{
    *hash = cpb_schedule_hash(schedule);
    return (cpb_schedule_claim){
        .micro_batches = cpb_schedule_micro_batches(schedule),
        .block = cpb_schedule_block(schedule),
        .placement = cpb_schedule_placements(schedule),
        .cut = cpb_schedule_cuts(schedule),
        .n_cuts = cpb_schedule_n_cuts(schedule),
        .score = cpb_schedule_score_of(schedule),
        .hash = hash,
        .n_groups = cpb_schedule_n_groups(schedule),
        .groups = cpb_schedule_groups(schedule),
        .documents = cpb_schedule_documents(schedule),
    };
}

static void proved(const step *s, const cpb_schedule *schedule)
{
    uint64_t hash;
    cpb_error error = {.message = ""};
    const cpb_schedule_claim claim = claim_of(schedule, &hash);
    const cpb_status status =
        cpb_check_schedule(&s->documents, &s->domain, &claim, &error);
    if (status != CPB_OK)
        fail_msg("%s: %s", cpb_schedule_row(schedule), error.message);
}

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

static cpb_status make(const step *s, const char *row, cpb_schedule **schedule,
                       cpb_error *error)
{
    cpb_domain domain = s->domain;
    domain.row = row;
    return cpb_schedule_create(&s->documents, &domain, schedule, error);
}

/* Every row proves, twice the same, and auto is never above any. */
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
    const cpb_draft draft = {place, micro_batches, 0, NULL};
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
    const cpb_draft draft = {place, claim.micro_batches, claim.block, w->cut};
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

/* The claim with one thing changed must be refuted. */
static void refuted(const step *s, const cpb_schedule_claim *claim)
{
    cpb_error error;
    const cpb_status status =
        cpb_check_schedule(&s->documents, &s->domain, claim, &error);
    assert_true(status == CPB_REFUTED || status == CPB_TOO_LARGE);
}

static void test_mutations_are_refuted(void **state)
{
    (void)state;
    uint64_t seed = 4, hash;
    for (int i = 0; i < 80; i++) {
        step s;
        cpb_error error;
        cpb_schedule *schedule;
        random_step(&s, &seed);
        assert_int_equal(make(&s, "auto", &schedule, &error), CPB_OK);
        const cpb_schedule_claim claim = claim_of(schedule, &hash);
        cpb_placement changed[MOST];
        cpb_schedule_claim other = claim;
        if (s.documents.n)
            memcpy(changed, claim.placement, (size_t)s.documents.n * sizeof *changed);
        other.placement = changed;
        for (int64_t d = 0; d < s.documents.n; d++) {
            int32_t *const field[] = {&changed[d].micro_batch, &changed[d].first,
                                      &changed[d].ranks};
            for (size_t f = 0; f < COUNT_OF(field); f++) {
                *field[f] += 1;
                refuted(&s, &other);
                *field[f] -= 2;
                refuted(&s, &other);
                *field[f] += 1;
            }
            changed[d].left ^= 1;
            refuted(&s, &other);
            changed[d].left ^= 1;
        }
        other = claim;
        other.micro_batches++;
        refuted(&s, &other);
        other = claim;
        hash++;
        refuted(&s, &other);
        cpb_schedule_free(schedule);
    }
}

/* Every member of every group is recounted, and so is their number. */
static void test_groups_are_recounted(void **state)
{
    (void)state;
    static const size_t narrow[] = {offsetof(cpb_group, micro_batch),
                                    offsetof(cpb_group, first),
                                    offsetof(cpb_group, ranks)};
    static const size_t wide[] = {offsetof(cpb_group, first_document),
                                  offsetof(cpb_group, n_documents),
                                  offsetof(cpb_group, start), offsetof(cpb_group, end)};
    uint64_t seed = 11, hash;
    for (int i = 0; i < 60; i++) {
        step s;
        cpb_error error;
        cpb_schedule *schedule;
        cpb_group groups[MOST];
        int64_t documents[MOST + 1] = {0};
        random_step(&s, &seed);
        assert_int_equal(make(&s, "auto", &schedule, &error), CPB_OK);
        cpb_schedule_claim claim = claim_of(schedule, &hash);
        const size_t n = (size_t)claim.n_groups;
        const int64_t n_in = s.documents.n - cpb_schedule_score_of(schedule)->left_over;
        if (n)
            memcpy(groups, claim.groups, n * sizeof *groups);
        if (n_in)
            memcpy(documents, claim.documents, (size_t)n_in * sizeof *documents);
        claim.groups = groups;
        claim.documents = documents;
        for (size_t g = 0; g < n; g++) {
            for (size_t f = 0; f < COUNT_OF(narrow); f++) {
                ++*(int32_t *)(void *)((char *)&groups[g] + narrow[f]);
                refuted(&s, &claim);
                --*(int32_t *)(void *)((char *)&groups[g] + narrow[f]);
            }
            for (size_t f = 0; f < COUNT_OF(wide); f++) {
                ++*(int64_t *)(void *)((char *)&groups[g] + wide[f]);
                refuted(&s, &claim);
                --*(int64_t *)(void *)((char *)&groups[g] + wide[f]);
            }
        }
        for (int64_t d = 0; d < n_in; d++) {
            documents[d]++;
            refuted(&s, &claim);
            documents[d]--;
        }
        claim.n_groups--;
        refuted(&s, &claim);
        claim.n_groups += 2;
        refuted(&s, &claim);
        cpb_schedule_free(schedule);
    }
}

/* So is every reroute. */
static void test_reroutes_are_recounted(void **state)
{
    (void)state;
    uint64_t seed = 12, hash;
    int64_t tried = 0;
    while (tried < 200) {
        step s;
        cpb_error error;
        cpb_schedule *schedule;
        cpb_reroute list[MOST * 20];
        random_step(&s, &seed);
        assert_int_equal(make(&s, "auto", &schedule, &error), CPB_OK);
        cpb_schedule_claim claim = claim_of(schedule, &hash);
        const int64_t n = cpb_schedule_reroutes(schedule, list);
        claim.reroutes = list;
        claim.n_reroutes = n;
        assert_int_equal(cpb_check_schedule(&s.documents, &s.domain, &claim, &error),
                         CPB_OK);
        for (int64_t i = 0; i < n; i++, tried++) {
            list[i].document++;
            refuted(&s, &claim);
            list[i].document--;
            list[i].from++;
            refuted(&s, &claim);
            list[i].from--;
            list[i].to--;
            refuted(&s, &claim);
            list[i].to++;
            list[i].tokens--;
            refuted(&s, &claim);
            list[i].tokens++;
            list[i].bytes++;
            refuted(&s, &claim);
            list[i].bytes--;
        }
        claim.n_reroutes++;
        refuted(&s, &claim);
        if (n) {
            claim.n_reroutes = n - 1;
            refuted(&s, &claim);
        }
        cpb_schedule_free(schedule);
    }
}

/* Every figure of the score is recounted, but the bound, which may not pass the time. */
static void test_figures_are_recounted(void **state)
{
    (void)state;
    static const size_t counts[] = {
        offsetof(cpb_schedule_score, time),
        offsetof(cpb_schedule_score, groups),
        offsetof(cpb_schedule_score, tokens),
        offsetof(cpb_schedule_score, left_over),
        offsetof(cpb_schedule_score, split),
        offsetof(cpb_schedule_score, tokens_max),
        offsetof(cpb_schedule_score, padding),
        offsetof(cpb_schedule_score, received),
        offsetof(cpb_schedule_score, received_max),
        offsetof(cpb_schedule_score, wire),
        offsetof(cpb_schedule_score, rerouted),
        offsetof(cpb_schedule_score, moved_max),
        offsetof(cpb_schedule_score, waited_max),
        offsetof(cpb_schedule_score, loss_max),
    };
    static const size_t ratios[] = {
        offsetof(cpb_schedule_score, gap),
        offsetof(cpb_schedule_score, group_mean),
        offsetof(cpb_schedule_score, busy),
        offsetof(cpb_schedule_score, time_imbalance),
        offsetof(cpb_schedule_score, token_imbalance),
        offsetof(cpb_schedule_score, moved_mean),
        offsetof(cpb_schedule_score, loss_mean),
    };
    uint64_t seed = 5, hash;
    step s;
    cpb_error error;
    cpb_schedule *schedule;
    do
        random_step(&s, &seed);
    while (s.documents.n < 40);
    assert_int_equal(make(&s, "auto", &schedule, &error), CPB_OK);
    cpb_schedule_claim claim = claim_of(schedule, &hash);
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        cpb_schedule_score score = *claim.score;
        *(int64_t *)(void *)((char *)&score + counts[i]) += 1;
        cpb_schedule_claim other = claim;
        other.score = &score;
        refuted(&s, &other);
    }
    for (size_t i = 0; i < COUNT_OF(ratios); i++) {
        cpb_schedule_score score = *claim.score;
        double *const figure = (double *)(void *)((char *)&score + ratios[i]);
        *figure += 1e-6 * (1 + *figure);
        cpb_schedule_claim other = claim;
        other.score = &score;
        refuted(&s, &other);
    }
    cpb_schedule_score score = *claim.score;
    score.bound = score.time + 1;
    claim.score = &score;
    refuted(&s, &claim);
    cpb_schedule_free(schedule);
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
    const cpb_schedule_claim claim = claim_of(schedule, &hash);
    cpb_status status = CPB_NO_MEMORY;
    for (int64_t give = 0; status != CPB_OK; give++) {
        const int64_t out = ration.out;
        ration.left = give;
        status = cpb_check_schedule(&s.documents, &s.domain, &claim, &error);
        assert_true(status == CPB_OK || status == CPB_NO_MEMORY);
        assert_int_equal(ration.out, out);
    }
    cpb_schedule_free(schedule);
    assert_int_equal(ration.out, 0);
}

/* A refusal names the number that is missing. */
static void says(const cpb_documents *documents, const cpb_domain *domain,
                 const char *part)
{
    cpb_error error = {.message = ""};
    cpb_schedule *schedule;
    assert_int_not_equal(cpb_schedule_create(documents, domain, &schedule, &error),
                         CPB_OK);
    assert_null(schedule);
    if (!strstr(error.message, part))
        fail_msg("\"%s\" lacks \"%s\"", error.message, part);
}

static void test_bad_input_is_refused(void **state)
{
    (void)state;
    int64_t tokens[] = {100, 900, 300}, cost[] = {1, -1, 1};
    const int32_t three[] = {1, 3};
    cpb_documents documents = {.n = 3, .tokens = tokens};
    cpb_domain domain = cpb_domain_default();
    domain.ranks = 4;
    domain.budget = 200;
    says(&documents, &domain, "needs a budget of 225");
    domain.budget = 225;
    domain.micro_most = 1;
    says(&documents, &domain, "needs 2 micro-batches");
    domain.micro_most = 0;
    domain.window = 0;
    domain.row = "wlb";
    says(&documents, &domain, "an order window of 0 places is not kept");
    domain.row = "auto";
    domain.window = -1;
    domain.micro_most = 2;
    domain.micro_least = 4;
    says(&documents, &domain, "fewest micro-batches: 4 is above the most, 2");
    domain.micro_most = domain.micro_least = 0;
    domain.token_bytes = 0;
    says(&documents, &domain, "bytes of a token: 0 is outside 1 .. 256");
    domain.token_bytes = 8;
    domain.one_size = true;
    domain.row = "free";
    says(&documents, &domain, "use one with fixed groups");
    domain.row = "auto";
    domain.one_size = false;
    domain.sizes = CPB_SIZES_LIST;
    domain.size = three;
    domain.n_size = 2;
    says(&documents, &domain, "groups of 3 ranks cannot tile 4 ranks");
    domain.sizes = CPB_SIZES_POWERS;
    documents.cost = cost;
    says(&documents, &domain, "document 1: a cost of -1");
    cost[1] = INT64_MAX;
    says(&documents, &domain, "document 1: a cost of 9223372036854775807");
    documents.cost = NULL;
    tokens[1] = -5;
    says(&documents, &domain, "document 1: tokens of -5");
    tokens[1] = 5;
    domain.row = "fre";
    says(&documents, &domain, "nearest is 'free'");
    domain.row = "auto";
    domain.stages = 2;
    says(&documents, &domain, "2 pipeline stages need ranks that meet");
    domain.stages = 1;
    domain.ranks = 0;
    says(&documents, &domain, "ranks: 0 is outside 1");
    domain.ranks = 4;
    domain.setup.profile.token = INT64_C(1000000000000);
    domain.budget = CPB_MAX_TOKENS;
    tokens[1] = CPB_MAX_TOKENS;
    says(&documents, &domain, "may take more than");
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
        cmocka_unit_test(test_bound_against_every_schedule),
        cmocka_unit_test(test_bound_against_every_cut),
        cmocka_unit_test(test_plans_of_groups),
        cmocka_unit_test(test_mutations_are_refuted),
        cmocka_unit_test(test_groups_are_recounted),
        cmocka_unit_test(test_reroutes_are_recounted),
        cmocka_unit_test(test_figures_are_recounted),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_bad_input_is_refused),
        cmocka_unit_test(test_corners),
        cmocka_unit_test(test_giants_are_held_back),
        cmocka_unit_test(test_order_windows_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
