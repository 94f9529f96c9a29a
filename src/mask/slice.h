// SPDX-License-Identifier: Apache-2.0
/* Geometry of one slice.
 *
 * Query q of a slice sees the keys from cpb_slice_low() up to cpb_slice_high(). Both ends
 * are linear in q with slope 0 or 1: the causal bit moves the high end, the inverse bit
 * the low end. */
#ifndef CPB_SRC_SLICE_H
#define CPB_SRC_SLICE_H

#include "../base/range.h"

#include <cpb/mask.h>

static inline int64_t cpb_slice_high_slope(cpb_kind kind)
{
    return kind & 1; /* causal and bi-causal */
}

static inline int64_t cpb_slice_low_slope(cpb_kind kind)
{
    return kind >> 1 & 1; /* inverse causal and bi-causal */
}

/* First key that query q sees. */
static inline int64_t cpb_slice_low(const cpb_slice *slice, int64_t q)
{
    return slice->keys.begin +
           cpb_slice_low_slope(slice->kind) * (q - slice->queries.begin);
}

/* One past the last key that query q sees. */
static inline int64_t cpb_slice_high(const cpb_slice *slice, int64_t q)
{
    return slice->keys.end -
           cpb_slice_high_slope(slice->kind) * (slice->queries.end - 1 - q);
}

/* Keys that at least one of `rows` sees, rows not empty and inside the slice. As both
 * ends move by at most one key per query, these keys leave no gap. */
static inline cpb_range cpb_slice_hull(const cpb_slice *slice, cpb_range rows)
{
    return (cpb_range){cpb_slice_low(slice, rows.begin),
                       cpb_slice_high(slice, rows.end - 1)};
}

#endif
