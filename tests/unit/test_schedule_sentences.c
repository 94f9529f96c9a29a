// SPDX-License-Identifier: Apache-2.0
/* Steps that are refused: the sentence names what is missing, and that suffices. */
#include "schedule_world.h"

#include <stdlib.h>

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
    says(&documents, &domain,
         "unknown row 'fre', did you mean 'free'? Accepted: auto, free");
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

/* The number behind `words` in a refusal by a row, which there is. */
static int64_t missing(const step *s, const char *row, const char *words)
{
    cpb_error error = {.message = ""};
    cpb_schedule *schedule;
    assert_int_not_equal(make(s, row, &schedule, &error), CPB_OK);
    const char *const at = strstr(error.message, words);
    if (!at)
        fail_msg("\"%s\" lacks \"%s\"", error.message, words);
    return strtoll(at + strlen(words), NULL, 10);
}

/* The budget that a refusal names is the least with which the document is accepted. */
static void test_a_budget_that_is_named_suffices(void **state)
{
    (void)state;
    uint64_t seed = 21;
    for (int i = 0; i < 300; i++) {
        step s;
        cpb_error error;
        cpb_schedule *schedule;
        random_step(&s, &seed);
        cpb_domain *const d = &s.domain;
        s.tokens[0] = test_random(&seed, 1, 90) * d->ranks * d->budget;
        s.documents.n = 1;
        s.documents.loss = s.documents.cost = NULL;
        d->budget = cpb_max(d->token_multiple, d->budget / 4);
        if (make(&s, "auto", &schedule, &error) == CPB_OK) {
            cpb_schedule_free(schedule);
            continue;
        }
        const int64_t budget = missing(&s, "auto", "needs a budget of ");
        d->budget = budget - 1;
        assert_int_equal(missing(&s, "auto",
                                 d->budget < d->token_multiple ? "multiple of "
                                                               : "needs a budget of "),
                         d->budget < d->token_multiple ? d->token_multiple : budget);
        d->budget = budget;
        assert_int_equal(make(&s, "auto", &schedule, &error), CPB_OK);
        cpb_schedule_free(schedule);
    }
}

/* Giving in to what refusals of `auto` name, micro-batches or an order window, leads to a
 * schedule; the first names more than there were. */
static void test_limits_that_are_named_suffice(void **state)
{
    (void)state;
    uint64_t seed = 22;
    int64_t windows = 0, numbers = 0;
    for (int i = 0; i < 600; i++) {
        step s;
        cpb_error error;
        cpb_schedule *schedule;
        random_step(&s, &seed);
        s.domain.window = test_random(&seed, 0, 1) ? -1 : test_random(&seed, 0, 3);
        s.domain.micro_least = 0;
        s.domain.micro_most = (int32_t)test_random(&seed, 1, 3);
        if (make(&s, "auto", &schedule, &error) == CPB_OK) {
            cpb_schedule_free(schedule);
            continue;
        }
        do
            if (strstr(error.message, "order window")) {
                const int64_t window = missing(&s, "auto", "moves a document by ");
                assert_true(window > s.domain.window);
                s.domain.window = window;
                windows++;
            } else {
                const int64_t needed = missing(&s, "auto", "tokens needs ");
                assert_true(needed > s.domain.micro_most);
                s.domain.micro_most = (int32_t)needed;
                numbers++;
            }
        while (make(&s, "auto", &schedule, &error) != CPB_OK);
        cpb_schedule_free(schedule);
    }
    assert_true(windows > 10 && numbers > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_input_is_refused),
        cmocka_unit_test(test_a_budget_that_is_named_suffices),
        cmocka_unit_test(test_limits_that_are_named_suffice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
