// SPDX-License-Identifier: Apache-2.0
/* The proof of a schedule refuses every change of what it recounts. */
#include "schedule_world.h"

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

/* The plans of the groups of a schedule. */
typedef struct plans {
    uint64_t hash[MOST];
    int64_t first[MOST * 20 + 1]; /* of the runs of a rank, all groups */
    cpb_range run[2 * MOST * 20];
    int64_t n_ranks;
} plans;

static void read_plans(const cpb_schedule *schedule, plans *p)
{
    cpb_plan *plan;
    p->first[0] = p->n_ranks = 0;
    for (int64_t g = 0; g < cpb_schedule_n_groups(schedule); g++) {
        assert_int_equal(cpb_schedule_plan(schedule, g, NULL, &plan, NULL), CPB_OK);
        p->hash[g] = cpb_plan_hash(plan);
        for (int32_t r = 0; r < cpb_plan_ranks(plan); r++, p->n_ranks++) {
            const size_t n = cpb_plan_n_runs(plan, r);
            int64_t *const first = &p->first[p->n_ranks];
            if (n)
                memcpy(p->run + *first, cpb_plan_runs(plan, r), n * sizeof *p->run);
            first[1] = *first + (int64_t)n;
        }
        cpb_plan_free(plan);
    }
}

/* So are the plans of groups, by hash and run by run, whatever row made them. */
static void test_plans_are_recounted(void **state)
{
    (void)state;
    uint64_t seed = 13, hash;
    int64_t tried = 0, cut = 0;
    while (tried < 60 || cut < 5) {
        step s;
        plans p;
        cpb_error error;
        cpb_schedule *schedule;
        random_step(&s, &seed);
        const char *const row = test_random(&seed, 0, 1) ? "auto" : "flat";
        if (make(&s, row, &schedule, &error) != CPB_OK)
            continue;
        cpb_schedule_claim claim = claim_of(schedule, &hash);
        read_plans(schedule, &p);
        cut += cpb_schedule_n_cuts(schedule) > 0;
        claim.plans = p.hash;
        assert_int_equal(cpb_check_schedule(&s.documents, &s.domain, &claim, &error),
                         CPB_OK);
        for (int64_t g = 0; g < claim.n_groups; g++, tried++) {
            p.hash[g]++;
            refuted(&s, &claim);
            p.hash[g]--;
        }
        claim.plans = NULL;
        claim.first_run = p.first;
        claim.runs = p.run;
        assert_int_equal(cpb_check_schedule(&s.documents, &s.domain, &claim, &error),
                         CPB_OK);
        for (int64_t i = 0; i < p.first[p.n_ranks]; i++) {
            p.run[i].begin++;
            refuted(&s, &claim);
            p.run[i].begin--;
            p.run[i].end--;
            refuted(&s, &claim);
            p.run[i].end++;
        }
        for (int64_t r = 1; r < p.n_ranks; r++) {
            p.first[r]++;
            refuted(&s, &claim);
            p.first[r]--;
        }
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
        offsetof(cpb_schedule_score, rerouted_bytes),
        offsetof(cpb_schedule_score, loss_max),
        offsetof(cpb_schedule_score, replicas),
        offsetof(cpb_schedule_score, replica_loss_max),
    };
    static const size_t ratios[] = {
        offsetof(cpb_schedule_score, gap),
        offsetof(cpb_schedule_score, group_mean),
        offsetof(cpb_schedule_score, busy),
        offsetof(cpb_schedule_score, time_imbalance),
        offsetof(cpb_schedule_score, token_imbalance),
        offsetof(cpb_schedule_score, moved_mean),
        offsetof(cpb_schedule_score, loss_mean),
        offsetof(cpb_schedule_score, replica_loss_mean),
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutations_are_refuted),
        cmocka_unit_test(test_groups_are_recounted),
        cmocka_unit_test(test_plans_are_recounted),
        cmocka_unit_test(test_reroutes_are_recounted),
        cmocka_unit_test(test_figures_are_recounted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
