// SPDX-License-Identifier: Apache-2.0
/* Tiles of a q-tile: touched ones from the union of its rows, full ones from what all
 * of its rows see completely. */
#include "tiling.h"

#include "../base/error.h"
#include "../base/range.h"

cpb_tile_counter cpb_tile_counter_start(int64_t tile_q, int64_t tile_k,
                                        const cpb_pass *price, cpb_exact *exact,
                                        cpb_arena *arena)
{
    return (cpb_tile_counter){
        .tile_q = tile_q,
        .tile_k = tile_k,
        .price = *price,
        .exact = exact,
        .touched = {.arena = arena},
    };
}

void cpb_tile_counter_clear(cpb_tile_counter *tiling)
{
    tiling->full = 0;
    tiling->partial = 0;
    tiling->q_tiles = 0;
    tiling->longest = 0;
    tiling->origin = 0;
    tiling->rows = 0;
    tiling->whole.n = 0;
    cpb_spans_clear(&tiling->touched);
}

/* Room for n ranges; what the list held is gone. */
static cpb_status reserve(cpb_tile_list *list, size_t n, cpb_arena *arena,
                          cpb_error *error)
{
    list->n = 0;
    if (n <= list->room)
        return CPB_OK;
    list->at = cpb_arena_take(arena, 2 * n, sizeof *list->at);
    list->room = list->at ? 2 * n : 0;
    return list->at ? CPB_OK : cpb_fail_memory(error);
}

/* Tiles that lie inside one of the ranges. */
static cpb_status list_whole_tiles(cpb_tile_counter *tiling, const cpb_range *keys,
                                   size_t n, cpb_error *error)
{
    cpb_tile_list *const row = &tiling->row;
    const cpb_status status = reserve(row, n, tiling->touched.arena, error);
    if (status != CPB_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        const int64_t from = keys[i].begin - tiling->origin;
        const int64_t to = keys[i].end - tiling->origin;
        const cpb_range tiles = {cpb_ceil_div(from, tiling->tile_k),
                                 to / tiling->tile_k};
        if (tiles.begin < tiles.end)
            row->at[row->n++] = tiles;
    }
    return CPB_OK;
}

static void swap(cpb_tile_list *a, cpb_tile_list *b)
{
    const cpb_tile_list c = *a;
    *a = *b;
    *b = c;
}

/* Keep of `whole` what is in `row` too. */
static cpb_status narrow_whole(cpb_tile_counter *tiling, cpb_error *error)
{
    const cpb_tile_list *const a = &tiling->whole, *const b = &tiling->row;
    cpb_tile_list *const both = &tiling->both;
    const cpb_status status = reserve(both, a->n + b->n, tiling->touched.arena, error);
    if (status != CPB_OK)
        return status;
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        const cpb_range common = cpb_range_intersect(a->at[i], b->at[j]);
        if (common.begin < common.end)
            both->at[both->n++] = common;
        if (a->at[i].end < b->at[j].end)
            i++;
        else
            j++;
    }
    swap(&tiling->whole, both);
    return CPB_OK;
}

static int64_t count_whole(const cpb_tile_list *list)
{
    int64_t tiles = 0;
    for (size_t i = 0; i < list->n; i++)
        tiles += list->at[i].end - list->at[i].begin;
    return tiles;
}

/* Two spans may touch the same tile, so each counts only from the tile after the last
 * one counted. */
static int64_t count_touched(cpb_tile_counter *tiling)
{
    int64_t tiles = 0, next = 0;
    cpb_spans_settle(&tiling->touched);
    for (size_t i = 0; i < tiling->touched.n; i++) {
        const int64_t from = (int64_t)tiling->touched.at[i].key - tiling->origin;
        const int64_t to = tiling->touched.at[i].value - tiling->origin;
        const int64_t begin = cpb_max(from / tiling->tile_k, next);
        next = cpb_max(cpb_ceil_div(to, tiling->tile_k), next);
        tiles += next > begin ? next - begin : 0;
    }
    return tiles;
}

static void close_q_tile(cpb_tile_counter *tiling)
{
    if (tiling->touched.n) {
        cpb_exact *const exact = tiling->exact;
        const int64_t full =
            tiling->rows == tiling->tile_q ? count_whole(&tiling->whole) : 0;
        const int64_t partial = count_touched(tiling) - full;
        const int64_t price = cpb_exact_plus(
            exact,
            cpb_exact_plus(exact, cpb_exact_times(exact, full, tiling->price.full_tile),
                           cpb_exact_times(exact, partial, tiling->price.partial_tile)),
            tiling->price.q_tile);

        tiling->full += full;
        tiling->partial += partial;
        tiling->q_tiles++;
        tiling->longest = cpb_max(tiling->longest, price);
    }
    tiling->rows = 0;
    tiling->whole.n = 0;
    cpb_spans_clear(&tiling->touched);
}

cpb_status cpb_tile_counter_add(cpb_tile_counter *tiling, const cpb_range *keys,
                                size_t n, cpb_error *error)
{
    cpb_status status;
    if (tiling->rows == 0 || tiling->whole.n) {
        CPB_TRY(list_whole_tiles(tiling, keys, n, error));
        if (tiling->rows == 0)
            swap(&tiling->whole, &tiling->row);
        else
            CPB_TRY(narrow_whole(tiling, error));
    }
    CPB_TRY(cpb_spans_add(&tiling->touched, keys, n, error));
    if (++tiling->rows == tiling->tile_q)
        close_q_tile(tiling);
done:
    return status;
}

void cpb_tile_counter_skip(cpb_tile_counter *tiling, int64_t slots)
{
    if (slots == 0)
        return;
    tiling->whole.n = 0;
    const int64_t rows = tiling->rows + slots;
    if (rows >= tiling->tile_q) {
        /* Not full whatever its rows: at least one of them sees nothing. */
        tiling->rows = tiling->tile_q;
        close_q_tile(tiling);
    }
    tiling->rows = rows % tiling->tile_q;
}

void cpb_tile_counter_restart(cpb_tile_counter *tiling, int64_t origin)
{
    close_q_tile(tiling);
    tiling->origin = origin;
}
