// SPDX-License-Identifier: Apache-2.0
/* Needs and owners as sorted ranges. */
#include "traffic.h"

#include "../base/sort.h"
#include "../mask/mask.h"

#include <string.h>

static cpb_status grow(cpb_ranges *list)
{
    const size_t room = list->room ? 2 * list->room : 64;
    cpb_range *const grown = cpb_arena_take(list->arena, room, sizeof *grown);
    if (!grown)
        return CPB_NO_MEMORY;
    if (list->n)
        memcpy(grown, list->ranges, list->n * sizeof *grown);
    list->ranges = grown;
    list->room = room;
    return CPB_OK;
}

cpb_status cpb_ranges_add(cpb_ranges *list, cpb_range range)
{
    if (list->n) {
        cpb_range *const last = &list->ranges[list->n - 1];
        if (range.begin >= last->begin && range.begin <= last->end) {
            last->end = cpb_max(last->end, range.end);
            return CPB_OK;
        }
    }
    if (list->n == list->room && grow(list) != CPB_OK)
        return CPB_NO_MEMORY;
    list->ranges[list->n++] = range;
    return CPB_OK;
}

static bool is_sorted(const cpb_ranges *list)
{
    for (size_t i = 1; i < list->n; i++)
        if (list->ranges[i - 1].end >= list->ranges[i].begin)
            return false;
    return true;
}

cpb_status cpb_ranges_normalise(cpb_ranges *list)
{
    const size_t n = list->n;
    if (is_sorted(list))
        return CPB_OK;
    cpb_item *const items = cpb_arena_take(list->arena, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(list->arena, n, sizeof *spare);
    if (!items || !spare)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        items[i] = (cpb_item){(uint64_t)list->ranges[i].begin, list->ranges[i].end};
    cpb_sort(items, spare, n);
    list->n = 0;
    for (size_t i = 0; i < n; i++) {
        const cpb_range range = {(int64_t)items[i].key, items[i].value};
        if (cpb_ranges_add(list, range) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return CPB_OK;
}

cpb_status cpb_needs_of(const cpb_mask *mask, const cpb_range *runs, size_t n_runs,
                        cpb_ranges *needs)
{
    size_t first = 0;
    for (size_t i = 0; i < n_runs; i++) {
        const cpb_range run = {runs[i].begin, cpb_min(runs[i].end, mask->tokens)};
        if (run.begin >= run.end)
            continue;
        first = cpb_mask_slice_near(mask, first, run.begin);
        for (size_t s = first;
             s < mask->n_slices && mask->slices[s].queries.begin < run.end; s++) {
            const cpb_slice *const slice = &mask->slices[s];
            const cpb_range rows = cpb_range_intersect(slice->queries, run);
            if (rows.begin < rows.end &&
                cpb_ranges_add(needs, cpb_slice_hull(slice, rows)) != CPB_OK)
                return CPB_NO_MEMORY;
        }
    }
    return cpb_ranges_normalise(needs);
}

cpb_status cpb_owners_create(const cpb_plan *plan, cpb_arena *arena, cpb_owners *owners)
{
    const int64_t tokens = cpb_plan_tokens(plan);
    const int32_t ranks = cpb_plan_ranks(plan);
    size_t n = 0;
    for (int32_t r = 0; r < ranks; r++)
        n += cpb_plan_n_runs(plan, r);

    const cpb_range *const runs = cpb_plan_runs(plan, 0);
    int32_t *const rank_of = cpb_arena_take(arena, n, sizeof *rank_of);
    cpb_item *const items = cpb_arena_take(arena, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(arena, n, sizeof *spare);
    owners->runs = cpb_arena_take(arena, n, sizeof *owners->runs);
    owners->rank = cpb_arena_take(arena, n, sizeof *owners->rank);
    if (!rank_of || !items || !spare || !owners->runs || !owners->rank)
        return CPB_NO_MEMORY;

    size_t i = 0, kept = 0;
    for (int32_t r = 0; r < ranks; r++) {
        for (const size_t end = i + cpb_plan_n_runs(plan, r); i < end; i++) {
            rank_of[i] = r;
            if (runs[i].begin < tokens)
                items[kept++] = (cpb_item){(uint64_t)runs[i].begin, (int64_t)i};
        }
    }
    cpb_sort(items, spare, kept);
    owners->n = kept;
    owners->ranks = ranks;
    owners->stride = 0;
    owners->held = NULL;
    for (i = 0; i < kept; i++) {
        const cpb_range run = runs[items[i].value];
        owners->runs[i] = (cpb_range){run.begin, cpb_min(run.end, tokens)};
        owners->rank[i] = rank_of[items[i].value];
    }
    return CPB_OK;
}

size_t cpb_owners_find(const cpb_owners *owners, int64_t p)
{
    size_t low = 0, high = owners->n; /* runs[low].begin <= p < runs[high].begin */
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (owners->runs[middle].begin <= p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

cpb_status cpb_owners_tally(cpb_owners *owners, cpb_arena *arena)
{
    enum { RUNS_PER_RANK = 4 };
    const size_t ranks = (size_t)owners->ranks, stride = RUNS_PER_RANK * ranks;
    int32_t *row =
        cpb_arena_zeros(arena, (owners->n / stride + 2) * ranks, sizeof *row);
    if (!row)
        return CPB_NO_MEMORY;
    owners->held = row;
    owners->stride = stride;
    for (size_t i = 0; i < owners->n; i++) {
        if (i % stride == 0) {
            memcpy(row + ranks, row, ranks * sizeof *row);
            row += ranks;
        }
        row[owners->rank[i]] += (int32_t)cpb_range_length(owners->runs[i]);
    }
    return CPB_OK;
}

/* Count runs from .. to - 1, cut to the keys. */
static void count_runs(const cpb_owners *owners, size_t from, size_t to, cpb_range keys,
                       int64_t *keys_from)
{
    for (size_t o = from; o < to && owners->runs[o].begin < keys.end; o++)
        keys_from[owners->rank[o]] +=
            cpb_range_length(cpb_range_intersect(owners->runs[o], keys));
}

/* Short ranges are the hot loop of a score: runs that others own are met once for each
 * rank that needs them. */
void cpb_owners_count(const cpb_owners *owners, cpb_range keys, int64_t *keys_from)
{
    const size_t first = cpb_owners_find(owners, keys.begin);
    const size_t far = first + 2 * owners->stride;
    if (!owners->held || far >= owners->n || owners->runs[far].begin >= keys.end) {
        count_runs(owners, first, owners->n, keys, keys_from);
        return;
    }
    const size_t last = cpb_owners_find(owners, keys.end - 1);
    const size_t ranks = (size_t)owners->ranks;
    const size_t begin = first / owners->stride + 1, end = last / owners->stride;
    const int32_t *const before = owners->held + begin * ranks;
    const int32_t *const until = owners->held + end * ranks;
    count_runs(owners, first, begin * owners->stride, keys, keys_from);
    for (size_t r = 0; r < ranks; r++)
        keys_from[r] += until[r] - before[r];
    count_runs(owners, end * owners->stride, last + 1, keys, keys_from);
}
