// SPDX-License-Identifier: Apache-2.0
/* Edit distance between short names. */
#include "nearest.h"

#include "error.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 63 }; /* bytes compared; names are far shorter */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Names are lower case throughout; what people type may not be. */
static char lower(char letter)
{
    return (char)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
}

/* Whether `name` starts with `word`, which is not empty. */
static bool starts_with(const char *name, const char *word)
{
    size_t i = 0;
    while (word[i] && lower(word[i]) == name[i])
        i++;
    return i && !word[i];
}

/* Insertions and deletions that turn the first bytes of `a` into those of `b`, by the
 * classical table of which only one row is kept. A replacement counts as both, so that
 * an abbreviation lies nearer to its name than to another short name. */
static size_t edits(const char *a, const char *b)
{
    const size_t rows = least(strlen(a), LONGEST);
    const size_t columns = least(strlen(b), LONGEST);
    size_t row[LONGEST + 1];

    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            const size_t kept = diagonal;
            diagonal = row[j];
            row[j] = lower(a[i - 1]) == b[j - 1] ? kept : least(row[j], row[j - 1]) + 1;
        }
    }
    return row[columns];
}

const char *cpb_nearest(const char *word, const char *(*name)(size_t i))
{
    const char *nearest = NULL;
    size_t fewest = 0;

    for (size_t i = 0; name(i); i++) {
        if (starts_with(name(i), word))
            return name(i);
        const size_t distance = edits(word, name(i));
        if (!nearest || distance < fewest) {
            nearest = name(i);
            fewest = distance;
        }
    }
    return nearest;
}

void cpb_list_name(char *list, const char *name)
{
    const size_t used = strlen(list);
    snprintf(list + used, CPB_NAMES_BYTES - used, "%s%s", used ? ", " : "", name);
}

cpb_status cpb_fail_unknown(cpb_error *error, int64_t at, const char *kind,
                            const char *word, const char *(*name)(size_t i))
{
    char known[CPB_NAMES_BYTES] = "";
    for (size_t i = 0; name(i); i++)
        cpb_list_name(known, name(i));
    return cpb_fail(error, CPB_INVALID, at,
                    "unknown %s '%.40s', did you mean '%s'? Accepted: %s", kind, word,
                    cpb_nearest(word, name), known);
}
