// SPDX-License-Identifier: Apache-2.0
/* The text notation of masks: spellings, refusals, limits. */
#include "mask_texts.h"

#include <inttypes.h>

static void every_example_is_small_and_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; cpb_mask_family_example(i); i++) {
        const char *const text = cpb_mask_family_example(i);
        cpb_mask *const mask = parsed(text);
        assert_string_equal(cpb_mask_text(mask), text);
        assert_true(cpb_mask_tokens(mask) >= 60 && cpb_mask_tokens(mask) <= 200);
        assert_true(cpb_mask_n_documents(mask) > 1);
        assert_memory_equal(text, cpb_mask_family_name(i),
                            strlen(cpb_mask_family_name(i)));
        cpb_mask_free(mask);
    }
}

static void other_spellings_have_one_canonical_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"documents:1024,3072;window=512", "window:1024,3072;n=512"},
        {"global:8192;g=4", "global:8192;g=4;n=512"},
        {"global:8192;n=9;g=4", "global:8192;g=4;n=9"},
        {"sinks:8192;g=9000", "sinks:8192;g=9000;n=512"},
        {"prefix:10,20;p=5", "prefix:10,20;n=5"},
        {"prefix:10,20", "prefix:10,20"},
        {"007*documents:0005,00", "documents:5,0"},
        {"window:9;n=9223372036854775807", "window:9;n=9223372036854775807"},
        {"chunked:9;n=9223372036854775807", "chunked:9;n=9223372036854775807"},
        {"global:9;g=9223372036854775807;n=9223372036854775807",
         "global:9;g=9223372036854775807;n=9223372036854775807"},
        {"causal:1073741824", "causal:1073741824"},
        {"chunked:1073741824;n=1", "chunked:1073741824;n=1"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cpb_mask *const mask = parsed(cases[i].text);
        cpb_mask *const again = parsed(cases[i].canonical);
        assert_string_equal(cpb_mask_text(mask), cases[i].canonical);
        assert_equal_masks(mask, again);
        cpb_mask_free(mask);
        cpb_mask_free(again);
    }
}

static void a_weight_is_read_and_kept_out_of_the_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t weight;
    } cases[] = {{"causal:9", 1},
                 {"1*causal:9", 1},
                 {"3*causal:9", 3},
                 {"1000000*causal:9", 1000000}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cpb_mask *mask;
        int64_t weight = -1;
        assert_int_equal(
            cpb_mask_create_text(cases[i].text, 0, NULL, &weight, NULL, &mask, NULL),
            CPB_OK);
        assert_int_equal(weight, cases[i].weight);
        assert_string_equal(cpb_mask_text(mask), "causal:9");
        cpb_mask_free(mask);
    }
}

typedef struct refusal {
    const char *text;
    cpb_status status;
    int64_t at;
    const char *message;
} refusal;

static void assert_refused(const refusal *r, size_t n, const int64_t *lengths)
{
    cpb_mask *mask;
    cpb_error error = {0};
    const cpb_status status =
        cpb_mask_create_text(r->text, n, lengths, NULL, NULL, &mask, &error);
    assert_null(mask);
    assert_string_equal(error.message, r->message);
    assert_int_equal(error.at, r->at);
    assert_int_equal(status, r->status);
}

#define KNOWN                                                                          \
    "full, causal, documents, documents-full, window, window-both, global, sinks, "    \
    "prefix, block-causal, causal-blocks, chunked, shared-question"

static void a_bad_text_is_refused_at_its_character(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"", CPB_INVALID, 0,
         "unknown mask family '', did you mean 'full'? Accepted: " KNOWN},
        {"windw:9;n=3", CPB_INVALID, 0,
         "unknown mask family 'windw', did you mean 'window'? Accepted: " KNOWN},
        {"2*docs:9", CPB_INVALID, 2,
         "unknown mask family 'docs', did you mean 'documents'? Accepted: " KNOWN},
        {"documents", CPB_INVALID, 9,
         "the mask ends at character 10; expected ':' and document lengths"},
        {"documents:", CPB_INVALID, 10,
         "the mask ends at character 11; expected a document length (digits)"},
        {"documents;n=1", CPB_INVALID, 9,
         "unexpected ';' at character 10 of the mask; expected ':' and document "
         "lengths"},
        {"documents:5,,6", CPB_INVALID, 12,
         "unexpected ',' at character 13 of the mask; expected a document length "
         "(digits)"},
        {"documents:5, 6", CPB_INVALID, 12,
         "unexpected ' ' at character 13 of the mask; expected a document length "
         "(digits)"},
        {"documents:5,", CPB_INVALID, 12,
         "the mask ends at character 13; expected a document length (digits)"},
        {"documents:-5", CPB_INVALID, 10,
         "unexpected '-' at character 11 of the mask; expected a document length "
         "(digits)"},
        {"documents:+5", CPB_INVALID, 10,
         "unexpected '+' at character 11 of the mask; expected a document length "
         "(digits)"},
        {"documents:5x", CPB_INVALID, 11,
         "unexpected 'x' at character 12 of the mask; expected ',' and a length, ';' "
         "and "
         "a key, or the end"},
        {"documents:0,0", CPB_INVALID, 10,
         "the mask's documents hold 0 tokens; accepted is 1 to 1073741824"},
        {"documents:5,1073741820", CPB_TOO_LARGE, 12,
         "the length 1073741820 at character 13 takes the mask beyond 1073741824 "
         "tokens"},
        {"documents:5,99999999999999999999", CPB_TOO_LARGE, 12,
         "the number 99999999999999999999 at character 13 of the mask is too large; "
         "accepted is up to 9223372036854775807"},
        {"documents:5;", CPB_INVALID, 12,
         "unknown key '' at character 13 of the mask; documents accepts window, "
         "window-both, prefix, block-causal, chunked"},
        {"documents:5;windo=3", CPB_INVALID, 12,
         "unknown key 'windo' at character 13 of the mask; documents accepts window, "
         "window-both, prefix, block-causal, chunked"},
        {"causal:5;n=3", CPB_INVALID, 9,
         "unknown key 'n' at character 10 of the mask; causal accepts no keys"},
        {"global:5;g=1;m=3", CPB_INVALID, 13,
         "unknown key 'm' at character 14 of the mask; global accepts g, n"},
        {"window:5;n", CPB_INVALID, 10,
         "the mask ends at character 11; expected '=' and a number"},
        {"window:5;n=", CPB_INVALID, 11,
         "the mask ends at character 12; expected a number (digits)"},
        {"window:5;n=-3", CPB_INVALID, 11,
         "unexpected '-' at character 12 of the mask; expected a number (digits)"},
        {"window:5;n=3,", CPB_INVALID, 12,
         "unexpected ',' at character 13 of the mask; expected ';' and a key, or the "
         "end"},
        {"window:5;n=0", CPB_INVALID, 11,
         "n is 0 at character 12 of the mask; accepted is 1 or more"},
        {"window:5;n=9223372036854775808", CPB_TOO_LARGE, 11,
         "the number 9223372036854775808 at character 12 of the mask is too large; "
         "accepted is up to 9223372036854775807"},
        {"window:5;n=3;n=3", CPB_INVALID, 13,
         "n is given twice, again at character 14 of the mask; accepted is once"},
        {"prefix:5;n=3;p=3", CPB_INVALID, 13,
         "n is given twice, again at character 14 of the mask; accepted is once"},
        {"window:5", CPB_INVALID, 8,
         "the mask family window lacks n, the number of keys that a query sees; "
         "expected "
         ";n=NUMBER at character 9"},
        {"global:5;n=3", CPB_INVALID, 12,
         "the mask family global lacks g, the number of global tokens; expected "
         ";g=NUMBER at character 13"},
        {"0*causal:5", CPB_INVALID, 0,
         "the mask has weight 0; accepted is 1 to 1000000"},
        {"1000001*causal:5", CPB_INVALID, 0,
         "the mask has weight 1000001; accepted is 1 to 1000000"},
        {"-1*causal:5", CPB_INVALID, 0,
         "unexpected '-' at character 1 of the mask; expected a weight (digits) before "
         "'*'"},
        {"3x*causal:5", CPB_INVALID, 1,
         "unexpected 'x' at character 2 of the mask; expected '*' after the weight"},
        {"chunked:1073741824;n=2", CPB_TOO_LARGE, -1,
         "chunked with n=2 takes 536870912 slices; accepted are numbers that make it "
         "at "
         "most 16777216"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_refused(&cases[i], 0, NULL);
}

static void a_bad_text_beside_lengths_is_refused(void **state)
{
    (void)state;
    static const int64_t lengths[] = {5, 0, 7}, nothing[] = {0, 0}, bad[] = {3, -1},
                         large[] = {CPB_MAX_TOKENS, 1};
    static const refusal cases[] = {
        {"window", CPB_INVALID, 6,
         "the mask family window lacks n, the number of keys that a query sees; "
         "expected "
         ";n=NUMBER at character 7"},
        {"window:", CPB_INVALID, 7,
         "the mask ends at character 8; expected a number (digits)"},
        {"window:5,6", CPB_INVALID, 8,
         "unexpected ',' at character 9 of the mask; expected ';' and a key, or the "
         "end"},
        {"window:5;n=5", CPB_INVALID, 9,
         "n is given twice, again at character 10 of the mask; accepted is once"},
        {"documents:5", CPB_INVALID, 9,
         "unexpected ':' at character 10 of the mask; expected the end: the lengths "
         "stand elsewhere, and this family takes no number"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_refused(&cases[i], COUNT_OF(lengths), lengths);

    const refusal no_tokens = {
        "causal", CPB_INVALID, -1,
        "the documents hold 0 tokens; accepted is 1 to 1073741824"};
    assert_refused(&no_tokens, 2, nothing);
    assert_refused(&no_tokens, 0, nothing);
    const refusal negative = {"causal", CPB_INVALID, 1,
                              "document 1 has length -1; accepted is 0 or more"};
    assert_refused(&negative, 2, bad);
    const refusal beyond = {
        "causal", CPB_TOO_LARGE, 1,
        "document 1 of length 1 takes the sequence beyond 1073741824 tokens"};
    assert_refused(&beyond, 2, large);
}

/* Prefixes and changed characters of good texts: taken, or refused inside the text. */
static void no_text_near_a_good_one_breaks_the_parser(void **state)
{
    (void)state;
    uint64_t seed = 4;
    static const char odd[] = ":;,=*0987n -\xff";
    for (size_t i = 0; cpb_mask_family_example(i); i++) {
        for (int round = 0; round < 300; round++) {
            char text[TEXT_BYTES] = "";
            put(text, "3*%s", cpb_mask_family_example(i));
            const int64_t length = (int64_t)strlen(text);
            const int64_t place = test_random(&seed, 0, length - 1);
            text[place] =
                round % 3 ? odd[test_random(&seed, 0, (int64_t)sizeof odd - 2)] : '\0';
            cpb_mask *mask;
            cpb_error error = {.at = -2};
            const cpb_status status =
                cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, &error);
            if (status == CPB_OK)
                cpb_mask_free(mask);
            else
                assert_in_range(error.at + 1, 0, strlen(text) + 1);
        }
    }
}

static void a_hundred_thousand_documents_are_read_back(void **state)
{
    (void)state;
    enum { N = 100000 };
    uint64_t seed = 5;
    char *const text = malloc(N * 4 + 20);
    assert_non_null(text);
    int64_t pairs = 0;
    char *to = text + sprintf(text, "documents");
    for (int d = 0; d < N; d++) {
        const int64_t length = test_random(&seed, 0, 99);
        to += sprintf(to, "%c%" PRId64, d ? ',' : ':', length);
        pairs += length * (length + 1) / 2;
    }
    cpb_mask *const mask = parsed(text);
    assert_int_equal(cpb_mask_n_documents(mask), N);
    assert_int_equal(cpb_mask_pairs(mask), pairs);
    assert_string_equal(cpb_mask_text(mask), text);
    cpb_mask_free(mask);
    free(text);
}

static void any_failed_allocation_is_survived(void **state)
{
    (void)state;
    char text[TEXT_BYTES] = "window";
    put(text, ":1000");
    for (int d = 0; d < 60; d++)
        put(text, ",50");
    put(text, ";n=3");
    cpb_status status = CPB_NO_MEMORY;
    int64_t allowed = 0;
    for (; status == CPB_NO_MEMORY; allowed++) {
        test_ration ration = {.left = allowed};
        const cpb_allocator allocator = test_ration_allocator(&ration);
        cpb_mask *mask;
        cpb_error error;
        status = cpb_mask_create_text(text, 0, NULL, NULL, &allocator, &mask, &error);
        if (status == CPB_NO_MEMORY) {
            assert_null(mask);
            assert_string_equal(error.message, "out of memory");
        }
        cpb_mask_free(mask);
        assert_int_equal(ration.out, 0);
    }
    assert_int_equal(status, CPB_OK);
    assert_true(allowed > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_is_small_and_canonical),
        cmocka_unit_test(other_spellings_have_one_canonical_text),
        cmocka_unit_test(a_weight_is_read_and_kept_out_of_the_text),
        cmocka_unit_test(a_bad_text_is_refused_at_its_character),
        cmocka_unit_test(a_bad_text_beside_lengths_is_refused),
        cmocka_unit_test(no_text_near_a_good_one_breaks_the_parser),
        cmocka_unit_test(a_hundred_thousand_documents_are_read_back),
        cmocka_unit_test(any_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
