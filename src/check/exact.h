// SPDX-License-Identifier: Apache-2.0
/* Sums and products that notice when they leave 64 bits. Nothing here is negative. */
#ifndef CPB_SRC_CHECK_EXACT_H
#define CPB_SRC_CHECK_EXACT_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __int128 cpb_wide;

/* Once something was lost it stays lost, whatever is computed from it. */
typedef struct cpb_exact {
    bool lost;
} cpb_exact;

static inline int64_t cpb_exact_narrow(cpb_exact *exact, cpb_wide value)
{
    if (value <= INT64_MAX)
        return (int64_t)value;
    exact->lost = true;
    return INT64_MAX;
}

static inline int64_t cpb_exact_plus(cpb_exact *exact, int64_t a, int64_t b)
{
    return cpb_exact_narrow(exact, (cpb_wide)a + b);
}

static inline int64_t cpb_exact_times(cpb_exact *exact, int64_t a, int64_t b)
{
    return cpb_exact_narrow(exact, (cpb_wide)a * b);
}

/* a * b / c rounded down, c > 0. */
static inline int64_t cpb_exact_share(cpb_exact *exact, int64_t a, int64_t b, int64_t c)
{
    return cpb_exact_narrow(exact, (cpb_wide)a * b / c);
}

#endif
