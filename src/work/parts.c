// SPDX-License-Identifier: Apache-2.0
/* Counting the tiles of a q-tile that several slices or runs share. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

cpb_status cpb_parts_add(cpb_parts *parts, const cpb_slice *slice, cpb_range rows)
{
    if (parts->n == parts->room) {
        const size_t room = parts->room ? 2 * parts->room : 64;
        cpb_part *const grown = cpb_arena_take(parts->arena, room, sizeof *grown);
        int64_t *const columns =
            cpb_arena_take(parts->arena, 4 * room, sizeof *columns);
        if (!grown || !columns)
            return CPB_NO_MEMORY;
        if (parts->n)
            memcpy(grown, parts->parts, parts->n * sizeof *grown);
        parts->parts = grown;
        parts->columns = columns;
        parts->room = room;
    }
    parts->parts[parts->n++] = (cpb_part){slice, rows};
    return CPB_OK;
}

cpb_range cpb_part_core(const cpb_part *part)
{
    return (cpb_range){cpb_slice_low(part->slice, part->rows.end - 1),
                       cpb_slice_high(part->slice, part->rows.begin)};
}

static int by_begin(const void *a, const void *b)
{
    const int64_t *const x = a, *const y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

/* Tiles that the hulls touch. A hull has no gaps, so its tiles are an interval, and the
 * union of intervals is a sweep over their begins. */
static int64_t count_nonempty(const cpb_parts *parts, const cpb_tiling *tiling)
{
    int64_t(*const tiles)[2] = (int64_t(*)[2])parts->columns;
    bool sorted = true;
    for (size_t i = 0; i < parts->n; i++) {
        const cpb_range hull =
            cpb_slice_hull(parts->parts[i].slice, parts->parts[i].rows);
        tiles[i][0] = cpb_tile_below(tiling, hull.begin);
        tiles[i][1] = cpb_tile_above(tiling, hull.end);
        sorted = sorted && (i == 0 || tiles[i - 1][0] <= tiles[i][0]);
    }
    if (!sorted)
        qsort(tiles, parts->n, sizeof *tiles, by_begin);

    int64_t count = 0, reached = 0;
    for (size_t i = 0; i < parts->n; i++) {
        count += cpb_max(0, tiles[i][1] - cpb_max(tiles[i][0], reached));
        reached = cpb_max(reached, tiles[i][1]);
    }
    return count;
}

/* Sum over i < n of clamp(x + slope * i, low, high), slope 0 or 1. */
static int64_t clamped_sum(int64_t x, int64_t slope, int64_t n, int64_t low,
                           int64_t high)
{
    if (!slope)
        return n * cpb_min(cpb_max(x, low), high);
    const int64_t at_low = cpb_min(n, cpb_max(0, low - x));
    const int64_t to_high = cpb_min(n, cpb_max(at_low, high - x));
    const int64_t rising = to_high - at_low;
    return at_low * low + rising * (x + at_low) + rising * (rising - 1) / 2 +
           (n - to_high) * high;
}

int64_t cpb_part_pairs(const cpb_part *part, cpb_range keys)
{
    const cpb_slice *const slice = part->slice;
    const int64_t n = cpb_range_length(part->rows);
    return clamped_sum(cpb_slice_high(slice, part->rows.begin),
                       cpb_slice_high_slope(slice->kind), n, keys.begin, keys.end) -
           clamped_sum(cpb_slice_low(slice, part->rows.begin),
                       cpb_slice_low_slope(slice->kind), n, keys.begin, keys.end);
}

static bool column_is_full(const cpb_parts *parts, const cpb_tiling *tiling,
                           int64_t column)
{
    const int64_t k = tiling->tile_k;
    int64_t pairs = 0;
    for (size_t i = 0; i < parts->n; i++)
        pairs +=
            cpb_part_pairs(&parts->parts[i], (cpb_range){column * k, (column + 1) * k});
    return pairs == tiling->tile_q * k;
}

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Between two neighbouring ends of hulls and cores, in whole columns, every part covers
 * all columns alike: with all its rows, or not at all, or (between hull and core) with
 * some. The last kind is narrow, so those columns are asked one by one; of the others
 * one stands for all. Ends are columns here, both neighbours of a cut one included. */
static int64_t count_full(const cpb_parts *parts, const cpb_tiling *tiling)
{
    const int64_t k = tiling->tile_k;
    int64_t *const ends = parts->columns;
    size_t n = 0;
    for (size_t i = 0; i < parts->n; i++) {
        const cpb_part *const part = &parts->parts[i];
        const cpb_range hull = cpb_slice_hull(part->slice, part->rows);
        const cpb_range core = cpb_part_core(part);
        const int64_t first = hull.begin / k, last = cpb_ceil_div(hull.end, k);
        const bool has_core = core.begin < core.end;
        ends[n++] = first;
        ends[n++] = last;
        ends[n++] = has_core ? cpb_ceil_div(core.begin, k) : first;
        ends[n++] = has_core ? core.end / k : last;
    }
    qsort(ends, n, sizeof *ends, by_value);

    int64_t full = 0;
    for (size_t i = 1; i < n; i++) {
        const int64_t begin = ends[i - 1], end = ends[i];
        if (begin == end)
            continue;
        const bool narrow = end - begin <= 2 * tiling->tile_q / k + 4;
        if (narrow)
            for (int64_t column = begin; column < end; column++)
                full += column_is_full(parts, tiling, column);
        else if (column_is_full(parts, tiling, begin + (end - begin) / 2))
            full += end - begin;
    }
    return full;
}

cpb_tile_count cpb_parts_count(cpb_parts *parts, const cpb_tiling *tiling)
{
    int64_t rows = 0;
    for (size_t i = 0; i < parts->n; i++)
        rows += cpb_range_length(parts->parts[i].rows);
    cpb_tile_count count = {count_nonempty(parts, tiling), 0};
    if (tiling->split && rows >= tiling->tile_q)
        count.full = count_full(parts, tiling);
    return count;
}
