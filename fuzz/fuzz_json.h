// SPDX-License-Identifier: Apache-2.0
/* For targets that read JSON: a mutator that keeps files well-formed, since nearly all
 * flipped bytes end in the parser, and a test for masks that stay small. Included by one
 * file of a target. */
#ifndef CPB_FUZZ_JSON_H
#define CPB_FUZZ_JSON_H

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of libFuzzer; missing where kept inputs are replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

static size_t random_below(unsigned *seed, size_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return n ? (*seed >> 8) % n : 0;
}

static json_t *random_value(unsigned *seed)
{
    static const char *const values[] = {"0",
                                         "1",
                                         "-1",
                                         "2",
                                         "3",
                                         "5",
                                         "64",
                                         "127",
                                         "128",
                                         "129",
                                         "1000000",
                                         "2147483647",
                                         "1073741824",
                                         "1073741825",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "0.5",
                                         "-1.0",
                                         "1e300",
                                         "null",
                                         "true",
                                         "false",
                                         "\"\"",
                                         "\"causal:9\"",
                                         "\"documents:3,0,4\"",
                                         "\"full\"",
                                         "\"window:2;n=9\"",
                                         "[]",
                                         "{}",
                                         "[[0, 1]]",
                                         "[1, 2, 3]",
                                         "[0, 4, 0, 4, \"causal\"]"};
    const size_t i = random_below(seed, sizeof values / sizeof *values);
    return json_loads(values[i], JSON_DECODE_ANY, NULL);
}

static size_t n_children(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

static const char *key_at(json_t *object, size_t i)
{
    void *at = json_object_iter(object);
    while (i--)
        at = json_object_iter_next(object, at);
    return json_object_iter_key(at);
}

static json_t *child_at(json_t *value, size_t i)
{
    return json_is_array(value) ? json_array_get(value, i)
                                : json_object_get(value, key_at(value, i));
}

/* What comes in place of a value: another one, or a number next to it. */
static json_t *replacement(const json_t *old, unsigned *seed)
{
    const int64_t step = random_below(seed, 2) ? 1 : -1;
    if (json_is_integer(old) && random_below(seed, 2))
        return json_integer(
            (json_int_t)((uint64_t)json_integer_value(old) + (uint64_t)step));
    return random_value(seed);
}

static void mutate_element(json_t *array, size_t i, unsigned *seed)
{
    json_t *const old = json_array_get(array, i);
    switch (random_below(seed, 4)) {
    case 0:
        json_array_remove(array, i);
        break;
    case 1:
        json_array_insert_new(array, i, json_deep_copy(old));
        break;
    default:
        json_array_set_new(array, i, replacement(old, seed));
    }
}

static void mutate_member(json_t *object, size_t i, unsigned *seed)
{
    char *const key = strdup(key_at(object, i));
    json_t *const old = json_object_get(object, key);
    if (!key)
        return;
    switch (random_below(seed, 6)) {
    case 0:
        json_object_del(object, key);
        break;
    case 1: /* the value of a neighbour */
        json_object_set_new(
            object, key,
            json_deep_copy(child_at(object, random_below(seed, n_children(object)))));
        break;
    default:
        json_object_set_new(object, key, replacement(old, seed));
    }
    free(key);
}

/* Walk down at random and change what is there. */
static void mutate(json_t *root, unsigned *seed)
{
    json_t *at = root;
    while (n_children(at)) {
        const size_t i = random_below(seed, n_children(at));
        json_t *const child = child_at(at, i);
        if (!n_children(child) || !random_below(seed, 4)) {
            if (json_is_array(at))
                mutate_element(at, i, seed);
            else
                mutate_member(at, i, seed);
            return;
        }
        at = child;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    json_t *const root =
        random_below(&seed, 8) ? json_loadb((const char *)data, size, 0, NULL) : NULL;
    char *text = NULL;
    for (size_t n = random_below(&seed, 3) + 1; root && n; n--)
        mutate(root, &seed);
    if (root)
        text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    const size_t length = text ? strlen(text) : 0;
    if (length && length <= room)
        memcpy(data, text, length);
    free(text);
    return length && length <= room ? length : LLVMFuzzerMutate(data, size, room);
}

/* Masks of a few tokens per slice take memory like their tokens: those of a file may have
 * so many together, and few in each number, so that most inputs are quick. */
enum { MOST_TOKENS_READ = 1 << 20, MOST_IN_NUMBER = 999 };

static inline int64_t tokens_of_number(int64_t number)
{
    if (number > MOST_IN_NUMBER)
        return MOST_TOKENS_READ + 1;
    return number > 0 ? number : 0;
}

static inline int64_t tokens_of_text(const char *text)
{
    int64_t sum = 0;
    while (*text) {
        char *end;
        const size_t skipped = strcspn(text, "0123456789");
        sum += tokens_of_number(strtoll(text + skipped, &end, 10));
        text = end;
    }
    return sum;
}

/* What the masks in here hold at most: a short text can ask for many slices, as a block
 * mask can for blocks, while other kinds list theirs. `inside` such a mask every number
 * counts, but for the figures that plan files state. */
static inline int64_t tokens_of_masks(json_t *value, bool inside)
{
    int64_t sum = 0;
    if (json_is_integer(value))
        return inside ? tokens_of_number(json_integer_value(value)) : 0;
    if (json_is_string(value))
        return inside ? tokens_of_text(json_string_value(value)) : 0;
    inside = inside || json_object_get(value, "text") ||
             json_object_get(value, "block_mask");
    for (size_t i = 0; i < json_array_size(value); i++)
        sum += tokens_of_masks(json_array_get(value, i), inside);
    for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at))
        sum += tokens_of_masks(json_object_iter_value(at),
                               inside && strcmp(json_object_iter_key(at), "figures"));
    return sum;
}

/* Whether the masks of a file are; one that is no JSON holds none. */
static inline bool file_is_small(const uint8_t *data, size_t size)
{
    json_t *const root = json_loadb((const char *)data, size, 0, NULL);
    const int64_t tokens = tokens_of_masks(root, false);
    json_decref(root);
    return tokens <= MOST_TOKENS_READ;
}

#endif
