// SPDX-License-Identifier: Apache-2.0
/* Which tiles a block of queries needs. What its rows see in one slice has no gaps, so
 * it is an interval of keys, and an interval of slots in each holding that it meets. In
 * one holding tiles are intervals in closed form. Elsewhere pairs are counted per tile,
 * since full is a matter of all slices and holdings together. */
#include "shard_rows.h"

#include "../work/parts.h"

#include <string.h>

enum { BITS = 64 };

typedef struct builder {
    const cpb_keys *keys;
    cpb_tiling tiling;
    int64_t whole; /* pairs of a full tile */
    size_t hint;   /* the holding that was met last */
    cpb_tile_rows *lists;
    /* Of the row at hand, else 0. */
    int64_t *pairs;    /* [columns] of tiles that no part covers alone */
    uint64_t *touched; /* a bit per column with pairs */
    uint64_t *covered; /* a bit per column that a part covers alone */
    uint64_t *words;   /* a bit per word of `touched` that is not 0 */
    int64_t last_word; /* the last such word */
    cpb_status status; /* of everything so far */
    int64_t lacks;     /* a key, if that is CPB_INVALID */
} builder;

/* --- Lists of runs ---------------------------------------------------------------- */

static bool grow(cpb_tile_rows *list)
{
    const size_t room = list->room ? 2 * list->room : 256;
    cpb_tile_run *const runs = cpb_arena_take(list->arena, room, sizeof *runs);
    if (!runs)
        return false;
    if (list->n)
        memcpy(runs, list->runs, list->n * sizeof *runs);
    list->runs = runs;
    list->room = room;
    return true;
}

/* Append tiles to the row at hand; they lie behind those before. */
static void put(builder *b, int kind, int64_t begin, int64_t end)
{
    cpb_tile_rows *const list = &b->lists[kind];
    if (begin >= end)
        return;
    if (list->n > list->first[list->n_rows] && list->runs[list->n - 1].end == begin) {
        list->runs[list->n - 1].end = (int32_t)end;
        return;
    }
    if (list->n == list->room && !grow(list)) {
        b->status = CPB_NO_MEMORY;
        return;
    }
    list->runs[list->n++] = (cpb_tile_run){(int32_t)begin, (int32_t)end};
}

static void end_row(builder *b)
{
    for (int kind = 0; kind < CPB_TILE_KINDS; kind++) {
        cpb_tile_rows *const list = &b->lists[kind];
        list->first[++list->n_rows] = list->n;
    }
}

/* --- One slice and one holding ---------------------------------------------------- */

/* Keys that some of the rows see, and keys that all see (may be inside out). */
typedef struct sight {
    cpb_range some;
    cpb_range all;
} sight;

/* The row in closed form; false where its keys lie in more than one holding. */
static bool row_alone(builder *b, const sight *see, bool whole_rows)
{
    const cpb_keys *const keys = b->keys;
    const cpb_tiling *const tiling = &b->tiling;
    const size_t i = cpb_keys_find(keys, b->hint, see->some.begin);
    b->hint = i;
    if (i == keys->n || keys->at[i].keys.begin > see->some.begin ||
        keys->at[i].keys.end < see->some.end)
        return false;

    const int64_t shift = keys->at[i].slot - keys->at[i].keys.begin;
    const int64_t begin = cpb_tile_below(tiling, see->some.begin + shift);
    const int64_t end = cpb_tile_above(tiling, see->some.end + shift);
    int64_t full = end, full_end = end;
    if (whole_rows && see->all.begin < see->all.end) {
        full = cpb_tile_above(tiling, see->all.begin + shift);
        full_end = cpb_max(full, cpb_tile_below(tiling, see->all.end + shift));
    }
    put(b, CPB_PARTIAL, begin, full);
    put(b, CPB_WHOLE, full, full_end);
    put(b, CPB_PARTIAL, full_end, end);
    return true;
}

/* --- Several slices or holdings --------------------------------------------------- */

/* Set the bits of [begin, end) that lie in `word`. */
static uint64_t ones_of(int64_t word, int64_t begin, int64_t end)
{
    const int64_t first = cpb_max(begin - word * BITS, 0);
    const int64_t n = cpb_min(end - word * BITS, BITS) - first;
    return (n == BITS ? UINT64_MAX : (UINT64_C(1) << n) - 1) << first;
}

/* Note tiles that hold pairs of the row at hand. */
static void touch(builder *b, int64_t begin, int64_t end)
{
    for (int64_t word = begin / BITS; word * BITS < end; word++) {
        b->touched[word] |= ones_of(word, begin, end);
        b->words[word / BITS] |= UINT64_C(1) << word % BITS;
        b->last_word = cpb_max(b->last_word, word);
    }
}

/* Note that one part alone covers tiles. */
static void cover(builder *b, int64_t begin, int64_t end)
{
    for (int64_t word = begin / BITS; word * BITS < end; word++)
        b->covered[word] |= ones_of(word, begin, end);
}

/* Count pairs of tiles that the part may cover only in places. */
static void count_edge(builder *b, const cpb_part *part, cpb_range tiles,
                       const cpb_holding *held)
{
    const int64_t k = b->tiling.tile_k, shift = held->slot - held->keys.begin;
    for (int64_t t = tiles.begin; t < tiles.end; t++) {
        const cpb_range tile = {t * k - shift, (t + 1) * k - shift};
        b->pairs[t] += cpb_part_pairs(part, cpb_range_intersect(tile, held->keys));
    }
}

/* The common case among many holdings, kept short: all rows of the block see all keys of
 * the holding, which fills whole tiles. False where that is not so. */
static bool cover_held(builder *b, cpb_range core, const cpb_holding *held)
{
    const int64_t end = held->slot + cpb_range_length(held->keys);
    const int64_t first = cpb_tile_below(&b->tiling, held->slot);
    const int64_t last = cpb_tile_below(&b->tiling, end);
    if (held->keys.begin < core.begin || held->keys.end > core.end ||
        first * b->tiling.tile_k != held->slot || last * b->tiling.tile_k != end)
        return false;
    touch(b, first, last);
    cover(b, first, last);
    return true;
}

/* Add the pairs of a part whose keys lie in one holding to the tiles there. */
static void count_held(builder *b, const cpb_part *part, cpb_range hull, cpb_range core,
                       const cpb_holding *held)
{
    const cpb_tiling *const tiling = &b->tiling;
    const int64_t shift = held->slot - held->keys.begin;
    const cpb_range some = cpb_range_intersect(hull, held->keys);
    const cpb_range all = cpb_range_intersect(core, held->keys);
    const int64_t begin = cpb_tile_below(tiling, some.begin + shift);
    const int64_t end = cpb_tile_above(tiling, some.end + shift);
    int64_t full = end, full_end = end;
    if (all.begin < all.end) {
        full = cpb_tile_above(tiling, all.begin + shift);
        full_end = cpb_max(full, cpb_tile_below(tiling, all.end + shift));
    }
    touch(b, begin, end);
    count_edge(b, part, (cpb_range){begin, full}, held);
    const int64_t every = cpb_range_length(part->rows) * tiling->tile_k;
    if (every == b->whole)
        cover(b, full, full_end);
    else
        for (int64_t t = full; t < full_end; t++)
            b->pairs[t] += every;
    count_edge(b, part, (cpb_range){full_end, end}, held);
}

static void count_part(builder *b, const cpb_part *part)
{
    const cpb_keys *const keys = b->keys;
    const cpb_range hull = cpb_slice_hull(part->slice, part->rows);
    const cpb_range core = cpb_part_core(part);
    const bool all_rows = cpb_range_length(part->rows) == b->tiling.tile_q;
    size_t i = cpb_keys_find(keys, b->hint, hull.begin);

    b->hint = i;
    for (int64_t reached = hull.begin; reached < hull.end; i++) {
        if (i == keys->n || keys->at[i].keys.begin > reached) {
            b->status = CPB_INVALID;
            b->lacks = reached;
            return;
        }
        if (!all_rows || !cover_held(b, core, &keys->at[i]))
            count_held(b, part, hull, core, &keys->at[i]);
        reached = keys->at[i].keys.end;
    }
}

/* Which of some tiles of a word the parts cover together; their pairs are forgotten. */
static uint64_t covered_together(builder *b, int64_t word, uint64_t tiles)
{
    uint64_t covered = 0;
    for (; tiles; tiles &= tiles - 1) {
        const int64_t t = word * BITS + __builtin_ctzll(tiles);
        if (b->pairs[t] == b->whole)
            covered |= tiles & -tiles;
        b->pairs[t] = 0;
    }
    return covered;
}

/* List the touched tiles of a word, stretch by stretch. */
static void list_word(builder *b, int64_t word)
{
    uint64_t left = b->touched[word], full = b->covered[word];
    full |= covered_together(b, word, left & ~full);
    while (left) {
        const int first = __builtin_ctzll(left);
        const bool whole = full >> first & 1;
        const uint64_t others = ~((whole ? full : left & ~full) >> first);
        const int n = others ? __builtin_ctzll(others) : BITS;
        const int64_t t = word * BITS + first;
        put(b, whole ? CPB_WHOLE : CPB_PARTIAL, t, t + n);
        left &= ~ones_of(0, first, first + n);
    }
    b->touched[word] = 0;
    b->covered[word] = 0;
}

static void list_touched(builder *b)
{
    for (int64_t i = 0; i <= b->last_word / BITS; i++) {
        for (uint64_t left = b->words[i]; left; left &= left - 1)
            list_word(b, i * BITS + __builtin_ctzll(left));
        b->words[i] = 0;
    }
    b->last_word = 0;
}

static void row_of_parts(builder *b, const cpb_part *parts, size_t n)
{
    for (size_t i = 0; i < n && b->status == CPB_OK; i++)
        count_part(b, &parts[i]);
    if (b->status == CPB_OK)
        list_touched(b);
}

/* --- All rows --------------------------------------------------------------------- */

static void rows_alone(builder *b, const cpb_stretch *s)
{
    for (int64_t i = 0; i < s->n && b->status == CPB_OK; i++) {
        const int64_t low = i * s->low_step, high = i * s->high_step;
        const sight see = {{s->low + low, s->high + high},
                           {s->low_all + low, s->high_all + high}};
        if (!row_alone(b, &see, s->rows == b->tiling.tile_q)) {
            const int64_t at = s->at + i * s->rows;
            const cpb_part part = {s->slice, {at, at + s->rows}};
            row_of_parts(b, &part, 1);
        }
        end_row(b);
    }
}

static void visit(void *context, const cpb_stretch *stretch)
{
    builder *const b = context;
    if (b->status != CPB_OK)
        return;
    if (stretch->slice) {
        rows_alone(b, stretch);
        return;
    }
    if (stretch->parts)
        row_of_parts(b, stretch->parts->parts, stretch->parts->n);
    for (int64_t i = 0; i < stretch->n; i++)
        end_row(b);
}

static cpb_status start_lists(cpb_tile_rows *lists, int64_t rows, cpb_arena *arena)
{
    for (int kind = 0; kind < CPB_TILE_KINDS; kind++) {
        lists[kind] = (cpb_tile_rows){.arena = arena};
        lists[kind].first =
            cpb_arena_take(arena, (size_t)rows + 1, sizeof *lists[kind].first);
        if (!lists[kind].first)
            return CPB_NO_MEMORY;
        lists[kind].first[0] = 0;
    }
    return CPB_OK;
}

static int bits_of(int64_t size)
{
    int bits = 0;
    while (((int64_t)1 << bits) < size)
        bits++;
    return ((int64_t)1 << bits) == size ? bits : 0;
}

/* All zero. */
static cpb_status start_row(builder *b, int64_t columns, cpb_arena *arena)
{
    const size_t n = (size_t)columns, words = n / BITS + 1;
    b->pairs = cpb_arena_zeros(arena, n, sizeof *b->pairs);
    b->touched = cpb_arena_zeros(arena, words, sizeof *b->touched);
    b->covered = cpb_arena_zeros(arena, words, sizeof *b->covered);
    b->words = cpb_arena_zeros(arena, words / BITS + 1, sizeof *b->words);
    return b->pairs && b->touched && b->covered && b->words ? CPB_OK : CPB_NO_MEMORY;
}

cpb_status cpb_shard_rows(const cpb_shard *shard, int64_t block_q, int64_t block_k,
                          int64_t rows, int64_t columns, cpb_arena *arena,
                          cpb_tile_rows lists[CPB_TILE_KINDS], cpb_error *error)
{
    builder b = {
        .keys = shard->keys,
        .tiling = {.tile_q = block_q, .tile_k = block_k, .k_bits = bits_of(block_k)},
        .whole = block_q * block_k,
        .lists = lists,
    };
    if (start_row(&b, columns, arena) != CPB_OK ||
        start_lists(lists, rows, arena) != CPB_OK ||
        cpb_tiles_visit(shard->mask, &b.tiling, cpb_plan_runs(shard->plan, shard->rank),
                        cpb_plan_n_runs(shard->plan, shard->rank), arena, visit,
                        &b) != CPB_OK)
        return CPB_NO_MEMORY;
    if (b.status == CPB_INVALID)
        return cpb_shard_fail_lack(shard->rank, b.lacks, error);
    while (b.status == CPB_OK && lists[0].n_rows < rows)
        end_row(&b);
    return b.status;
}
