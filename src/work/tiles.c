// SPDX-License-Identifier: Apache-2.0
/* Walking a shard q-tile by q-tile, many at a time where one slice holds them alone. */
#include "tiles.h"

#include "parts.h"

typedef struct walker {
    const cpb_mask *mask;
    const cpb_tiling *tiling;
    cpb_stretch_fn *visit;
    void *context;
    size_t slice, document; /* where the last run was */
    cpb_parts parts;        /* of the q-tile under construction */
    int64_t at;             /* its first row */
    int64_t filled;         /* its rows so far, pads included */
} walker;

cpb_stretch cpb_stretch_of(const cpb_slice *slice, int64_t q, int64_t rows, int64_t n,
                           int64_t origin)
{
    return (cpb_stretch){
        .at = q,
        .rows = rows,
        .n = n,
        .slice = slice,
        .low = cpb_slice_low(slice, q) - origin,
        .high = cpb_slice_high(slice, q + rows - 1) - origin,
        .low_all = cpb_slice_low(slice, q + rows - 1) - origin,
        .high_all = cpb_slice_high(slice, q) - origin,
        .low_step = cpb_slice_low_slope(slice->kind) * rows,
        .high_step = cpb_slice_high_slope(slice->kind) * rows,
    };
}

/* The q-tile under construction. */
static void flush(walker *walk)
{
    if (!walk->filled)
        return;
    const cpb_stretch stretch = {
        .at = walk->at,
        .rows = walk->filled,
        .n = 1,
        .parts = walk->parts.n ? &walk->parts : NULL,
    };
    walk->visit(walk->context, &stretch);
    walk->parts.n = 0;
    walk->filled = 0;
}

/* Put rows into the q-tile under construction; they fit. */
static cpb_status fill(walker *walk, cpb_range rows, size_t slice)
{
    const cpb_mask *const mask = walk->mask;
    if (!walk->filled)
        walk->at = rows.begin;
    for (; slice < mask->n_slices && mask->slices[slice].queries.begin < rows.end;
         slice++) {
        const cpb_range shared = cpb_range_intersect(mask->slices[slice].queries, rows);
        if (shared.begin < shared.end &&
            cpb_parts_add(&walk->parts, &mask->slices[slice], shared) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    walk->filled += cpb_range_length(rows);
    if (walk->filled == walk->tiling->tile_q)
        flush(walk);
    return CPB_OK;
}

/* How many whole q-tiles from `rows.begin` on lie in one slice alone or in none, and
 * visit them. 0 where the first q-tile is shared. `slice` is the first that may hold
 * rows.begin. */
static int64_t visit_alone(walker *walk, cpb_range rows, size_t slice)
{
    const cpb_mask *const mask = walk->mask;
    const int64_t tile = walk->tiling->tile_q;
    const cpb_slice *holder = NULL;
    int64_t until = rows.end;

    for (; slice < mask->n_slices; slice++) {
        const cpb_slice *const s = &mask->slices[slice];
        if (s->queries.begin > rows.begin) {
            until = cpb_min(until, s->queries.begin);
            break;
        }
        if (s->queries.end <= rows.begin)
            continue;
        if (holder)
            return 0;
        holder = s;
        until = cpb_min(until, s->queries.end);
    }
    const int64_t n = (until - rows.begin) / tile;
    if (n) {
        const cpb_stretch stretch =
            holder ? cpb_stretch_of(holder, rows.begin, tile, n, 0)
                   : (cpb_stretch){.at = rows.begin, .rows = tile, .n = n};
        walk->visit(walk->context, &stretch);
    }
    return n;
}

static cpb_status walk_flex_run(walker *walk, cpb_range run)
{
    const cpb_mask *const mask = walk->mask;
    const int64_t tile = walk->tiling->tile_q;
    const int64_t end = cpb_min(run.end, mask->tokens);
    size_t slice =
        run.begin < end ? cpb_mask_slice_near(mask, walk->slice, run.begin) : 0;
    int64_t q = run.begin;

    while (q < end) {
        while (slice < mask->n_slices && mask->reach[slice] <= q)
            slice++;
        int64_t n = 0;
        if (!walk->filled && end - q >= tile)
            n = visit_alone(walk, (cpb_range){q, end}, slice);
        if (n) {
            q += n * tile;
            continue;
        }
        const int64_t taken = cpb_min(tile - walk->filled, end - q);
        if (fill(walk, (cpb_range){q, q + taken}, slice) != CPB_OK)
            return CPB_NO_MEMORY;
        q += taken;
    }
    walk->slice = slice;
    for (int64_t pads = run.end - cpb_max(run.begin, mask->tokens); pads > 0;) {
        const int64_t taken = cpb_min(tile - walk->filled, pads);
        walk->filled += taken;
        pads -= taken;
        if (walk->filled == tile)
            flush(walk);
    }
    return CPB_OK;
}

/* The rows of a slice inside a segment: tiles start anew. */
static void walk_rows(const walker *walk, const cpb_slice *slice, cpb_range rows)
{
    const int64_t tile = walk->tiling->tile_q;
    const int64_t origin = cpb_slice_low(slice, rows.begin);
    const int64_t n = cpb_range_length(rows) / tile;
    const int64_t rest = cpb_range_length(rows) % tile;
    if (n) {
        const cpb_stretch stretch = cpb_stretch_of(slice, rows.begin, tile, n, origin);
        walk->visit(walk->context, &stretch);
    }
    if (rest) {
        const cpb_stretch stretch =
            cpb_stretch_of(slice, rows.begin + n * tile, rest, 1, origin);
        walk->visit(walk->context, &stretch);
    }
}

/* `first` is the first slice that may hold rows of the segment. */
static void walk_segment(const walker *walk, size_t first, cpb_range segment)
{
    const cpb_mask *const mask = walk->mask;
    for (size_t i = first;
         i < mask->n_slices && mask->slices[i].queries.begin < segment.end; i++) {
        const cpb_range rows = cpb_range_intersect(mask->slices[i].queries, segment);
        if (rows.begin < rows.end)
            walk_rows(walk, &mask->slices[i], rows);
    }
}

static void walk_varlen_run(walker *walk, cpb_range run)
{
    const cpb_mask *const mask = walk->mask;
    const int64_t end = cpb_min(run.end, mask->tokens);
    if (run.begin >= end)
        return;
    size_t d = cpb_document_near(mask, walk->document, run.begin);
    size_t slice = cpb_mask_slice_near(mask, walk->slice, run.begin);
    walk->document = d;
    for (int64_t q = run.begin; q < end; d++) {
        const int64_t segment_end = cpb_min(end, mask->document_ends[d]);
        while (slice < mask->n_slices && mask->reach[slice] <= q)
            slice++;
        if (q < segment_end)
            walk_segment(walk, slice, (cpb_range){q, segment_end});
        q = cpb_max(q, segment_end);
    }
    walk->slice = slice;
}

cpb_status cpb_tiles_visit(const cpb_mask *mask, const cpb_tiling *tiling,
                           const cpb_range *runs, size_t n_runs, cpb_arena *scratch,
                           cpb_stretch_fn *visit, void *context)
{
    walker walk = {
        .mask = mask,
        .tiling = tiling,
        .visit = visit,
        .context = context,
        .parts = {.arena = scratch},
    };
    for (size_t i = 0; i < n_runs; i++) {
        if (tiling->varlen)
            walk_varlen_run(&walk, runs[i]);
        else if (walk_flex_run(&walk, runs[i]) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    flush(&walk);
    return CPB_OK;
}
