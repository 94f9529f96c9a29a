// SPDX-License-Identifier: Apache-2.0
/* Regions of keys from slices.
 *
 * An island is a range that no slice crosses. Inside one, a slice whose low end stays
 * where it is (full, causal) begins a region, so its queries need a beginning of that
 * region, and of those behind it as far as the slice reaches. Two such slices share no
 * pair, so a query needs a beginning of a region through one of them only. Slices whose
 * low end moves are seen as bands alone. */
#include "key_regions.h"

#include "../base/sort.h"

/* Beginnings of regions per slice, on average, that a slice may reach: more would make
 * masks of many long slices quadratic. */
enum { REACHED = 4, SPARE_REACHED = 16 };

/* Queries that see the keys next to them on one side, as far as `reach`. */
typedef struct side {
    int64_t covered; /* queries, the one at the region's end not counted */
    int64_t reach;
} side;

typedef struct region {
    cpb_range keys;
    side before, behind;
    int64_t own; /* queries that see themselves */
} region;

typedef struct walk {
    const cpb_mask *mask;
    cpb_key_region_fn *visit;
    void *context;
    bool whole;
    size_t first, last; /* slices of the island at hand */
    cpb_range island;
    size_t n_regions;
    region *regions; /* [largest island + 1] */
    size_t n, room;  /* stretches of the island, beyond `room` they are left out */
    cpb_nested *nested, *sorted;
    int32_t *region_of;        /* [room] */
    cpb_item *items, *scratch; /* [room] */
} walk;

static bool is_fixed(const cpb_slice *slice)
{
    return !cpb_slice_low_slope(slice->kind);
}

static cpb_range extent(const cpb_slice *slice)
{
    return (cpb_range){cpb_min(slice->queries.begin, slice->keys.begin),
                       cpb_max(slice->queries.end, slice->keys.end)};
}

/* --- Islands ---------------------------------------------------------------------- */

/* Ascending, none touching the next.
 * \return how many. */
static size_t join_extents(const cpb_mask *mask, cpb_item *items, cpb_item *spare,
                           cpb_range *islands)
{
    size_t n = 0;
    for (size_t i = 0; i < mask->n_slices; i++) {
        const cpb_range range = extent(&mask->slices[i]);
        items[i] = (cpb_item){(uint64_t)range.begin, range.end};
    }
    cpb_sort(items, spare, mask->n_slices);
    for (size_t i = 0; i < mask->n_slices; i++) {
        const cpb_range range = {(int64_t)items[i].key, items[i].value};
        if (n && range.begin < islands[n - 1].end)
            islands[n - 1].end = cpb_max(islands[n - 1].end, range.end);
        else
            islands[n++] = range;
    }
    return n;
}

/* Slices are sorted by their queries, hence by islands: one past those of an island. */
static size_t slices_until(const cpb_mask *mask, size_t first, int64_t end)
{
    while (first < mask->n_slices && mask->slices[first].queries.begin < end)
        first++;
    return first;
}

/* --- Regions ---------------------------------------------------------------------- */

static void find_regions(walk *w)
{
    size_t n = 0;
    w->items[n++] = (cpb_item){(uint64_t)w->island.begin, 0};
    for (size_t i = w->first; i < w->last; i++)
        if (is_fixed(&w->mask->slices[i]))
            w->items[n++] = (cpb_item){(uint64_t)w->mask->slices[i].keys.begin, 0};
    cpb_sort(w->items, w->scratch, n);
    w->n_regions = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t begin = (int64_t)w->items[i].key;
        if (w->n_regions && w->regions[w->n_regions - 1].keys.begin == begin)
            continue;
        if (w->n_regions)
            w->regions[w->n_regions - 1].keys.end = begin;
        w->regions[w->n_regions++] = (region){.keys = {begin, w->island.end},
                                              .before.reach = INT64_MAX,
                                              .behind.reach = INT64_MAX};
    }
}

/* The last region that begins at or before a position of the island. */
static size_t region_at(const walk *w, int64_t position)
{
    size_t low = 0, high = w->n_regions;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (w->regions[middle].keys.begin <= position)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* --- Nested queries --------------------------------------------------------------- */

static void add_nested(walk *w, size_t at, cpb_nested nested)
{
    if (nested.n <= 0)
        return;
    if (w->n == w->room) {
        w->whole = false;
        return;
    }
    w->region_of[w->n] = (int32_t)at;
    w->nested[w->n++] = nested;
}

/* Queries of a slice that reach a region, from its begin: first those whose needs still
 * rise, then those that need all of it. */
static void add_reached(walk *w, const cpb_slice *slice, size_t at)
{
    const cpb_range keys = w->regions[at].keys, queries = slice->queries;
    const int64_t length = cpb_range_length(keys);
    const int64_t depth = cpb_slice_high(slice, queries.begin) - keys.begin;
    const int64_t rows = cpb_range_length(queries);
    if (!cpb_slice_high_slope(slice->kind)) {
        add_nested(w, at,
                   (cpb_nested){queries.begin, rows, cpb_min(depth, length), false});
        return;
    }
    const int64_t skipped = cpb_max(0, 1 - depth); /* reach no key of it */
    const int64_t rising = cpb_max(skipped, cpb_min(rows, length - depth));
    add_nested(
        w, at,
        (cpb_nested){queries.begin + skipped, rising - skipped, depth + skipped, true});
    add_nested(w, at,
               (cpb_nested){queries.begin + rising, rows - rising, length, false});
}

static void find_nested(walk *w)
{
    w->n = 0;
    for (size_t i = w->first; i < w->last; i++) {
        const cpb_slice *const slice = &w->mask->slices[i];
        if (!is_fixed(slice)) {
            w->whole = false;
            continue;
        }
        for (size_t r = region_at(w, slice->keys.begin);
             r < w->n_regions && w->regions[r].keys.begin < slice->keys.end &&
             w->n + 2 <= w->room;
             r++)
            add_reached(w, slice, r);
    }
    w->whole = w->whole && w->n + 2 <= w->room;
}

/* Sort by region and depth. Where needs that rise pass the depth of those behind them,
 * they are cut down to their first: less is true as well. */
static void sort_nested(walk *w)
{
    for (size_t i = 0; i < w->n; i++)
        w->items[i] = (cpb_item){
            (uint64_t)w->region_of[i] << 32 | (uint64_t)w->nested[i].depth, (int64_t)i};
    cpb_sort(w->items, w->scratch, w->n);
    for (size_t i = 0; i < w->n; i++)
        w->sorted[i] = w->nested[w->items[i].value];
    for (size_t i = 0; i + 1 < w->n; i++) {
        cpb_nested *const nested = &w->sorted[i];
        const bool together = w->items[i].key >> 32 == w->items[i + 1].key >> 32;
        if (nested->rising && together &&
            nested->depth + nested->n - 1 > nested[1].depth)
            nested->rising = false;
    }
}

/* --- Bands ------------------------------------------------------------------------ */

/* Whether the first and the last query, and so all of them, see the key `away` from
 * them. */
static bool sees_beside(const cpb_slice *slice, cpb_range queries, int64_t away)
{
    const int64_t ends[] = {queries.begin, queries.end - 1};
    for (int i = 0; i < 2; i++)
        if (cpb_slice_low(slice, ends[i]) > ends[i] + away ||
            cpb_slice_high(slice, ends[i]) <= ends[i] + away)
            return false;
    return true;
}

static void note_before(region *r, const cpb_slice *slice)
{
    const cpb_range queries = {cpb_max(slice->queries.begin, r->keys.begin + 1),
                               slice->queries.end};
    if (queries.begin >= queries.end || !sees_beside(slice, queries, -1))
        return;
    r->before.covered += cpb_range_length(queries);
    /* The distance to the low end shrinks or stays towards the first query; queries that
     * see the region's begin need all of it. */
    if (cpb_slice_low(slice, queries.end - 1) > r->keys.begin)
        r->before.reach = cpb_min(r->before.reach,
                                  queries.begin - cpb_slice_low(slice, queries.begin));
}

static void note_behind(region *r, const cpb_slice *slice)
{
    const cpb_range queries = {slice->queries.begin,
                               cpb_min(slice->queries.end, r->keys.end - 1)};
    const int64_t last = queries.end - 1;
    if (queries.begin >= queries.end || !sees_beside(slice, queries, 1))
        return;
    r->behind.covered += cpb_range_length(queries);
    /* Mirrored: the distance to the high end shrinks or stays towards the last query. */
    if (cpb_slice_high(slice, queries.begin) < r->keys.end)
        r->behind.reach =
            cpb_min(r->behind.reach, cpb_slice_high(slice, last) - 1 - last);
}

/* Note the queries of a slice that see the keys next to them, if they lie in one
 * region. */
static void note_band(walk *w, const cpb_slice *slice)
{
    region *const r = &w->regions[region_at(w, slice->queries.begin)];
    if (slice->queries.end > r->keys.end)
        return;
    if (sees_beside(slice, slice->queries, 0))
        r->own += cpb_range_length(slice->queries);
    note_before(r, slice);
    note_behind(r, slice);
}

static void find_bands(walk *w)
{
    for (size_t i = w->first; i < w->last; i++)
        note_band(w, &w->mask->slices[i]);
}

/* --- Together --------------------------------------------------------------------- */

/* How far all queries of a region see on one side. */
static int64_t seen_by_all(const region *r, const side *to)
{
    return to->covered == cpb_range_length(r->keys) - 1 ? to->reach : 0;
}

static void show(walk *w)
{
    size_t from = 0;
    for (size_t r = 0; r < w->n_regions; r++) {
        const region *const now = &w->regions[r];
        size_t n = 0;
        while (from + n < w->n && w->items[from + n].key >> 32 == r)
            n++;
        w->visit(w->context,
                 &(cpb_key_region){.keys = now->keys,
                                   .n_nested = n,
                                   .nested = w->sorted + from,
                                   .before = seen_by_all(now, &now->before),
                                   .own = now->own == cpb_range_length(now->keys),
                                   .behind = seen_by_all(now, &now->behind)});
        from += n;
    }
}

static void walk_island(walk *w)
{
    find_regions(w);
    w->whole = w->whole && w->n_regions == 1;
    find_nested(w);
    sort_nested(w);
    find_bands(w);
    show(w);
}

static cpb_status make_room(walk *w, size_t most_slices, cpb_arena *arena)
{
    w->room = REACHED * most_slices + SPARE_REACHED;
    w->regions = cpb_arena_take(arena, most_slices + 1, sizeof *w->regions);
    w->nested = cpb_arena_take(arena, w->room, sizeof *w->nested);
    w->sorted = cpb_arena_take(arena, w->room, sizeof *w->sorted);
    w->region_of = cpb_arena_take(arena, w->room, sizeof *w->region_of);
    w->items = cpb_arena_take(arena, w->room, sizeof *w->items);
    w->scratch = cpb_arena_take(arena, w->room, sizeof *w->scratch);
    return w->regions && w->nested && w->sorted && w->region_of && w->items &&
                   w->scratch
               ? CPB_OK
               : CPB_NO_MEMORY;
}

cpb_status cpb_key_regions(const cpb_mask *mask, cpb_arena *arena,
                           cpb_key_region_fn *visit, void *context, bool *whole)
{
    const size_t n = mask->n_slices;
    walk w = {.mask = mask, .visit = visit, .context = context, .whole = true};
    cpb_item *const items = cpb_arena_take(arena, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(arena, n, sizeof *spare);
    cpb_range *const islands = cpb_arena_take(arena, n, sizeof *islands);
    size_t most = 0;
    if (!items || !spare || !islands)
        return CPB_NO_MEMORY;

    const size_t n_islands = join_extents(mask, items, spare, islands);
    for (size_t i = 0, first = 0; i < n_islands; i++) {
        const size_t last = slices_until(mask, first, islands[i].end);
        most = last - first > most ? last - first : most;
        first = last;
    }
    if (make_room(&w, most, arena) != CPB_OK)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < n_islands; i++) {
        w.island = islands[i];
        w.first = w.last;
        w.last = slices_until(mask, w.first, islands[i].end);
        walk_island(&w);
    }
    *whole = w.whole;
    return CPB_OK;
}
