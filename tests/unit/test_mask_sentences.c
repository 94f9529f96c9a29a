// SPDX-License-Identifier: Apache-2.0
/* Masks that are refused, and in which words. */
#include "testing.h"

static void a_bad_slice_is_named_with_what_is_accepted(void **state)
{
    (void)state;
    static const struct {
        cpb_slice slice;
        const char *message;
    } cases[] = {
        {{{-1, 3}, {0, 3}, CPB_FULL},
         "slice 1: queries [-1, 3) are negative; accepted is 0 <= begin < end <= 100"},
        {{{4, 4}, {0, 3}, CPB_FULL},
         "slice 1: queries [4, 4) are empty; accepted is 0 <= begin < end <= 100"},
        {{{50, 60}, {9, 3}, CPB_FULL},
         "slice 1: keys [9, 3) are inside out; accepted is 0 <= begin < end <= 100"},
        {{{50, 60}, {3, 101}, CPB_FULL},
         "slice 1: keys [3, 101) are outside the sequence; accepted is 0 <= begin < "
         "end "
         "<= 100"},
        {{{50, 60}, {INT64_MIN, INT64_MAX}, CPB_FULL},
         "slice 1: keys [-9223372036854775808, 9223372036854775807) are negative; "
         "accepted is 0 <= begin < end <= 100"},
        {{{50, 60}, {3, 10}, (cpb_kind)7},
         "slice 1: kind 7 is unknown; accepted is 0 (full), 1 (causal), 2 (inverse "
         "causal) or 3 (bi-causal)"},
        {{{9, 30}, {3, 10}, CPB_FULL},
         "slices 0 and 1 overlap: both allow query 9 and key 9; accepted are slices "
         "without a pair in common"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const cpb_slice slices[] = {{{0, 10}, {0, 10}, CPB_INVERSE_CAUSAL},
                                    cases[i].slice};
        cpb_mask *mask;
        cpb_error error;
        assert_int_equal(cpb_mask_create(100, 2, slices, 0, NULL, NULL, &mask, &error),
                         CPB_INVALID);
        assert_null(mask);
        assert_int_equal(error.at, 1);
        assert_string_equal(error.message, cases[i].message);
    }
}

static void bad_lengths_and_totals_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t tokens;
        int64_t lengths[3];
        cpb_status status;
        int64_t at;
        const char *message;
    } cases[] = {
        {0,
         {0, 0, 0},
         CPB_INVALID,
         -1,
         "the sequence has 0 tokens; accepted is 1 to 1073741824"},
        {-5,
         {0, 0, 0},
         CPB_INVALID,
         -1,
         "the sequence has -5 tokens; accepted is 1 to 1073741824"},
        {CPB_MAX_TOKENS + 1,
         {0, 0, 0},
         CPB_TOO_LARGE,
         -1,
         "the sequence has 1073741825 tokens; accepted is 1 to 1073741824"},
        {9,
         {4, -2, 7},
         CPB_INVALID,
         1,
         "document 1 has length -2; accepted is 0 or more"},
        {9,
         {4, 0, INT64_MAX},
         CPB_TOO_LARGE,
         2,
         "document 2 of length 9223372036854775807 takes the sequence beyond "
         "1073741824 "
         "tokens"},
        {9,
         {0, 0, 0},
         CPB_INVALID,
         -1,
         "the documents hold 0 tokens; accepted is 1 to 1073741824"},
        {9,
         {4, 0, 4},
         CPB_INVALID,
         -1,
         "the document lengths sum to 8; accepted is the 9 tokens of the sequence"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cpb_mask *mask;
        cpb_error error;
        assert_int_equal(cpb_mask_create(cases[i].tokens, 0, NULL, 3, cases[i].lengths,
                                         NULL, &mask, &error),
                         cases[i].status);
        assert_null(mask);
        assert_int_equal(error.at, cases[i].at);
        assert_string_equal(error.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_slice_is_named_with_what_is_accepted),
        cmocka_unit_test(bad_lengths_and_totals_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
