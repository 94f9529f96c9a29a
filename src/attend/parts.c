// SPDX-License-Identifier: Apache-2.0
/* The rank's slices as bands of own and received keys, listed by tile of queries. */
#include "attend.h"
#include "base/error.h"

#include <stdlib.h>

/* Far outside every slice, so that a bound is never met. */
static const int64_t never = CPB_MAX_TOKENS * 4;

static cpb_slot_band band_of(const cpb_slice *slice)
{
    const int64_t queries = cpb_range_length(slice->queries);
    const int64_t keys = cpb_range_length(slice->keys);
    const bool from_left = slice->kind == CPB_INVERSE_CAUSAL;
    const bool to_right = slice->kind == CPB_CAUSAL;
    const bool both = slice->kind == CPB_BI_CAUSAL;
    return (cpb_slot_band){.q_begin = slice->queries.begin,
                           .q_end = slice->queries.end,
                           .k_begin = slice->keys.begin,
                           .k_end = slice->keys.end,
                           .low = from_left || both ? 0 : -never,
                           .high = to_right || both ? keys - queries + 1 : never};
}

/* Cut one slice at the end of the shard. */
static void cut_slice(const cpb_slice *slice, int64_t shard,
                      cpb_slot_band bands[CPB_N_WHERE])
{
    const cpb_slot_band band = band_of(slice);
    const int64_t cut = cpb_max(band.k_begin, cpb_min(band.k_end, shard));
    bands[CPB_OWN] = bands[CPB_RECEIVED] = band;
    bands[CPB_OWN].k_end = cut;
    bands[CPB_RECEIVED].k_begin = cut;
    bands[CPB_RECEIVED].low -= cut - band.k_begin;
    bands[CPB_RECEIVED].high -= cut - band.k_begin;
}

static bool is_whole(const cpb_slot_band *band)
{
    return cpb_band_first(band, band->q_end - 1) <= band->k_begin &&
           cpb_band_end(band, band->q_begin) >= band->k_end;
}

static int order_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_keys(const void *left, const void *right)
{
    const cpb_slot_band *const a = left, *const b = right;
    int order = order_of(a->k_begin, b->k_begin);
    order = order ? order : order_of(a->k_end, b->k_end);
    return order ? order : order_of(a->q_begin, b->q_begin);
}

static int by_queries(const void *left, const void *right)
{
    const cpb_slot_band *const a = left, *const b = right;
    int order = order_of(a->q_begin, b->q_begin);
    order = order ? order : order_of(a->q_end, b->q_end);
    return order ? order : order_of(a->k_begin, b->k_begin);
}

/* Same keys, one after the other in queries. */
static bool continues_below(const cpb_slot_band *a, const cpb_slot_band *b)
{
    return a->k_begin == b->k_begin && a->k_end == b->k_end && a->q_end == b->q_begin;
}

/* Same queries, one after the other in keys. */
static bool continues_beside(const cpb_slot_band *a, const cpb_slot_band *b)
{
    return a->q_begin == b->q_begin && a->q_end == b->q_end && a->k_end == b->k_begin;
}

/* Sort, and join neighbours that are whole; returns how many bands are left. */
static size_t join(cpb_slot_band *bands, size_t n,
                   int (*order)(const void *, const void *),
                   bool (*continues)(const cpb_slot_band *, const cpb_slot_band *))
{
    size_t left = 0;
    if (n)
        qsort(bands, n, sizeof *bands, order);
    for (size_t i = 0; i < n; i++) {
        cpb_slot_band *const last = left ? &bands[left - 1] : NULL;
        if (last && continues(last, &bands[i]) && is_whole(last) && is_whole(&bands[i]))
            *last = (cpb_slot_band){.q_begin = last->q_begin,
                                    .q_end = bands[i].q_end,
                                    .k_begin = last->k_begin,
                                    .k_end = bands[i].k_end,
                                    .low = -never,
                                    .high = never};
        else
            bands[left++] = bands[i];
    }
    return left;
}

/* A plan of many short runs cuts what lies side by side in the shard into many slices;
 * products of few rows or keys are slow. */
static void join_bands(cpb_bands *part)
{
    part->n_bands = join(part->bands, part->n_bands, by_keys, continues_below);
    part->n_bands = join(part->bands, part->n_bands, by_queries, continues_beside);
}

static cpb_status read_slices(cpb_attend *attend, cpb_arena *arena, cpb_slice **slices,
                              size_t *n, cpb_error *error)
{
    cpb_keys *keys = NULL;
    cpb_status status = CPB_OK;
    CPB_TRY(cpb_keys_create(attend->plan, attend->exchange, attend->rank,
                            CPB_AS_ARRIVED, &arena->allocator, &keys, error));
    const cpb_shard shard = {attend->plan, attend->mask, keys, attend->rank};
    CPB_TRY(cpb_shard_slices(&shard, 0, NULL, n, error));
    *slices = cpb_arena_take(arena, *n, sizeof **slices);
    CPB_TRY(*slices ? CPB_OK : cpb_fail_memory(error));
    CPB_TRY(cpb_shard_slices(&shard, *n, *slices, n, error));
done:
    cpb_keys_free(keys);
    return status;
}

/* Scores that a tile computes for one band. */
static int64_t work_of(const cpb_slot_band *band, int64_t tile, int64_t tile_size)
{
    const int64_t begin = cpb_max(band->q_begin, tile * tile_size);
    const int64_t end = cpb_min(band->q_end, (tile + 1) * tile_size);
    const int64_t keys = cpb_band_end(band, end - 1) - cpb_band_first(band, begin);
    return (end - begin) * cpb_max(keys, 0);
}

/* Count, then place: tile by tile, bands in their order. */
static cpb_status list_by_tile(cpb_attend *attend, cpb_bands *part, cpb_error *error)
{
    const size_t tiles = (size_t)attend->n_tiles;
    size_t *const first = cpb_arena_zeros(&attend->arena, tiles + 2, sizeof *first);
    if (!first)
        return cpb_fail_memory(error);
    for (size_t b = 0; b < part->n_bands; b++)
        for (int64_t t = part->bands[b].q_begin / attend->tile;
             t * attend->tile < part->bands[b].q_end; t++) {
            first[t + 2]++;
            part->work += work_of(&part->bands[b], t, attend->tile);
        }
    for (size_t t = 2; t <= tiles + 1; t++)
        first[t] += first[t - 1];
    part->of_tile =
        cpb_arena_take(&attend->arena, first[tiles + 1], sizeof *part->of_tile);
    if (!part->of_tile)
        return cpb_fail_memory(error);
    for (size_t b = 0; b < part->n_bands; b++)
        for (int64_t t = part->bands[b].q_begin / attend->tile;
             t * attend->tile < part->bands[b].q_end; t++)
            part->of_tile[first[t + 1]++] = b;
    part->first = first;
    return CPB_OK;
}

cpb_status cpb_parts_create(cpb_attend *attend, cpb_error *error)
{
    cpb_arena arena = {.allocator = attend->arena.allocator};
    cpb_slice *slices = NULL;
    cpb_slot_band bands[CPB_N_WHERE];
    size_t n = 0;
    cpb_status status = CPB_OK;
    CPB_TRY(read_slices(attend, &arena, &slices, &n, error));
    for (int w = 0; w < CPB_N_WHERE; w++) {
        cpb_bands *const part = &attend->part[w];
        part->bands = cpb_arena_take(&attend->arena, n, sizeof *part->bands);
        CPB_TRY(part->bands ? CPB_OK : cpb_fail_memory(error));
        for (size_t i = 0; i < n; i++) {
            cut_slice(&slices[i], attend->queries, bands);
            if (bands[w].k_begin < bands[w].k_end)
                part->bands[part->n_bands++] = bands[w];
        }
        join_bands(part);
        CPB_TRY(list_by_tile(attend, part, error));
    }
done:
    cpb_arena_free(&arena);
    return status;
}
