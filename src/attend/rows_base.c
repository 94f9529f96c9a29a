// SPDX-License-Identifier: Apache-2.0
/* Rows in vectors that every processor has, and the choice between all of them. */
#include "rows.h"

static bool always(void)
{
    return true;
}

#define LANES 4
#define ROWS_NAME "base"
#define ROWS_WORKS always
#include "rows_lanes.h"

const cpb_rows *const cpb_rows_base = &lanes_rows;

const cpb_rows *cpb_rows_best(void)
{
    const cpb_rows *const fastest_first[] = {cpb_rows_avx512, cpb_rows_avx2};
    for (size_t i = 0; i < sizeof fastest_first / sizeof *fastest_first; i++)
        if (fastest_first[i] && fastest_first[i]->works())
            return fastest_first[i];
    return cpb_rows_base;
}
