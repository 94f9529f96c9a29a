// SPDX-License-Identifier: Apache-2.0
/* Pairs, own pairs, tiles and time of one shard. */
#include "shard_cost.h"

#include "../base/sort.h"

cpb_status cpb_own_keys_create(const cpb_range *runs, size_t n_runs, int64_t tokens,
                               cpb_arena *arena, cpb_own_keys *own)
{
    cpb_item *const items = cpb_arena_take(arena, n_runs, sizeof *items);
    cpb_item *const spare = cpb_arena_take(arena, n_runs, sizeof *spare);
    own->runs = cpb_arena_take(arena, n_runs, sizeof *own->runs);
    own->before = cpb_arena_take(arena, n_runs, sizeof *own->before);
    own->area = cpb_arena_take(arena, n_runs, sizeof *own->area);
    if (!items || !spare || !own->runs || !own->before || !own->area)
        return CPB_NO_MEMORY;

    own->n = 0;
    for (size_t i = 0; i < n_runs; i++)
        if (runs[i].begin < tokens)
            items[own->n++] =
                (cpb_item){(uint64_t)runs[i].begin, cpb_min(runs[i].end, tokens)};
    cpb_sort(items, spare, own->n);

    int64_t held = 0, area = 0, reached = 0;
    for (size_t i = 0; i < own->n; i++) {
        const cpb_range run = {(int64_t)items[i].key, items[i].value};
        const int64_t length = cpb_range_length(run);
        area += held * (run.begin - reached);
        own->runs[i] = run;
        own->before[i] = held;
        own->area[i] = area;
        area += length * held + length * (length - 1) / 2;
        held += length;
        reached = run.end;
    }
    return CPB_OK;
}

/* Where own_before() and own_area() start to look: queries come in ascending order and
 * mostly see keys near themselves. */
typedef struct own_walk {
    const cpb_own_keys *own;
    size_t hint;  /* the run at hand */
    size_t slice; /* the first one of the run before */
} own_walk;

/* The last run that begins at or before `p`; n where there is none. */
static size_t own_run_before(const own_walk *walk, int64_t p)
{
    const cpb_range *const runs = walk->own->runs;
    size_t low = 0, high = walk->own->n;
    if (!high || runs[0].begin > p)
        return high;
    if (walk->hint < high && runs[walk->hint].begin <= p) {
        low = walk->hint;
        if (low + 1 == high || runs[low + 1].begin > p)
            return low;
    }
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (runs[middle].begin <= p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Own keys before position p. */
static int64_t own_before(const own_walk *walk, int64_t p)
{
    const cpb_own_keys *const own = walk->own;
    const size_t i = own_run_before(walk, p);
    if (i == own->n)
        return 0;
    return own->before[i] + cpb_min(p, own->runs[i].end) - own->runs[i].begin;
}

/* Sum of own_before(j) over 0 <= j < p. */
static int64_t own_area(const own_walk *walk, int64_t p)
{
    const cpb_own_keys *const own = walk->own;
    const size_t i = own_run_before(walk, p);
    if (i == own->n)
        return 0;
    const int64_t inside = cpb_min(p, own->runs[i].end) - own->runs[i].begin;
    const int64_t behind = cpb_max(0, p - own->runs[i].end);
    return own->area[i] + inside * own->before[i] + inside * (inside - 1) / 2 +
           behind * (own->before[i] + inside);
}

/* Sum over `n` queries of own keys before an end that starts at `p` and moves by
 * `slope`. */
static int64_t own_below(const own_walk *walk, int64_t p, int64_t slope, int64_t n)
{
    return slope ? own_area(walk, p + n) - own_area(walk, p) : n * own_before(walk, p);
}

/* Pairs and own pairs of the queries of one own run. */
static void count_pairs(const cpb_mask *mask, own_walk *walk, cpb_shard_cost *cost)
{
    const cpb_range run = walk->own->runs[walk->hint];
    walk->slice = cpb_mask_slice_near(mask, walk->slice, run.begin);
    for (size_t s = walk->slice;
         s < mask->n_slices && mask->slices[s].queries.begin < run.end; s++) {
        const cpb_slice *const slice = &mask->slices[s];
        const cpb_range rows = cpb_range_intersect(slice->queries, run);
        const int64_t n = cpb_range_length(rows);
        if (n <= 0)
            continue;
        const int64_t high = cpb_slice_high(slice, rows.begin);
        const int64_t low = cpb_slice_low(slice, rows.begin);
        const int64_t high_slope = cpb_slice_high_slope(slice->kind);
        const int64_t low_slope = cpb_slice_low_slope(slice->kind);
        cost->own_pairs +=
            own_below(walk, high, high_slope, n) - own_below(walk, low, low_slope, n);
        cost->pairs += n * (high - low) + (high_slope - low_slope) * (n * (n - 1) / 2);
    }
}

void cpb_shard_pairs_of(const cpb_mask *mask, const cpb_own_keys *own,
                        cpb_shard_cost *cost)
{
    for (own_walk walk = {.own = own}; walk.hint < own->n; walk.hint++)
        count_pairs(mask, &walk, cost);
}

/* Sums over the q-tiles of a shard. */
typedef struct tally {
    const cpb_tiling *tiling;
    cpb_prices price; /* of the forward pass, for the longest q-tile */
    int64_t nonempty, full, q_tiles;
    int64_t longest;
} tally;

static void add_stretch(void *context, const cpb_stretch *stretch)
{
    tally *const t = context;
    for (int64_t i = 0; i < stretch->n; i++) {
        const cpb_tile_count count = cpb_stretch_count(stretch, t->tiling, i);
        const int64_t row = count.full * t->price.full_tile +
                            (count.nonempty - count.full) * t->price.partial_tile +
                            t->price.q_tile;
        if (!count.nonempty)
            continue;
        t->nonempty += count.nonempty;
        t->full += count.full;
        t->q_tiles++;
        t->longest = cpb_max(t->longest, row);
    }
}

static cpb_wide tiles_time(const tally *t, const cpb_prices *price)
{
    return (cpb_wide)t->full * price->full_tile +
           (cpb_wide)(t->nonempty - t->full) * price->partial_tile +
           (cpb_wide)t->q_tiles * price->q_tile;
}

static void set_times(const cpb_setup *setup, const tally *t, int64_t tokens,
                      cpb_shard_cost *cost)
{
    const cpb_prices backward = cpb_setup_prices(setup, true);
    const cpb_wide longest = (cpb_wide)setup->profile.rows_at_once * t->longest;
    cost->forward = tiles_time(t, &t->price);
    if (cost->forward < longest)
        cost->forward = longest;
    cost->forward += (cpb_wide)t->price.token * tokens;
    if (setup->backward)
        cost->backward = tiles_time(t, &backward) + (cpb_wide)backward.token * tokens;
}

static void set_recurrent_times(const cpb_setup *setup, int64_t tokens, int64_t runs,
                                cpb_shard_cost *cost)
{
    cost->forward = (cpb_wide)setup->profile.recurrent_token * tokens +
                    (cpb_wide)setup->profile.recurrent_run * runs;
    cost->backward = setup->backward ? cost->forward : 0;
}

cpb_status cpb_shard_cost_of(const cpb_mask *mask, const cpb_setup *setup,
                             const cpb_range *runs, size_t n_runs, cpb_arena *scratch,
                             cpb_shard_cost *cost)
{
    const cpb_tiling tiling = cpb_setup_profile_tiling(setup);
    tally t = {.tiling = &tiling, .price = cpb_setup_prices(setup, false)};
    int64_t tokens = 0, held_runs = 0;

    *cost = (cpb_shard_cost){0};
    for (size_t i = 0; i < n_runs; i++) {
        const int64_t held = cpb_min(runs[i].end, mask->tokens) - runs[i].begin;
        tokens += cpb_max(0, held);
        held_runs += held > 0;
    }
    if (cpb_tiles_visit(mask, &tiling, runs, n_runs, scratch, add_stretch, &t) !=
        CPB_OK)
        return CPB_NO_MEMORY;
    cost->tiles = t.nonempty;
    if (setup->kernel == CPB_RECURRENT)
        set_recurrent_times(setup, tokens, held_runs, cost);
    else
        set_times(setup, &t, tokens, cost);
    if (setup->cost == CPB_TILES) {
        const cpb_tiling paired = cpb_setup_tiling(setup);
        t = (tally){.tiling = &paired};
        if (cpb_tiles_visit(mask, &paired, runs, n_runs, scratch, add_stretch, &t) !=
            CPB_OK)
            return CPB_NO_MEMORY;
        cost->tiles = t.nonempty;
    }
    return CPB_OK;
}
