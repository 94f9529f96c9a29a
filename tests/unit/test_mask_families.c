// SPDX-License-Identifier: Apache-2.0
/* Mask families against their rules. */
#include "mask_texts.h"

#include <inttypes.h>

enum { MOST = 64, DOCUMENTS = 6 };

/* What a rule sees: where the query's document lies, and the numbers. */
typedef struct scene {
    int64_t tokens;
    size_t n;
    int64_t lengths[DOCUMENTS];
    int64_t number[2];
} scene;

static cpb_range document_of(const scene *s, int64_t p)
{
    int64_t begin = 0;
    for (size_t d = 0; d < s->n; d++) {
        if (p < begin + s->lengths[d])
            return (cpb_range){begin, begin + s->lengths[d]};
        begin += s->lengths[d];
    }
    return (cpb_range){0, 0};
}

static bool together(const scene *s, int64_t q, int64_t k)
{
    return document_of(s, q).begin == document_of(s, k).begin;
}

static bool rule_full(const scene *s, int64_t q, int64_t k)
{
    (void)s, (void)q, (void)k;
    return true;
}

static bool rule_causal(const scene *s, int64_t q, int64_t k)
{
    (void)s;
    return k <= q;
}

static bool rule_documents(const scene *s, int64_t q, int64_t k)
{
    return together(s, q, k) && k <= q;
}

static bool rule_window(const scene *s, int64_t q, int64_t k)
{
    return together(s, q, k) && k <= q && q - k < s->number[0];
}

static bool rule_window_both(const scene *s, int64_t q, int64_t k)
{
    return together(s, q, k) && llabs(q - k) < s->number[0];
}

static bool rule_global(const scene *s, int64_t q, int64_t k)
{
    return q < s->number[0] || k < s->number[0] || llabs(q - k) < s->number[1];
}

static bool rule_sinks(const scene *s, int64_t q, int64_t k)
{
    return k <= q && rule_global(s, q, k);
}

static bool rule_prefix(const scene *s, int64_t q, int64_t k)
{
    const cpb_range d = document_of(s, q);
    const int64_t prefix = s->number[0] ? s->number[0] : (d.end - d.begin) / 2;
    return together(s, q, k) &&
           (k <= q || (q - d.begin < prefix && k - d.begin < prefix));
}

static bool rule_block_causal(const scene *s, int64_t q, int64_t k)
{
    const cpb_range d = document_of(s, q);
    return together(s, q, k) &&
           (k - d.begin) / s->number[0] <= (q - d.begin) / s->number[0];
}

static bool rule_causal_blocks(const scene *s, int64_t q, int64_t k)
{
    return k <= q && (together(s, q, k) || document_of(s, q).end == s->tokens);
}

static bool rule_chunked(const scene *s, int64_t q, int64_t k)
{
    const cpb_range d = document_of(s, q);
    return together(s, q, k) && k <= q &&
           (k - d.begin) / s->number[0] == (q - d.begin) / s->number[0];
}

static bool rule_shared_question(const scene *s, int64_t q, int64_t k)
{
    return k <= q && (together(s, q, k) || k < s->lengths[0]);
}

/* Every family with its rule, the keys of its numbers, and the slices that it may take
 * at most: a base, so many per document and so many per n tokens. */
static const struct family {
    const char *name;
    bool (*allows)(const scene *s, int64_t q, int64_t k);
    const char *key[2];
    bool optional;
    bool generic; /* documents:LENGTHS;NAME=N works */
    int slices, per_document, per_number;
} families[] = {
    {"full", rule_full, {NULL, NULL}, false, false, 1, 0, 0},
    {"causal", rule_causal, {NULL, NULL}, false, false, 1, 0, 0},
    {"documents", rule_documents, {NULL, NULL}, false, false, 0, 1, 0},
    {"documents-full", together, {NULL, NULL}, false, false, 0, 1, 0},
    {"window", rule_window, {"n", NULL}, false, true, 0, 2, 0},
    {"window-both", rule_window_both, {"n", NULL}, false, true, 0, 3, 0},
    {"global", rule_global, {"g", "n"}, false, false, 5, 0, 0},
    {"sinks", rule_sinks, {"g", "n"}, false, false, 4, 0, 0},
    {"prefix", rule_prefix, {"n", NULL}, true, true, 0, 2, 0},
    {"block-causal", rule_block_causal, {"n", NULL}, false, true, 0, 1, 1},
    {"causal-blocks", rule_causal_blocks, {NULL, NULL}, false, false, 0, 1, 0},
    {"chunked", rule_chunked, {"n", NULL}, false, true, 0, 1, 1},
    {"shared-question", rule_shared_question, {NULL, NULL}, false, false, 1, 1, 0},
};

static scene random_scene(uint64_t *seed, const struct family *family)
{
    scene s = {.tokens = test_random(seed, 1, MOST)};
    const int64_t most = test_random(seed, 0, 1) ? 8 : s.tokens + 9;
    s.n = test_lengths(seed, s.tokens, (size_t)test_random(seed, 1, DOCUMENTS),
                       s.lengths);
    for (int i = 0; i < 2; i++)
        if (family->key[i])
            s.number[i] = test_random(seed, 1, most);
    if (family->optional && test_random(seed, 0, 1))
        s.number[0] = 0;
    return s;
}

static void put_numbers(char *text, const struct family *family, const scene *s)
{
    for (int i = 0; i < 2; i++)
        if (s->number[i])
            put(text, ";%s=%" PRId64, family->key[i], s->number[i]);
}

static void put_lengths(char *text, const scene *s)
{
    for (size_t d = 0; d < s->n; d++)
        put(text, "%s%" PRId64, d ? "," : ":", s->lengths[d]);
}

static void assert_rule_holds(const cpb_mask *mask, const struct family *family,
                              const scene *s)
{
    int64_t pairs = 0;
    for (int64_t q = 0; q < s->tokens; q++) {
        int64_t row = 0;
        for (int64_t k = 0; k < s->tokens; k++) {
            const bool allows = family->allows(s, q, k);
            if (cpb_mask_allows(mask, q, k) != allows)
                fail_msg("%s: query %" PRId64 ", key %" PRId64, cpb_mask_text(mask), q,
                         k);
            row += allows;
        }
        assert_int_equal(cpb_mask_pairs_of(mask, (cpb_range){q, q + 1}), row);
        pairs += row;
    }
    assert_int_equal(cpb_mask_pairs(mask), pairs);
}

static void assert_few_slices(const cpb_mask *mask, const struct family *family,
                              const scene *s)
{
    const int64_t per_number =
        family->per_number ? family->per_number * (s->tokens / s->number[0] + 1) : 0;
    const int64_t most =
        family->slices + family->per_document * (int64_t)s->n + per_number;
    assert_true((int64_t)cpb_mask_n_slices(mask) <= most);
}

static void the_table_here_and_the_librarys_list_the_same_families(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        assert_string_equal(cpb_mask_family_name(i), families[i].name);
        assert_true(strlen(cpb_mask_family_summary(i)) > 10);
    }
    assert_null(cpb_mask_family_name(COUNT_OF(families)));
    assert_null(cpb_mask_family_summary(COUNT_OF(families)));
    assert_null(cpb_mask_family_example(COUNT_OF(families)));
}

static void every_family_allows_what_its_rule_says(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t f = 0; f < COUNT_OF(families); f++) {
        for (int round = 0; round < 400; round++) {
            const scene s = random_scene(&seed, &families[f]);
            char text[TEXT_BYTES] = "";
            put(text, "%s", families[f].name);
            put_lengths(text, &s);
            put_numbers(text, &families[f], &s);
            cpb_mask *const mask = parsed(text);
            assert_string_equal(cpb_mask_text(mask), text);
            assert_int_equal(cpb_mask_n_documents(mask), s.n);
            assert_rule_holds(mask, &families[f], &s);
            assert_few_slices(mask, &families[f], &s);
            cpb_mask_free(mask);
        }
    }
}

static void a_mask_beside_given_lengths_equals_the_one_with_lengths_inside(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (size_t f = 0; f < COUNT_OF(families); f++) {
        for (int round = 0; round < 50; round++) {
            const scene s = random_scene(&seed, &families[f]);
            char inside[TEXT_BYTES] = "", beside[TEXT_BYTES] = "";
            put(inside, "%s", families[f].name);
            put(beside, "%s", families[f].name);
            put_lengths(inside, &s);
            put_numbers(inside, &families[f], &s);
            if (s.number[0] && round % 2) {
                put(beside, ":%" PRId64, s.number[0]);
                if (s.number[1])
                    put(beside, ";%s=%" PRId64, families[f].key[1], s.number[1]);
            } else {
                put_numbers(beside, &families[f], &s);
            }
            cpb_mask *const a = parsed(inside);
            cpb_mask *b;
            assert_int_equal(
                cpb_mask_create_text(beside, s.n, s.lengths, NULL, NULL, &b, NULL),
                CPB_OK);
            assert_equal_masks(a, b);
            cpb_mask_free(a);
            cpb_mask_free(b);
        }
    }
}

static void one_number_per_document_may_be_a_key_of_documents(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (size_t f = 0; f < COUNT_OF(families); f++) {
        const scene s = random_scene(&seed, &families[f]);
        char own[TEXT_BYTES] = "", generic[TEXT_BYTES] = "documents";
        put(own, "%s", families[f].name);
        put_lengths(own, &s);
        put(own, ";n=7");
        put_lengths(generic, &s);
        put(generic, ";%s=7", families[f].name);
        cpb_mask *b;
        const cpb_status status =
            cpb_mask_create_text(generic, 0, NULL, NULL, NULL, &b, NULL);
        assert_int_equal(status, families[f].generic ? CPB_OK : CPB_INVALID);
        if (status == CPB_OK) {
            cpb_mask *const a = parsed(own);
            assert_equal_masks(a, b);
            cpb_mask_free(a);
        }
        cpb_mask_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_here_and_the_librarys_list_the_same_families),
        cmocka_unit_test(every_family_allows_what_its_rule_says),
        cmocka_unit_test(
            a_mask_beside_given_lengths_equals_the_one_with_lengths_inside),
        cmocka_unit_test(one_number_per_document_may_be_a_key_of_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
