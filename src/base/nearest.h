// SPDX-License-Identifier: Apache-2.0
/* "Did you mean": the known name that is nearest to a word, and sentences on it. */
#ifndef CPB_SRC_NEAREST_H
#define CPB_SRC_NEAREST_H

#include <cpb/base.h>

/* Bytes of a list of names for a sentence, its zero included. */
enum { CPB_NAMES_BYTES = 200 };

/* The name nearest to `word`, whatever its case: one that starts with it, else the one
 * with the fewest letters to insert and delete; of equals the first. `name(i)` is the
 * i-th name, NULL past the last. NULL only where there are no names. */
const char *cpb_nearest(const char *word, const char *(*name)(size_t i));

/* Append a name to a list for a sentence, char [CPB_NAMES_BYTES] that starts empty. */
void cpb_list_name(char *list, const char *name);

/* Refuse `word`, which is none of the names of a `kind` of thing, with the nearest and
 * all of them. \return CPB_INVALID. */
cpb_status cpb_fail_unknown(cpb_error *error, int64_t at, const char *kind,
                            const char *word, const char *(*name)(size_t i));

#endif
