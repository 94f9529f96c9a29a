// SPDX-License-Identifier: Apache-2.0
/* From a query to the slices that hold it, and to its keys. */
#include "sight.h"

#include "../base/error.h"
#include "../base/range.h"

cpb_range cpb_sight_keys(const cpb_slice *slice, int64_t q)
{
    const bool high_moves = slice->kind == CPB_CAUSAL || slice->kind == CPB_BI_CAUSAL;
    const bool low_moves =
        slice->kind == CPB_INVERSE_CAUSAL || slice->kind == CPB_BI_CAUSAL;
    cpb_range keys = slice->keys;
    if (high_moves)
        keys.end -= slice->queries.end - 1 - q;
    if (low_moves)
        keys.begin += q - slice->queries.begin;
    return keys;
}

cpb_status cpb_sight_create(cpb_sight *sight, const cpb_mask *mask, cpb_arena *arena,
                            cpb_error *error)
{
    const size_t n = cpb_mask_n_slices(mask);
    size_t leaves = 1;
    while (leaves < n)
        leaves *= 2;

    *sight = (cpb_sight){.n = n, .slices = cpb_mask_slices(mask), .leaves = leaves};
    sight->latest = cpb_arena_zeros(arena, 2 * leaves, sizeof *sight->latest);
    sight->found = cpb_arena_take(arena, n, sizeof *sight->found);
    sight->scratch = cpb_arena_take(arena, n, sizeof *sight->scratch);
    sight->row = cpb_arena_take(arena, n, sizeof *sight->row);
    if (!sight->latest || !sight->found || !sight->scratch || !sight->row)
        return cpb_fail_memory(error);

    for (size_t i = 0; i < n; i++)
        sight->latest[leaves + i] = sight->slices[i].queries.end;
    for (size_t node = leaves - 1; node > 0; node--)
        sight->latest[node] =
            cpb_max(sight->latest[2 * node], sight->latest[2 * node + 1]);
    return CPB_OK;
}

/* Number of slices whose queries begin before q. */
static size_t begun_before(const cpb_sight *sight, int64_t q)
{
    size_t low = 0, high = sight->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sight->slices[middle].queries.begin < q)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* First slice from number `from` on whose queries end after q; sight->leaves if none.
 * Climbs while the subtree to the right holds none, then goes down to the leftmost. */
static size_t next_after(const cpb_sight *sight, size_t from, int64_t q)
{
    if (from >= sight->leaves)
        return sight->leaves;
    size_t node = sight->leaves + from;
    while (sight->latest[node] <= q) {
        while (node & 1)
            node /= 2;
        if (node == 0)
            return sight->leaves;
        node++;
    }
    while (node < sight->leaves)
        node = 2 * node + (sight->latest[2 * node] <= q);
    return node - sight->leaves;
}

void cpb_sight_find(cpb_sight *sight, cpb_range queries)
{
    const size_t begun = begun_before(sight, queries.end);
    sight->n_found = 0;
    for (size_t i = next_after(sight, 0, queries.begin); i < begun;
         i = next_after(sight, i + 1, queries.begin))
        sight->found[sight->n_found++].value = (int64_t)i;
}

/* Slices of one mask share no pair and both ends of a query's keys move by at most one
 * from query to query, so two of them never change places: the order of the first query
 * holds for the whole stretch. */
int64_t cpb_sight_stretch(cpb_sight *sight, int64_t q, int64_t end)
{
    cpb_sight_find(sight, (cpb_range){q, q + 1});
    for (size_t i = 0; i < sight->n_found; i++) {
        const cpb_slice *const slice = &sight->slices[sight->found[i].value];
        sight->found[i].key = (uint64_t)cpb_sight_keys(slice, q).begin;
        end = cpb_min(end, slice->queries.end);
    }
    cpb_sort(sight->found, sight->scratch, sight->n_found);

    const size_t next = begun_before(sight, q + 1);
    return next < sight->n ? cpb_min(end, sight->slices[next].queries.begin) : end;
}

void cpb_sight_row(cpb_sight *sight, int64_t q)
{
    size_t n = 0;
    for (size_t i = 0; i < sight->n_found; i++) {
        const cpb_range keys = cpb_sight_keys(&sight->slices[sight->found[i].value], q);
        if (n && keys.begin <= sight->row[n - 1].end)
            sight->row[n - 1].end = cpb_max(sight->row[n - 1].end, keys.end);
        else
            sight->row[n++] = keys;
    }
    sight->n_row = n;
}
