// SPDX-License-Identifier: Apache-2.0
/* Canonical text of a mask family. */
#include "family.h"

#include <string.h>

static size_t digits(int64_t value)
{
    size_t n = 1;
    for (; value >= 10; value /= 10)
        n++;
    return n;
}

/* Written by hand: snprintf would take most of the time of a pack of many documents. */
static char *put_number(char *to, int64_t value)
{
    char *const end = to + digits(value);
    for (char *c = end; c > to; value /= 10)
        *--c = (char)('0' + value % 10);
    return end;
}

static char *put_word(char *to, const char *word)
{
    const size_t length = strlen(word);
    memcpy(to, word, length);
    return to + length;
}

/* Bytes of the text with its closing zero: each length has a ':' or ',' before it, each
 * number ';' and '='. */
static size_t text_bytes(const cpb_family *family, const cpb_sequence *documents,
                         const int64_t *numbers)
{
    size_t bytes = strlen(family->name) + 1;
    for (size_t d = 0; d < documents->n; d++)
        bytes += 1 + digits(documents->lengths[d]);
    for (int i = 0; i < CPB_FAMILY_NUMBERS; i++)
        if (numbers[i])
            bytes += 2 + strlen(family->numbers[i].key) + digits(numbers[i]);
    return bytes;
}

char *cpb_family_print(const cpb_family *family, const cpb_sequence *documents,
                       const int64_t *numbers, cpb_arena *arena)
{
    char *const text = cpb_arena_take(arena, text_bytes(family, documents, numbers), 1);
    if (!text)
        return NULL;

    char *to = put_word(text, family->name);
    for (size_t d = 0; d < documents->n; d++) {
        *to++ = d ? ',' : ':';
        to = put_number(to, documents->lengths[d]);
    }
    for (int i = 0; i < CPB_FAMILY_NUMBERS; i++) {
        if (!numbers[i])
            continue;
        *to++ = ';';
        to = put_word(to, family->numbers[i].key);
        *to++ = '=';
        to = put_number(to, numbers[i]);
    }
    *to = '\0';
    return text;
}
