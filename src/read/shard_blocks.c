// SPDX-License-Identifier: Apache-2.0
/* The shard block mask: rows of tiles, and tables written from them. */
#include "shard_rows.h"

#include "../base/error.h"

#include <assert.h>
#include <string.h>

enum { TABLES = CPB_FULL_Q + 1 };

/* Rows of stretches of tiles. The q tables are the kv tables read by columns. */
struct cpb_shard_blocks {
    cpb_arena memory; /* owns everything below, and the blocks themselves */
    cpb_tile_rows lists[CPB_TILE_KINDS];
    cpb_table_shape shape[TABLES];
    int64_t longest_row[TABLES]; /* a row of as many entries as `longest` */
};

static int kind_of(cpb_table table)
{
    return table & 1; /* the full tables are the odd ones */
}

static bool by_columns(cpb_table table)
{
    return table >= CPB_Q;
}

/* --- Making ----------------------------------------------------------------------- */

static cpb_status length_check(const char *side, int64_t *length, int64_t least,
                               cpb_error *error)
{
    if (*length == -1)
        *length = least;
    if (*length >= least && *length <= CPB_MAX_TOKENS)
        return CPB_OK;
    return cpb_fail(error, CPB_INVALID, -1,
                    "a %s length of %lld is out of range; accepted is %lld to %lld, or "
                    "-1 for the least",
                    side, (long long)*length, (long long)least,
                    (long long)CPB_MAX_TOKENS);
}

static cpb_status block_check(const char *side, int64_t block, cpb_error *error)
{
    if (block >= 1 && block <= CPB_MAX_TOKENS)
        return CPB_OK;
    return cpb_fail(error, CPB_INVALID, -1,
                    "blocks of %lld %s are out of range; accepted is 1 to %lld",
                    (long long)block, side, (long long)CPB_MAX_TOKENS);
}

/* Fill in lengths that are -1. */
static cpb_status blocking_check(const cpb_shard *shard, cpb_blocking *blocking,
                                 cpb_error *error)
{
    cpb_status status;
    CPB_TRY(cpb_shard_check(shard, error));
    CPB_TRY(block_check("queries", blocking->block_q, error));
    CPB_TRY(block_check("keys", blocking->block_k, error));
    CPB_TRY(length_check("query", &blocking->q_length,
                         cpb_plan_size(shard->plan, shard->rank), error));
    CPB_TRY(length_check("key", &blocking->k_length, shard->keys->slots, error));
done:
    return status;
}

/* Move the rows out of the scratch memory in which they grew. */
static cpb_status keep(const cpb_tile_rows *grown, cpb_arena *memory,
                       cpb_tile_rows *kept)
{
    const size_t n_rows = (size_t)grown->n_rows;
    *kept = *grown;
    kept->arena = NULL;
    kept->room = grown->n;
    kept->first = cpb_arena_take(memory, n_rows + 1, sizeof *kept->first);
    kept->runs = cpb_arena_take(memory, grown->n, sizeof *kept->runs);
    if (!kept->first || !kept->runs)
        return CPB_NO_MEMORY;
    memcpy(kept->first, grown->first, (n_rows + 1) * sizeof *kept->first);
    if (grown->n)
        memcpy(kept->runs, grown->runs, grown->n * sizeof *kept->runs);
    return CPB_OK;
}

/* The longest row of a table so far. */
static void raise(cpb_shard_blocks *blocks, cpb_table table, int64_t row, int64_t n)
{
    if (n <= blocks->shape[table].longest)
        return;
    blocks->shape[table].longest = n;
    blocks->longest_row[table] = row;
}

static void measure_rows(cpb_shard_blocks *blocks, cpb_table table)
{
    const cpb_tile_rows *const list = &blocks->lists[kind_of(table)];
    int64_t entries = 0;
    for (int64_t row = 0; row < list->n_rows; row++) {
        int64_t n = 0;
        for (size_t i = list->first[row]; i < list->first[row + 1]; i++)
            n += list->runs[i].end - list->runs[i].begin;
        raise(blocks, table, row, n);
        entries += n;
    }
    blocks->shape[table].entries = entries;
}

/* A run of tiles adds one to each of its columns: sums of differences. */
static void measure_columns(cpb_shard_blocks *blocks, cpb_table table,
                            int32_t *difference)
{
    const cpb_tile_rows *const list = &blocks->lists[kind_of(table)];
    const int64_t columns = blocks->shape[table].rows;
    memset(difference, 0, ((size_t)columns + 1) * sizeof *difference);
    for (size_t i = 0; i < list->n; i++) {
        difference[list->runs[i].begin]++;
        difference[list->runs[i].end]--;
    }
    int32_t n = 0, longest = 0;
    int64_t longest_column = 0;
    for (int64_t column = 0; column < columns; column++) {
        n += difference[column];
        if (n > longest) {
            longest = n;
            longest_column = column;
        }
    }
    raise(blocks, table, longest_column, longest);
    blocks->shape[table].entries = blocks->shape[table - CPB_Q].entries;
}

static cpb_status measure(cpb_shard_blocks *blocks, int64_t rows, int64_t columns,
                          cpb_arena *scratch)
{
    int32_t *const difference =
        cpb_arena_take(scratch, (size_t)columns + 1, sizeof *difference);
    if (!difference)
        return CPB_NO_MEMORY;
    for (cpb_table table = CPB_KV; table <= CPB_FULL_Q; table++) {
        const bool turned = by_columns(table);
        blocks->shape[table].rows = turned ? columns : rows;
        blocks->shape[table].columns = turned ? rows : columns;
        if (turned)
            measure_columns(blocks, table, difference);
        else
            measure_rows(blocks, table);
    }
    return CPB_OK;
}

cpb_status cpb_shard_blocks_create(const cpb_shard *shard, const cpb_blocking *given,
                                   const cpb_allocator *allocator,
                                   cpb_shard_blocks **out, cpb_error *error)
{
    cpb_arena memory = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_arena scratch = {.allocator = memory.allocator};
    cpb_tile_rows grown[CPB_TILE_KINDS];
    cpb_blocking blocking = *given;
    cpb_status status;

    *out = NULL;
    CPB_TRY(blocking_check(shard, &blocking, error));
    const int64_t rows = cpb_ceil_div(blocking.q_length, blocking.block_q);
    const int64_t columns = cpb_ceil_div(blocking.k_length, blocking.block_k);
    cpb_shard_blocks *const blocks = cpb_arena_zeros(&memory, 1, sizeof *blocks);
    CPB_TRY(blocks ? CPB_OK : CPB_NO_MEMORY);
    CPB_TRY(cpb_shard_rows(shard, blocking.block_q, blocking.block_k, rows, columns,
                           &scratch, grown, error));
    for (int kind = 0; kind < CPB_TILE_KINDS; kind++)
        CPB_TRY(keep(&grown[kind], &memory, &blocks->lists[kind]));
    CPB_TRY(measure(blocks, rows, columns, &scratch));
    blocks->memory = memory;
    *out = blocks;
done:
    cpb_arena_free(&scratch);
    if (status != CPB_OK)
        cpb_arena_free(&memory);
    return status == CPB_NO_MEMORY ? cpb_fail_memory(error) : status;
}

void cpb_shard_blocks_free(cpb_shard_blocks *blocks)
{
    if (!blocks)
        return;
    cpb_arena memory = blocks->memory; /* it owns the blocks too */
    cpb_arena_free(&memory);
}

cpb_table_shape cpb_shard_blocks_shape(const cpb_shard_blocks *blocks, cpb_table table)
{
    assert(table <= CPB_FULL_Q);
    return blocks->shape[table];
}

/* --- Writing ---------------------------------------------------------------------- */

static int32_t *write_run(int32_t *out, cpb_tile_run run)
{
    const int32_t n = run.end - run.begin;
    for (int32_t i = 0; i < n; i++)
        out[i] = run.begin + i;
    return out + n;
}

static void write_rows(const cpb_tile_rows *list, int32_t *first, int32_t *indices)
{
    int32_t *out = indices;
    for (int64_t row = 0; row < list->n_rows; row++) {
        first[row] = (int32_t)(out - indices);
        for (size_t i = list->first[row]; i < list->first[row + 1]; i++)
            out = write_run(out, list->runs[i]);
    }
    first[list->n_rows] = (int32_t)(out - indices);
}

/* While columns fill, `first` counts up to where the next column starts. */
static void write_columns(const cpb_tile_rows *list, int64_t columns, int32_t *first,
                          int32_t *indices)
{
    memset(first, 0, ((size_t)columns + 1) * sizeof *first);
    for (size_t i = 0; i < list->n; i++) {
        first[list->runs[i].begin]++;
        first[list->runs[i].end]--;
    }
    int32_t before = 0, count = 0;
    for (int64_t column = 0; column < columns; column++) {
        count += first[column];
        first[column] = before;
        before += count;
    }
    for (int64_t row = 0; row < list->n_rows; row++)
        for (size_t i = list->first[row]; i < list->first[row + 1]; i++)
            for (int32_t t = list->runs[i].begin; t < list->runs[i].end; t++)
                indices[first[t]++] = (int32_t)row;
    memmove(first + 1, first, (size_t)columns * sizeof *first);
    first[0] = 0;
}

cpb_status cpb_shard_blocks_write_rows(const cpb_shard_blocks *blocks, cpb_table table,
                                       int32_t *first, int32_t *indices,
                                       cpb_error *error)
{
    const cpb_table_shape shape = cpb_shard_blocks_shape(blocks, table);
    const cpb_tile_rows *const list = &blocks->lists[kind_of(table)];
    if (shape.entries > INT32_MAX)
        return cpb_fail(error, CPB_TOO_LARGE, -1,
                        "the block mask lists %lld tiles, more than 32 bits number; "
                        "take larger blocks",
                        (long long)shape.entries);
    if (by_columns(table))
        write_columns(list, shape.rows, first, indices);
    else
        write_rows(list, first, indices);
    return CPB_OK;
}

/* A table of constant shape in the caller's memory. */
typedef struct padded {
    int64_t rows;
    int64_t stride;
    int32_t sentinel;
    int32_t *counts;
    int32_t *indices;
} padded;

static void pad_rows(const cpb_tile_rows *list, const padded *to)
{
    for (int64_t row = 0; row < list->n_rows; row++) {
        int32_t *const begin = to->indices + row * to->stride;
        int32_t *out = begin;
        for (size_t i = list->first[row]; i < list->first[row + 1]; i++)
            out = write_run(out, list->runs[i]);
        to->counts[row] = (int32_t)(out - begin);
    }
}

static void pad_columns(const cpb_tile_rows *list, const padded *to)
{
    for (int64_t row = 0; row < list->n_rows; row++)
        for (size_t i = list->first[row]; i < list->first[row + 1]; i++)
            for (int32_t t = list->runs[i].begin; t < list->runs[i].end; t++)
                to->indices[t * to->stride + to->counts[t]++] = (int32_t)row;
}

static void fill_behind(const padded *to)
{
    for (int64_t row = 0; row < to->rows; row++)
        for (int64_t i = to->counts[row]; i < to->stride; i++)
            to->indices[row * to->stride + i] = to->sentinel;
}

cpb_status cpb_shard_blocks_write(const cpb_shard_blocks *blocks, cpb_table table,
                                  int64_t rows, int64_t stride, int32_t sentinel,
                                  int32_t *counts, int32_t *indices, cpb_error *error)
{
    static const char *const names[TABLES] = {"kv", "full_kv", "q", "full_q"};
    const cpb_table_shape shape = cpb_shard_blocks_shape(blocks, table);
    const cpb_tile_rows *const list = &blocks->lists[kind_of(table)];
    const padded to = {rows, stride, sentinel, counts, indices};

    assert(rows >= shape.rows && stride >= 0);
    if (shape.longest > stride)
        return cpb_fail(
            error, CPB_UNSUPPORTED, blocks->longest_row[table],
            "row %lld of %s_indices lists %lld tiles, above the capacity of "
            "%lld; raise the capacity",
            (long long)blocks->longest_row[table], names[table],
            (long long)shape.longest, (long long)stride);
    memset(counts, 0, (size_t)rows * sizeof *counts);
    if (by_columns(table))
        pad_columns(list, &to);
    else
        pad_rows(list, &to);
    fill_behind(&to);
    return CPB_OK;
}
