// SPDX-License-Identifier: Apache-2.0
/* Where values are that nothing can be computed with. */
#include "attend.h"
#include "base/error.h"

#include <math.h>

int64_t cpb_position_of(const cpb_attend *attend, int64_t slot)
{
    const cpb_range *run = cpb_plan_runs(attend->plan, attend->rank);
    for (; slot >= cpb_range_length(*run); run++)
        slot -= cpb_range_length(*run);
    return run->begin + slot;
}

/* Pads are never computed with, so they may hold anything. */
static bool holds(const cpb_attend *attend, int64_t slot)
{
    return cpb_position_of(attend, slot) < cpb_plan_tokens(attend->plan);
}

cpb_status cpb_check_finite(const cpb_attend *attend, const char *what,
                            const float *rows, int64_t row, int64_t stride,
                            cpb_error *error)
{
    const int64_t dim = attend->shape.head_dim;
    for (int64_t slot = 0; slot < attend->queries; slot++) {
        const float *const values = rows + slot * stride;
        if (attend->rows->finite(values, row) || !holds(attend, slot))
            continue;
        int64_t i = 0;
        while (isfinite(values[i]))
            i++;
        return cpb_fail(error, CPB_INVALID, cpb_position_of(attend, slot),
                        "%s of position %lld holds %s at head %lld, element %lld", what,
                        (long long)cpb_position_of(attend, slot),
                        isnan(values[i]) ? "NaN" : "infinity", (long long)(i / dim),
                        (long long)(i % dim));
    }
    return CPB_OK;
}
