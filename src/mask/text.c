// SPDX-License-Identifier: Apache-2.0
/* Masks from text: FAMILY:LENGTHS[;key=value...], one pass, no backtracking. */
#include "../base/error.h"
#include "../base/nearest.h"
#include "family.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MOST_WEIGHT INT64_C(1000000)

enum { WORD_BYTES = 64 };

/* What a text says, as far as it was read. */
typedef struct parser {
    const char *text;
    const char *next; /* first character not read */
    cpb_arena *arena;
    cpb_error *error;
    const cpb_family *family;
    int64_t numbers[CPB_FAMILY_NUMBERS]; /* 0: not given */
    cpb_sequence documents;
} parser;

/* Characters count from 1 in sentences, from 0 in `at`. */
static int64_t index_of(const parser *p, const char *place)
{
    return place - p->text;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ends_with(const char *place, const char *stops)
{
    return *place == '\0' || strchr(stops, *place);
}

/* Refuse what stands at the next character. */
static cpb_status unexpected(const parser *p, const char *accepted)
{
    const int64_t at = index_of(p, p->next);
    if (*p->next == '\0')
        return cpb_fail(p->error, CPB_INVALID, at,
                        "the mask ends at character %" PRId64 "; expected %s", at + 1,
                        accepted);
    return cpb_fail(p->error, CPB_INVALID, at,
                    "unexpected '%c' at character %" PRId64 " of the mask; expected %s",
                    *p->next, at + 1, accepted);
}

static cpb_status read_number(parser *p, int64_t *value, const char *what)
{
    const char *const begin = p->next;
    if (!is_digit(*begin))
        return unexpected(p, what);

    *value = 0;
    for (; is_digit(*p->next); p->next++) {
        const int64_t digit = *p->next - '0';
        if (*value > (INT64_MAX - digit) / 10)
            return cpb_fail(p->error, CPB_TOO_LARGE, index_of(p, begin),
                            "the number %.40s at character %" PRId64
                            " of the mask is too large; accepted is up to %" PRId64,
                            begin, index_of(p, begin) + 1, INT64_MAX);
        *value = 10 * *value + digit;
    }
    return CPB_OK;
}

/* Copy the characters before the first of `stops`; what does not fit is cut, as no name
 * is as long. */
static const char *read_word(parser *p, const char *stops, char *word)
{
    const char *const begin = p->next;
    p->next += strcspn(begin, stops);
    snprintf(word, WORD_BYTES, "%.*s", (int)cpb_min(p->next - begin, WORD_BYTES - 1),
             begin);
    return begin;
}

static cpb_status read_weight(parser *p, int64_t *weight)
{
    *weight = 1;
    if (p->next[strcspn(p->next, "*:;")] != '*')
        return CPB_OK;

    cpb_status status;
    CPB_TRY(read_number(p, weight, "a weight (digits) before '*'"));
    if (*p->next != '*')
        return unexpected(p, "'*' after the weight");
    if (*weight < 1 || *weight > MOST_WEIGHT)
        return cpb_fail(p->error, CPB_INVALID, 0,
                        "the mask has weight %" PRId64 "; accepted is 1 to %" PRId64,
                        *weight, MOST_WEIGHT);
    p->next++;
done:
    return status;
}

static cpb_status read_family(parser *p)
{
    char word[WORD_BYTES];
    const char *const begin = read_word(p, ":;", word);
    p->family = cpb_family_find(word);
    return p->family ? CPB_OK
                     : cpb_fail_unknown(p->error, index_of(p, begin), "mask family",
                                        word, cpb_mask_family_name);
}

/* Room for the lengths that follow, by their commas. */
static int64_t *lengths_room(const parser *p)
{
    size_t n = 1;
    for (const char *c = p->next; !ends_with(c, ";"); c++)
        n += *c == ',';
    return cpb_arena_take(p->arena, n, sizeof(int64_t));
}

static cpb_status read_length(parser *p, int64_t *length)
{
    const char *const begin = p->next;
    const cpb_status status = read_number(p, length, "a document length (digits)");
    if (status != CPB_OK)
        return status;
    if (!ends_with(p->next, ",;"))
        return unexpected(p, "',' and a length, ';' and a key, or the end");
    if (*length > CPB_MAX_TOKENS - p->documents.tokens)
        return cpb_fail(p->error, CPB_TOO_LARGE, index_of(p, begin),
                        "the length %" PRId64 " at character %" PRId64
                        " takes the mask beyond %" PRId64 " tokens",
                        *length, index_of(p, begin) + 1, CPB_MAX_TOKENS);
    p->documents.tokens += *length;
    return CPB_OK;
}

static cpb_status read_lengths(parser *p)
{
    if (*p->next != ':')
        return unexpected(p, "':' and document lengths");
    p->next++;
    const char *const begin = p->next;
    int64_t *const lengths = lengths_room(p);
    if (!lengths)
        return CPB_NO_MEMORY;

    cpb_status status;
    size_t n = 0;
    CPB_TRY(read_length(p, &lengths[n++]));
    while (*p->next == ',') {
        p->next++;
        CPB_TRY(read_length(p, &lengths[n++]));
    }
    if (p->documents.tokens == 0)
        return cpb_fail(p->error, CPB_INVALID, index_of(p, begin),
                        "the mask's documents hold 0 tokens; accepted is 1 to %" PRId64,
                        CPB_MAX_TOKENS);
    p->documents.n = n;
    p->documents.lengths = lengths;
done:
    return status;
}

/* Read a value and keep it as the family's i-th number. */
static cpb_status read_value(parser *p, int i, const char *place)
{
    int64_t value = 0;
    const char *const begin = p->next;
    cpb_status status;

    if (p->numbers[i])
        return cpb_fail(p->error, CPB_INVALID, index_of(p, place),
                        "%s is given twice, again at character %" PRId64
                        " of the mask; accepted is once",
                        p->family->numbers[i].key, index_of(p, place) + 1);
    CPB_TRY(read_number(p, &value, "a number (digits)"));
    if (!ends_with(p->next, ";"))
        return unexpected(p, "';' and a key, or the end");
    if (value == 0)
        return cpb_fail(p->error, CPB_INVALID, index_of(p, begin),
                        "%s is 0 at character %" PRId64
                        " of the mask; accepted is 1 or more",
                        p->family->numbers[i].key, index_of(p, begin) + 1);
    p->numbers[i] = value;
done:
    return status;
}

/* Beside given lengths: the primary number right behind the family's name. */
static cpb_status read_primary(parser *p)
{
    if (*p->next != ':')
        return CPB_OK;
    if (!p->family->numbers[0].key)
        return unexpected(p, "the end: the lengths stand elsewhere, and this family "
                             "takes no number");
    p->next++;
    return read_value(p, 0, p->next);
}

/* Which of the family's numbers a key names, -1 for none. `documents` becomes the
 * family that the key names, as in documents:LENGTHS;window=512. */
static int number_of(parser *p, const char *key)
{
    if (strcmp(p->family->name, "documents") == 0) {
        const cpb_family *const named = cpb_family_find(key);
        if (!named || !cpb_family_is_generic(named))
            return -1;
        p->family = named;
        return 0;
    }
    for (int i = 0; i < CPB_FAMILY_NUMBERS; i++) {
        const cpb_number *const number = &p->family->numbers[i];
        if (!number->key)
            continue;
        if (strcmp(number->key, key) == 0 ||
            (number->synonym && strcmp(number->synonym, key) == 0))
            return i;
    }
    return -1;
}

static cpb_status unknown_key(const parser *p, const char *key, const char *place)
{
    char known[CPB_NAMES_BYTES] = "";
    if (strcmp(p->family->name, "documents") == 0) {
        for (size_t i = 0; cpb_family_at(i); i++)
            if (cpb_family_is_generic(cpb_family_at(i)))
                cpb_list_name(known, cpb_mask_family_name(i));
    }
    for (int i = 0; i < CPB_FAMILY_NUMBERS; i++)
        if (p->family->numbers[i].key)
            cpb_list_name(known, p->family->numbers[i].key);
    return cpb_fail(
        p->error, CPB_INVALID, index_of(p, place),
        "unknown key '%.40s' at character %" PRId64 " of the mask; %s accepts %s", key,
        index_of(p, place) + 1, p->family->name, *known ? known : "no keys");
}

static cpb_status read_keys(parser *p)
{
    cpb_status status = CPB_OK;
    while (*p->next == ';') {
        p->next++;
        char key[WORD_BYTES];
        const char *const place = read_word(p, "=;", key);
        const int number = number_of(p, key);
        if (number < 0)
            return unknown_key(p, key, place);
        if (*p->next != '=')
            return unexpected(p, "'=' and a number");
        p->next++;
        CPB_TRY(read_value(p, number, place));
    }
    if (*p->next != '\0')
        return unexpected(p, "';' and a key, or the end");
done:
    return status;
}

/* Fill in what was not given, or say that it is missing. */
static cpb_status complete(parser *p)
{
    for (int i = 0; i < CPB_FAMILY_NUMBERS; i++) {
        const cpb_number *const number = &p->family->numbers[i];
        if (p->numbers[i] || !number->key)
            continue;
        if (number->required)
            return cpb_fail(p->error, CPB_INVALID, index_of(p, p->next),
                            "the mask family %s lacks %s, %s; expected ;%s=NUMBER at "
                            "character %" PRId64,
                            p->family->name, number->key, number->meaning, number->key,
                            index_of(p, p->next) + 1);
        p->numbers[i] = number->fallback;
    }
    return CPB_OK;
}

static cpb_status parse(parser *p, size_t n_documents, const int64_t *lengths,
                        int64_t *weight)
{
    cpb_status status;
    CPB_TRY(read_weight(p, weight));
    CPB_TRY(read_family(p));
    if (lengths) {
        p->documents.n = n_documents;
        p->documents.lengths = lengths;
        CPB_TRY(
            cpb_lengths_check(n_documents, lengths, &p->documents.tokens, p->error));
        CPB_TRY(read_primary(p));
    } else {
        CPB_TRY(read_lengths(p));
    }
    CPB_TRY(read_keys(p));
    CPB_TRY(complete(p));
done:
    return status;
}

cpb_status cpb_mask_create_text(const char *text, size_t n_documents,
                                const int64_t *lengths, int64_t *weight,
                                const cpb_allocator *allocator, cpb_mask **out,
                                cpb_error *error)
{
    assert(text);
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_slices slices = {.arena = &scratch};
    parser p = {.text = text, .next = text, .arena = &scratch, .error = error};
    cpb_mask *mask = NULL;
    int64_t ignored;
    cpb_status status;

    CPB_TRY(parse(&p, n_documents, lengths, weight ? weight : &ignored));
    CPB_TRY(cpb_family_lay(p.family, &p.documents, p.numbers, &slices, error));
    CPB_TRY(
        cpb_mask_build(&p.documents, slices.n, slices.items, allocator, &mask, error));
    mask->text = cpb_family_print(p.family, &p.documents, p.numbers, &mask->memory);
    if (!mask->text)
        status = CPB_NO_MEMORY;

done:
    cpb_arena_free(&scratch);
    if (status != CPB_OK) {
        cpb_mask_free(mask);
        mask = NULL;
    }
    *out = mask;
    return status == CPB_NO_MEMORY ? cpb_fail_memory(error) : status;
}
