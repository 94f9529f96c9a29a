// SPDX-License-Identifier: Apache-2.0
/* "Did you mean": the known name that is nearest to a word. */
#ifndef CPB_SRC_NEAREST_H
#define CPB_SRC_NEAREST_H

#include <stddef.h>

/* The name nearest to `word`: one that starts with it, else the one with the fewest
 * letters to insert and delete; of equals the first. `name(i)` is the i-th name, NULL
 * past the last. NULL only where there are no names. */
const char *cpb_nearest(const char *word, const char *(*name)(size_t i));

#endif
