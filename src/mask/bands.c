// SPDX-License-Identifier: Apache-2.0
/* Pairs in closed form.
 *
 * Every row of a trimmed slice sees a key, so the number of keys that a row sees is
 * linear inside each slice, and the sum over slices is linear between two neighbouring
 * ends of slices. One sweep lays these bands out; pairs of any range of queries
 * are then two binary searches. */
#include "../base/sort.h"
#include "build.h"

#include <assert.h>

/* Keys per query at the sweep's position, as a line; and where the line is at. */
typedef struct sweep {
    int64_t at;
    int64_t keys;
    int64_t slope;
    int64_t pairs; /* of all queries before `at` */
} sweep;

/* Pairs of the first `rows` queries of a line: rows * keys + slope * (0 + 1 + ..). */
static int64_t line_pairs(int64_t keys, int64_t slope, int64_t rows)
{
    return rows * keys + slope * (rows * (rows - 1) / 2);
}

static void advance(sweep *s, int64_t to)
{
    const int64_t rows = to - s->at;
    s->pairs += line_pairs(s->keys, s->slope, rows);
    s->keys += s->slope * rows;
    s->at = to;
}

static int64_t slope_of(const cpb_slice *slice)
{
    return cpb_slice_high_slope(slice->kind) - cpb_slice_low_slope(slice->kind);
}

/* Add the slice's line (sign 1) or take it away (-1), seen from the sweep's position,
 * which may lie one past the slice's last query. */
static void apply(sweep *s, const cpb_slice *slice, int64_t sign)
{
    s->keys += sign * (cpb_slice_high(slice, s->at) - cpb_slice_low(slice, s->at));
    s->slope += sign * slope_of(slice);
}

/* Write the band that starts here, unless the last one simply goes on. */
static size_t lay_band(cpb_band *bands, size_t n, const sweep *s)
{
    if (n > 0) {
        const cpb_band *const last = &bands[n - 1];
        const int64_t goes_on = last->keys + last->slope * (s->at - last->begin);
        if (goes_on == s->keys && last->slope == s->slope)
            return n;
    }
    bands[n] = (cpb_band){s->at, s->keys, s->slope, s->pairs};
    return n + 1;
}

/* At most one band at 0 and one per begin and end of a slice. */
static size_t lay_bands(const cpb_mask *mask, const cpb_item *ends, cpb_band *bands)
{
    const size_t n = mask->n_slices;
    size_t n_bands = 0, begun = 0, ended = 0;
    sweep s = {0};

    while (s.at < mask->tokens) {
        for (; ended < begun && (int64_t)ends[ended].key == s.at; ended++)
            apply(&s, &mask->slices[ends[ended].value], -1);
        for (; begun < n && mask->slices[begun].queries.begin == s.at; begun++)
            apply(&s, &mask->slices[begun], 1);
        n_bands = lay_band(bands, n_bands, &s);

        int64_t next = mask->tokens;
        if (begun < n)
            next = mask->slices[begun].queries.begin;
        if (ended < begun)
            next = cpb_min(next, (int64_t)ends[ended].key);
        advance(&s, next);
    }
    return n_bands;
}

cpb_status cpb_mask_measure(cpb_mask *mask, const cpb_item *ends)
{
    /* The room that merging leaves is never touched, so it costs addresses only. */
    mask->bands =
        cpb_arena_take(&mask->memory, 2 * mask->n_slices + 1, sizeof *mask->bands);
    if (!mask->bands)
        return CPB_NO_MEMORY;
    mask->n_bands = lay_bands(mask, ends, mask->bands);
    return CPB_OK;
}

/* Pairs of all queries before q. bands[0].begin is 0, so a band always holds it. */
static int64_t pairs_before(const cpb_mask *mask, int64_t q)
{
    size_t low = 0, high = mask->n_bands;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (mask->bands[middle].begin <= q)
            low = middle;
        else
            high = middle;
    }
    return cpb_band_before(&mask->bands[low], q);
}

int64_t cpb_mask_pairs(const cpb_mask *mask)
{
    return cpb_band_before(&mask->bands[mask->n_bands - 1], mask->tokens);
}

int64_t cpb_mask_pairs_of(const cpb_mask *mask, cpb_range queries)
{
    assert(queries.begin >= 0 && queries.begin <= queries.end &&
           queries.end <= mask->tokens);
    return pairs_before(mask, queries.end) - pairs_before(mask, queries.begin);
}

int64_t cpb_mask_most_keys(const cpb_mask *mask)
{
    int64_t most = 0;
    for (size_t i = 0; i < mask->n_bands; i++) {
        const cpb_band *const band = &mask->bands[i];
        const int64_t end = i + 1 < mask->n_bands ? band[1].begin : mask->tokens;
        const int64_t last = band->keys + band->slope * (end - 1 - band->begin);
        most = cpb_max(most, cpb_max(band->keys, last));
    }
    return most;
}
