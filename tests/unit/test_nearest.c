// SPDX-License-Identifier: Apache-2.0
/* The name that a misspelled one is nearest to. */
#include "testing.h"

#include "../../src/base/nearest.h"

#include <string.h>

static const char *a_name(size_t i)
{
    static const char *const names[] = {"head-tail", "per-document", "ptrr", "even"};
    return i < COUNT_OF(names) ? names[i] : NULL;
}

static const char *no_name(size_t i)
{
    (void)i;
    return NULL;
}

static void the_nearest_name_has_the_fewest_edits(void **state)
{
    (void)state;
    assert_string_equal(cpb_nearest("headtail", a_name), "head-tail");
    assert_string_equal(cpb_nearest("prtr", a_name), "ptrr");
    assert_string_equal(cpb_nearest("eveen", a_name), "even");
    assert_string_equal(cpb_nearest("per", a_name), "per-document");
    assert_string_equal(cpb_nearest("PER", a_name), "per-document");
    assert_string_equal(cpb_nearest("EVN", a_name), "even");
    assert_non_null(cpb_nearest("", a_name));
    assert_null(cpb_nearest("per", no_name));
    char long_word[500];
    memset(long_word, 'x', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    assert_non_null(cpb_nearest(long_word, a_name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_name_has_the_fewest_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
