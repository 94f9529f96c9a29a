// SPDX-License-Identifier: Apache-2.0
/* What goes wrong on one rank ends every rank, with a sentence that names it. */
#include "attend/greet.h"
#include "attend_world.h"

#include <stdio.h>

enum { RANKS = 3, TOKENS = 48 };

typedef enum bad_array { BAD_Q, BAD_KV, BAD_DOUT } bad_array;

/* What rank 1 does wrong. */
typedef struct fault {
    problem p;
    bad_array array;   /* that holds a bad value */
    int64_t bad_value; /* index into it; -1: none */
    float value;
    int bad_word; /* of what ranks compare; -1: none */
    bool ends_early;
    int64_t allocations; /* that succeed; -1: all */
    int64_t allocated;   /* of these */
    cpb_status status[RANKS];
    char message[RANKS][CPB_MESSAGE_BYTES];
} fault;

static cpb_status run_bad_word(const fault *f, const rank_arrays *a,
                               const cpb_link *link, cpb_error *error)
{
    cpb_words words;
    cpb_words_of(a->attend, link, &words);
    if (link->rank == 1)
        words.word[f->bad_word]++;
    return cpb_greet(&words, link, NULL, error);
}

static cpb_status run_both(const rank_arrays *a, const cpb_link *link, cpb_error *error)
{
    const cpb_attend_saved saved = {a->q, a->kv, a->out, a->lse, a->dout};
    const cpb_status status = cpb_attend_forward(a->attend, link, a->q, a->kv, a->out,
                                                 a->lse, NULL, NULL, error);
    return status == CPB_OK ? cpb_attend_backward(a->attend, link, &saved, a->dq,
                                                  a->dkv, NULL, NULL, error)
                            : status;
}

static cpb_status run_arrays(fault *f, rank_arrays *a, const cpb_link *link,
                             cpb_error *error)
{
    if (f->bad_word >= 0)
        return run_bad_word(f, a, link, error);
    const cpb_status status = cpb_attend_greet(a->attend, link, error);
    if (status != CPB_OK)
        return status;
    if (link->rank == 1 && f->ends_early)
        return CPB_OK;
    float *const arrays[] = {[BAD_Q] = a->q, [BAD_KV] = a->kv, [BAD_DOUT] = a->dout};
    if (link->rank == 1 && f->bad_value >= 0)
        arrays[f->array][f->bad_value] = f->value;
    return run_both(a, link, error);
}

/* Rank 1 allocates by a ration. */
static cpb_status create_rationed(fault *f, cpb_attend **attend,
                                  const cpb_exchange *exchange, cpb_error *error)
{
    test_ration ration = {.left = f->allocations};
    const cpb_allocator allocator = test_ration_allocator(&ration);
    const cpb_status status =
        cpb_attend_create(f->p.plan, f->p.mask, exchange, 1, &f->p.shape, true,
                          &allocator, attend, error);
    if (status != CPB_OK)
        assert_int_equal(ration.out, 0);
    f->allocated = f->allocations - ration.left;
    cpb_attend_free(*attend);
    *attend = NULL;
    assert_int_equal(ration.out, 0);
    return status;
}

static cpb_status run_fault(void *context, const cpb_link *link, cpb_error *error)
{
    fault *const f = context;
    rank_arrays a = {.attend = NULL};
    cpb_attend *rationed = NULL;
    cpb_status status = rank_prepare(&a, &f->p, link->rank, error);
    if (status == CPB_OK && link->rank == 1 && f->allocations >= 0)
        status = create_rationed(f, &rationed, a.exchange, error);
    if (status == CPB_OK)
        status = run_arrays(f, &a, link, error);
    rank_free(&a);
    f->status[link->rank] = status;
    snprintf(f->message[link->rank], sizeof f->message[0], "%s", error->message);
    return status;
}

static fault healthy(void)
{
    return (fault){.p.shape = {2, 1, 4, 0.5, CPB_FP32},
                   .p.backward = true,
                   .bad_value = -1,
                   .bad_word = -1,
                   .allocations = -1};
}

/* Every rank ends as expected, and so does the whole. */
static void expect(fault *f, cpb_status mine, const char *sentence,
                   const char *sentence_of_others)
{
    static const int64_t first[] = {0, 1, 2, 3};
    static const cpb_range runs[] = {{0, 16}, {16, 32}, {32, TOKENS}};
    cpb_mask *const mask = text_mask("full:48");
    cpb_plan *plan = NULL;
    cpb_error error = {.at = -1};
    assert_int_equal(cpb_plan_create_runs(TOKENS, 0, RANKS, first, runs, &any_promise,
                                          NULL, &plan, NULL),
                     CPB_OK);
    f->p.mask = mask;
    f->p.plan = plan;
    const cpb_status status = cpb_world_run(RANKS, NULL, run_fault, f, NULL, &error);
    assert_int_equal(f->status[1], mine);
    assert_int_equal(status, mine == CPB_OK ? CPB_BROKEN : mine);
    assert_non_null(strstr(error.message, sentence_of_others));
    if (mine != CPB_OK)
        assert_non_null(strstr(f->message[1], sentence));
    for (int r = 0; r < RANKS; r += 2) {
        assert_int_equal(f->status[r], CPB_BROKEN);
        assert_non_null(strstr(f->message[r], sentence_of_others));
    }
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

static void values_that_are_no_numbers(void **state)
{
    fault f = healthy();
    (void)state;
    f.bad_value = 8 * 3 + 6; /* slot 3, head 1, element 2 */
    f.value = NAN;
    expect(&f, CPB_INVALID, "query of position 19 holds NaN at head 1, element 2",
           "rank 1: query of position 19 holds NaN");
    f.value = -INFINITY;
    expect(&f, CPB_INVALID, "holds infinity", "rank 1: query of position 19");
    f.array = BAD_DOUT;
    expect(&f, CPB_INVALID,
           "gradient of the output of position 19 holds infinity at head 1, element 2",
           "rank 1: gradient of the output of position 19");
    f.array = BAD_KV; /* one head of 4: keys in 0 .. 3, values in 4 .. 7 */
    expect(&f, CPB_INVALID, "value of position 19 holds infinity at head 0, element 2",
           "rank 1: value of position 19");
    f.bad_value = 8 * 3 + 1;
    expect(&f, CPB_INVALID, "key of position 19 holds infinity at head 0, element 1",
           "rank 1: key of position 19");
}

static void ranks_that_mean_something_else(void **state)
{
    static const char *const names[CPB_N_WORDS] = {
        "version of cpbalance", "number of ranks", "mask", "plan", "exchange",
        "shape of attention"};
    (void)state;
    for (int w = 0; w < CPB_N_WORDS; w++) {
        fault f = healthy();
        char sentence[80];
        f.bad_word = w;
        snprintf(sentence, sizeof sentence, "rank 1 has another %s than rank 0",
                 names[w]);
        expect(&f, CPB_BROKEN, sentence, sentence);
    }
}

static void a_rank_that_ends_early(void **state)
{
    fault f = healthy();
    (void)state;
    f.ends_early = true;
    expect(&f, CPB_OK, "", "rank 1 ended while rank");
}

/* Whichever allocation is the first to fail. */
static void a_rank_without_memory(void **state)
{
    fault f = healthy();
    (void)state;
    f.allocations = 1000;
    f.ends_early = true;
    expect(&f, CPB_OK, "", "rank 1 ended while rank");
    const int64_t needed = f.allocated;
    assert_in_range(needed, 4, 999);
    f.ends_early = false;
    for (f.allocations = 0; f.allocations < needed; f.allocations++)
        expect(&f, CPB_NO_MEMORY, "out of memory", "rank 1: out of memory");
}

static void bad_shapes(void **state)
{
    static const struct {
        cpb_attention shape;
        const char *sentence;
    } cases[] = {
        {{0, 1, 8, 1, CPB_FP32}, "q_heads is 0"},
        {{4, 3, 8, 1, CPB_FP32}, "4 query heads are no multiple of 3"},
        {{4, 2, 5000, 1, CPB_FP32}, "head_dim is 5000; accepted are 1 to 4096"},
        {{4, 2, 8, 0, CPB_FP32}, "the scale of scores is 0"}};
    cpb_mask *const mask = text_mask("causal:8");
    cpb_plan *const plan = two_halves();
    cpb_exchange *exchange = NULL;
    cpb_attend *attend = NULL;
    cpb_error error;
    (void)state;
    assert_int_equal(cpb_exchange_create(plan, mask, NULL, NULL, &exchange, NULL),
                     CPB_OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(cpb_attend_create(plan, mask, exchange, 0, &cases[i].shape,
                                           false, NULL, &attend, &error),
                         CPB_INVALID);
        assert_null(attend);
        assert_non_null(strstr(error.message, cases[i].sentence));
    }
    cpb_exchange_free(exchange);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_are_no_numbers),
        cmocka_unit_test(ranks_that_mean_something_else),
        cmocka_unit_test(a_rank_that_ends_early),
        cmocka_unit_test(a_rank_without_memory),
        cmocka_unit_test(bad_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
