// SPDX-License-Identifier: Apache-2.0
/* What rows that look at traffic are told: costs and needs of any range, islands, and
 * loads as a score counts them. */
#include "view.h"

#include "../base/error.h"
#include "../base/sort.h"
#include "../mask/mask.h"
#include "../read/shard_load.h"
#include "../work/held.h"

#include <string.h>

typedef struct lookup {
    cpb_lookup base; /* the balancer's side of it; comes first */
    const cpb_masks *masks;
    cpb_setup setup; /* the caller's without speeds */
    cpb_view *view;
    cpb_allocator allocator;
    int64_t *weights; /* [masks->n] */
    cpb_work **works; /* [masks->n] */

    /* Where loads are sums over segments. */
    cpb_held_prices prices; /* of all masks together */
    int64_t *island_before; /* [n_islands + 1] cost of everything before each */
    int32_t *island_of;     /* [(tokens >> shift) + 2] which one holds i << shift */
    int shift;
} lookup;

static int64_t cost_before(const cpb_lookup *base, int64_t position)
{
    const lookup *const look = (const lookup *)base;
    int64_t cost = look->weights[0] * cpb_work_before(look->works[0], position);
    for (size_t m = 1; m < look->masks->n; m++)
        cost += look->weights[m] * cpb_work_before(look->works[m], position);
    return cost;
}

/* Close the smallest gap. */
static size_t close_gap(cpb_range *keys, size_t n)
{
    size_t least = 1;
    for (size_t i = 2; i < n; i++)
        if (keys[i].begin - keys[i - 1].end < keys[least].begin - keys[least - 1].end)
            least = i;
    keys[least - 1].end = keys[least].end;
    memmove(keys + least, keys + least + 1, (n - least - 1) * sizeof *keys);
    return n - 1;
}

/* Put a range into a sorted list of disjoint ones that has room for one more. */
static size_t put_range(cpb_range *keys, size_t n, cpb_range range)
{
    size_t at = n;
    while (at > 0 && keys[at - 1].end >= range.begin)
        at--;
    size_t end = at;
    for (; end < n && keys[end].begin <= range.end; end++) {
        range.begin = cpb_min(range.begin, keys[end].begin);
        range.end = cpb_max(range.end, keys[end].end);
    }
    if (end - at != 1)
        memmove(keys + at + 1, keys + end, (n - end) * sizeof *keys);
    keys[at] = range;
    return n + 1 - (end - at);
}

static size_t need_of(const cpb_lookup *base, size_t m, cpb_range queries,
                      cpb_range *keys)
{
    const lookup *const look = (const lookup *)base;
    const cpb_mask *const mask = look->masks->mask[m];
    cpb_range list[CPB_NEED_ROOM + 1];
    size_t n = 0;
    queries.end = cpb_min(queries.end, mask->tokens);
    for (size_t i = cpb_mask_first_slice(mask, queries.begin);
         i < mask->n_slices && mask->slices[i].queries.begin < queries.end; i++) {
        const cpb_range rows = cpb_range_intersect(mask->slices[i].queries, queries);
        if (rows.begin >= rows.end)
            continue;
        n = put_range(list, n, cpb_slice_hull(&mask->slices[i], rows));
        if (n > CPB_NEED_ROOM)
            n = close_gap(list, n);
    }
    memcpy(keys, list, n * sizeof *keys);
    return n;
}

static cpb_status load_of(const cpb_lookup *base, size_t n, const cpb_range *runs,
                          int64_t *load)
{
    const lookup *const look = (const lookup *)base;
    cpb_arena scratch = {.allocator = look->allocator};
    const cpb_status status =
        cpb_shard_load(look->masks, &look->setup, runs, n, &scratch, load);
    cpb_arena_free(&scratch);
    return status;
}

/* The island that holds a position: few begin inside a bucket. */
static size_t island_at(const lookup *look, int64_t position)
{
    const int64_t *const ends = look->view->island_ends;
    const int32_t *const bucket = &look->island_of[position >> look->shift];
    size_t low = (size_t)bucket[0], high = (size_t)bucket[1];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ends[middle] <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Cost of a range inside one island. */
static int64_t held_in(const lookup *look, size_t island, cpb_range range)
{
    const int64_t begin = island ? look->view->island_ends[island - 1] : 0;
    return cpb_held_cost(&look->prices, range.begin - begin, range.end - begin);
}

/* Two parts of islands at most, and between them whole ones, which cost what they do in
 * the original order. */
static int64_t held_of(const cpb_lookup *base, cpb_range range)
{
    const lookup *const look = (const lookup *)base;
    const int64_t *const ends = look->view->island_ends;
    range.end = cpb_min(range.end, look->view->tokens);
    if (range.begin >= range.end)
        return 0;
    const size_t first = island_at(look, range.begin);
    if (range.end <= ends[first])
        return held_in(look, first, range);
    const size_t last = island_at(look, range.end - 1);
    return held_in(look, first, (cpb_range){range.begin, ends[first]}) +
           look->island_before[last] - look->island_before[first + 1] +
           held_in(look, last, (cpb_range){ends[last - 1], range.end});
}

/* Whether costs of runs on the view's grid add up to loads. */
static bool adds_up(const cpb_setup *setup, int64_t grid)
{
    const cpb_profile *const p = &setup->profile;
    if (setup->cost == CPB_PAIRS)
        return true;
    if (setup->kernel == CPB_RECURRENT && setup->cost == CPB_PROFILE_TIME)
        return p->recurrent_run == 0;
    if (setup->kernel == CPB_VARLEN || grid % cpb_setup_tiling(setup).tile_q)
        return false;
    if (setup->cost == CPB_TILES)
        return true;
    return !p->forward.kv_tile && !p->received_key && !p->rows_at_once &&
           !(setup->backward && p->backward.kv_tile);
}

/* What a slice ties together. */
static cpb_item bond_of(const cpb_slice *slice)
{
    return (cpb_item){.key = (uint64_t)cpb_min(slice->queries.begin, slice->keys.begin),
                      .value = cpb_max(slice->queries.end, slice->keys.end)};
}

/* Positions that no slice ties together are islands of their own. */
static cpb_status find_islands(const cpb_masks *masks, cpb_arena *arena, cpb_view *view)
{
    size_t n = 0;
    for (size_t m = 0; m < masks->n; m++)
        n += masks->mask[m]->n_slices;
    cpb_item *const bonds = cpb_arena_take(arena, 2 * n, sizeof *bonds);
    int64_t *const ends = cpb_arena_take(arena, 2 * n + 1, sizeof *ends);
    if (!bonds || !ends)
        return CPB_NO_MEMORY;
    size_t i = 0;
    for (size_t m = 0; m < masks->n; m++)
        for (size_t s = 0; s < masks->mask[m]->n_slices; s++)
            bonds[i++] = bond_of(&masks->mask[m]->slices[s]);
    cpb_sort(bonds, bonds + n, n);

    int64_t reached = 0;
    view->n_islands = 0;
    for (i = 0; i < n; i++) {
        const int64_t begin = (int64_t)bonds[i].key;
        if (begin >= reached && reached > 0)
            ends[view->n_islands++] = reached;
        if (begin > reached)
            ends[view->n_islands++] = begin;
        reached = cpb_max(reached, bonds[i].value);
    }
    if (reached > 0)
        ends[view->n_islands++] = reached;
    if (reached < view->tokens)
        ends[view->n_islands++] = view->tokens;
    view->island_ends = ends;
    return CPB_OK;
}

/* One causal slice per island and nothing else. */
static bool is_nested(const cpb_mask *mask, const cpb_view *view)
{
    int64_t begin = 0;
    if (mask->n_slices != view->n_islands)
        return false;
    for (size_t i = 0; i < view->n_islands; i++) {
        const cpb_slice *const slice = &mask->slices[i];
        const int64_t end = view->island_ends[i];
        if (slice->kind != CPB_CAUSAL || slice->queries.begin != begin ||
            slice->keys.begin != begin || slice->queries.end != end ||
            slice->keys.end != end)
            return false;
        begin = end;
    }
    return true;
}

/* Whether a mask's documents are the islands, but for empty ones. */
static bool has_documents_for_islands(const cpb_mask *mask, const cpb_view *view)
{
    int64_t begin = 0;
    size_t i = 0;
    for (size_t d = 0; d < mask->n_documents; d++) {
        const int64_t end = mask->document_ends[d];
        if (end > begin && end != view->island_ends[i++])
            return false;
        begin = end;
    }
    return true;
}

/* What a token costs at most, wherever plans cut, for each unit of weight. */
static cpb_wide dearest_token(const cpb_held_prices *prices, const cpb_view *view)
{
    int64_t begin = 0, longest = 0;
    for (size_t i = 0; i < view->n_islands; i++) {
        longest = cpb_max(longest, view->island_ends[i] - begin);
        begin = view->island_ends[i];
    }
    const int64_t tile = prices->tile + cpb_max(0, prices->full);
    return (cpb_wide)tile * cpb_ceil_div(longest, prices->tile_k) + prices->q_tile +
           prices->token;
}

/* Whether loads are sums over segments, and shreds of a token each would not pass what is
 * counted. */
static bool sums_up(lookup *look)
{
    const cpb_view *const view = look->view;
    int64_t weight = 0;
    for (size_t m = 0; m < look->masks->n; m++) {
        weight += look->weights[m];
        if (!view->nested[m] || !has_documents_for_islands(look->masks->mask[m], view))
            return false;
    }
    if (!look->base.load || !cpb_held_prices_of(&look->setup, &look->prices) ||
        dearest_token(&look->prices, view) > CPB_MAX_COST / (weight * view->tokens))
        return false;
    look->prices.q_tile *= weight;
    look->prices.tile *= weight;
    look->prices.full *= weight;
    look->prices.token *= weight;
    return true;
}

static cpb_status index_islands(lookup *look, cpb_arena *arena)
{
    const cpb_view *const view = look->view;
    const int64_t n = (int64_t)view->n_islands;
    while (view->tokens >> look->shift > 2 * n)
        look->shift++;
    const int64_t buckets = (view->tokens >> look->shift) + 2;
    look->island_of = cpb_arena_take(arena, (size_t)buckets, sizeof *look->island_of);
    look->island_before =
        cpb_arena_take(arena, (size_t)n + 1, sizeof *look->island_before);
    if (!look->island_of || !look->island_before)
        return CPB_NO_MEMORY;
    int32_t at = 0;
    for (int64_t i = 0; i < buckets; i++) {
        while (at + 1 < n && view->island_ends[at] <= i << look->shift)
            at++;
        look->island_of[i] = at;
    }
    look->island_before[0] = 0;
    for (int64_t i = 0; i < n; i++)
        look->island_before[i + 1] = cost_before(&look->base, view->island_ends[i]);
    return CPB_OK;
}

static cpb_status measure(lookup *look, cpb_arena *arena, cpb_error *error)
{
    cpb_view *const view = look->view;
    cpb_wide total = 0;
    for (size_t m = 0; m < look->masks->n; m++) {
        view->floor = cpb_max(
            view->floor, look->weights[m] *
                             cpb_work_floor(look->masks->mask[m], &look->setup).query);
        const cpb_status status =
            cpb_work_create(look->masks->mask[m], &look->setup, &look->allocator,
                            &look->works[m], error);
        if (status != CPB_OK)
            return status;
        if (cpb_work_index(look->works[m]) != CPB_OK)
            return CPB_NO_MEMORY;
        total +=
            (cpb_wide)look->weights[m] * cpb_work_before(look->works[m], view->tokens);
    }
    if (total > CPB_MAX_COST)
        return cpb_fail(error, CPB_TOO_LARGE, -1,
                        "costs sum to more than %lld units; use smaller weights or "
                        "the cost pairs",
                        (long long)CPB_MAX_COST);
    if (!sums_up(look))
        return CPB_OK;
    look->base.held = held_of;
    look->base.load = NULL;
    return index_islands(look, arena);
}

cpb_status cpb_view_look_up(const cpb_masks *masks, const cpb_options *options,
                            cpb_arena *arena, cpb_view *view, cpb_error *error)
{
    lookup *const look = cpb_arena_zeros(arena, 1, sizeof *look);
    bool *const nested = cpb_arena_take(arena, masks->n, sizeof *nested);
    if (!look || !nested || find_islands(masks, arena, view) != CPB_OK)
        return CPB_NO_MEMORY;
    look->masks = masks;
    look->setup = options->setup;
    look->setup.speeds = NULL;
    look->view = view;
    look->allocator = arena->allocator;
    look->weights = cpb_arena_take(arena, masks->n, sizeof *look->weights);
    look->works = cpb_arena_zeros(arena, masks->n, sizeof *look->works);
    if (!look->weights || !look->works)
        return CPB_NO_MEMORY;
    for (size_t m = 0; m < masks->n; m++) {
        look->weights[m] = masks->weight ? masks->weight[m] : 1;
        nested[m] = is_nested(masks->mask[m], view);
    }
    look->base.before = cost_before;
    look->base.need = need_of;
    look->base.load = adds_up(&look->setup, view->grid) ? NULL : load_of;

    view->tolerance_ppm = options->tolerance_ppm;
    view->tile = cpb_setup_tiling(&look->setup).tile_q;
    view->nodes = options->setup.nodes;
    view->peers = options->peers == -1 ? INT32_MAX : options->peers;
    view->long_runs = options->setup.kernel == CPB_RECURRENT;
    view->n_masks = masks->n;
    view->mask_weights = look->weights;
    view->nested = nested;
    view->lookup = &look->base;
    return measure(look, arena, error);
}

void cpb_view_free(cpb_view *view)
{
    const lookup *const look = (const lookup *)view->lookup;
    for (size_t m = 0; look && m < look->masks->n; m++)
        cpb_work_free(look->works[m]);
}
