// SPDX-License-Identifier: Apache-2.0
/* The tokens of a mask sorted by how many keys they see, in closed form. */
#ifndef CPB_SRC_LEVELS_H
#define CPB_SRC_LEVELS_H

#include "work.h"

/* From `keys` up to the next level's, `rate` tokens see each number of keys. */
typedef struct cpb_level {
    int64_t keys;
    int64_t rate;
    int64_t tokens_before; /* that see fewer than `keys` */
    cpb_wide pairs_before; /* of those */
} cpb_level;

/* No token is counted with more keys than it sees, and each exactly where the number of
 * keys of neighbouring tokens differs by at most 1: a floor under the mask. */
typedef struct cpb_levels {
    size_t n;
    cpb_level *level; /* [n] ascending; the last has rate 0 */
    int64_t tokens;
} cpb_levels;

/* \return CPB_OK or CPB_NO_MEMORY. O(slices log slices). */
cpb_status cpb_levels_create(const cpb_mask *mask, cpb_arena *arena,
                             cpb_levels *levels);

/* Tokens that see more than `keys` keys, and their pairs. O(log slices). */
int64_t cpb_levels_above(const cpb_levels *levels, int64_t keys, cpb_wide *pairs);

/* Pairs of the `n` tokens that see fewest keys, 0 <= n <= tokens. O(log slices). */
cpb_wide cpb_levels_cheapest(const cpb_levels *levels, int64_t n);

#endif
