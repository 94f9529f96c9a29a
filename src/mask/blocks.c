// SPDX-License-Identifier: Apache-2.0
/* Masks from FlexAttention's block masks. */
#include "../base/error.h"
#include "../base/sort.h"
#include "build.h"

#include <assert.h>
#include <inttypes.h>

/* Work on one block mask: the key blocks of the row at hand, and where the slices of
 * the row before lie. */
typedef struct reader {
    const cpb_block_mask *blocks;
    int64_t key_blocks; /* ceil(k_length / block_k) */
    cpb_item *listed;   /* [2 * key_blocks] key = number of the key block */
    cpb_item *spare;
    size_t n_listed;
    cpb_slices *slices;
    size_t row_first; /* slices of the last row: row_first .. slices->n - 1 */
} reader;

static cpb_status one_check(const char *what, int64_t value, const char *instead,
                            cpb_error *error)
{
    if (value == 1)
        return CPB_OK;
    return cpb_fail(error, CPB_INVALID, -1,
                    "the block mask has %s %" PRId64 "; accepted is 1: %s", what, value,
                    instead);
}

static cpb_status block_size_check(const char *side, int64_t size, cpb_error *error)
{
    if (size >= 1 && size <= CPB_MAX_TOKENS)
        return CPB_OK;
    return cpb_fail(error, CPB_INVALID, -1,
                    "the block mask has blocks of %" PRId64
                    " %s; accepted is 1 to %" PRId64,
                    size, side, CPB_MAX_TOKENS);
}

static cpb_status shape_check(const cpb_block_mask *blocks, cpb_error *error)
{
    cpb_status status;
    CPB_TRY(one_check("batch", blocks->batch, "plan each row of the batch by itself",
                      error));
    CPB_TRY(
        one_check("heads", blocks->heads, "one permutation serves all heads", error));
    CPB_TRY(cpb_tokens_check(blocks->q_length, error));
    if (blocks->k_length != blocks->q_length)
        return cpb_fail(error, CPB_INVALID, -1,
                        "the block mask has %" PRId64 " queries and %" PRId64
                        " keys; accepted are equal numbers",
                        blocks->q_length, blocks->k_length);
    CPB_TRY(block_size_check("queries", blocks->block_q, error));
    CPB_TRY(block_size_check("keys", blocks->block_k, error));

    const int64_t key_blocks = cpb_ceil_div(blocks->k_length, blocks->block_k);
    if (blocks->row_stride < key_blocks)
        return cpb_fail(error, CPB_INVALID, -1,
                        "the block mask has room for %" PRId64
                        " entries per row; accepted is %" PRId64
                        " or more, one per key block",
                        blocks->row_stride, key_blocks);
    if (!blocks->full_kv_num_blocks != !blocks->full_kv_indices)
        return cpb_fail(error, CPB_INVALID, -1,
                        "the block mask has full_kv_%s without full_kv_%s; accepted "
                        "are both or neither",
                        blocks->full_kv_indices ? "indices" : "num_blocks",
                        blocks->full_kv_indices ? "num_blocks" : "indices");
done:
    return status;
}

/* Append the key blocks that one of the two lists names in a row. */
static cpb_status read_list(reader *r, int64_t row, const char *name,
                            const int32_t *counts, const int32_t *indices,
                            cpb_error *error)
{
    if (!counts)
        return CPB_OK;
    const int64_t count = counts[row];
    if (count < 0 || count > r->key_blocks)
        return cpb_fail(error, CPB_INVALID, row,
                        "row %" PRId64 " of the block mask has %s %" PRId64
                        "; accepted is 0 to %" PRId64,
                        row, name, count, r->key_blocks);
    const int32_t *const list = indices + row * r->blocks->row_stride;
    for (int64_t i = 0; i < count; i++) {
        if (list[i] < 0 || list[i] >= r->key_blocks)
            return cpb_fail(error, CPB_INVALID, row,
                            "row %" PRId64 " of the block mask lists key block %" PRId32
                            "; accepted is 0 to %" PRId64,
                            row, list[i], r->key_blocks - 1);
        r->listed[r->n_listed++] = (cpb_item){(uint64_t)list[i], 0};
    }
    return CPB_OK;
}

/* All key blocks of a row, ascending, none twice. */
static cpb_status read_row(reader *r, int64_t row, cpb_error *error)
{
    const cpb_block_mask *const b = r->blocks;
    cpb_status status;

    r->n_listed = 0;
    CPB_TRY(read_list(r, row, "kv_num_blocks", b->kv_num_blocks, b->kv_indices, error));
    CPB_TRY(read_list(r, row, "full_kv_num_blocks", b->full_kv_num_blocks,
                      b->full_kv_indices, error));
    cpb_sort(r->listed, r->spare, r->n_listed);
    for (size_t i = 1; i < r->n_listed; i++)
        if (r->listed[i].key == r->listed[i - 1].key)
            return cpb_fail(error, CPB_INVALID, row,
                            "row %" PRId64 " of the block mask lists key block %" PRIu64
                            " twice; accepted is once, partial or full",
                            row, r->listed[i].key);
done:
    return status;
}

/* If the slices from `now` on see the same keys as those of the row before, let these
 * go on instead. */
static void merge_rows(reader *r, size_t now, int64_t queries_end)
{
    cpb_slice *const items = r->slices->items;
    const size_t n = r->slices->n - now;
    bool same = n == now - r->row_first;
    for (size_t i = 0; same && i < n; i++)
        same = items[r->row_first + i].keys.begin == items[now + i].keys.begin &&
               items[r->row_first + i].keys.end == items[now + i].keys.end;
    if (!same) {
        r->row_first = now;
        return;
    }
    for (size_t i = 0; i < n; i++)
        items[r->row_first + i].queries.end = queries_end;
    r->slices->n = now;
}

/* One slice per stretch of neighbouring key blocks; the last block of each side may be
 * short. */
static void lay_row(reader *r, int64_t row)
{
    const cpb_block_mask *const b = r->blocks;
    const cpb_range queries = {row * b->block_q,
                               cpb_min((row + 1) * b->block_q, b->q_length)};
    const size_t now = r->slices->n;

    for (size_t i = 0, j; i < r->n_listed; i = j) {
        for (j = i + 1; j < r->n_listed; j++)
            if (r->listed[j].key != r->listed[j - 1].key + 1)
                break;
        const int64_t first = (int64_t)r->listed[i].key;
        const int64_t last = (int64_t)r->listed[j - 1].key;
        cpb_slices_add(r->slices, queries,
                       (cpb_range){first * b->block_k,
                                   cpb_min((last + 1) * b->block_k, b->k_length)},
                       CPB_FULL);
    }
    if (!r->slices->failed)
        merge_rows(r, now, queries.end);
}

static cpb_status read_blocks(const cpb_block_mask *blocks, cpb_slices *slices,
                              cpb_error *error)
{
    const int64_t rows = cpb_ceil_div(blocks->q_length, blocks->block_q);
    const int64_t key_blocks = cpb_ceil_div(blocks->k_length, blocks->block_k);
    const size_t room = 2 * (size_t)key_blocks;
    reader r = {.blocks = blocks,
                .key_blocks = key_blocks,
                .listed = cpb_arena_take(slices->arena, room, sizeof(cpb_item)),
                .spare = cpb_arena_take(slices->arena, room, sizeof(cpb_item)),
                .slices = slices};
    if (!r.listed || !r.spare)
        return CPB_NO_MEMORY;

    cpb_status status = CPB_OK;
    for (int64_t row = 0; row < rows; row++) {
        CPB_TRY(read_row(&r, row, error));
        lay_row(&r, row);
        if (slices->failed)
            return CPB_NO_MEMORY;
    }
done:
    return status;
}

cpb_status cpb_mask_create_blocks(const cpb_block_mask *blocks, size_t n_documents,
                                  const int64_t *lengths,
                                  const cpb_allocator *allocator, cpb_mask **mask,
                                  cpb_error *error)
{
    assert(blocks->kv_num_blocks && blocks->kv_indices);
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_slices slices = {.arena = &scratch};
    cpb_sequence documents = {.tokens = blocks->q_length};
    cpb_status status;

    *mask = NULL;
    CPB_TRY(shape_check(blocks, error));
    CPB_TRY(cpb_sequence_check(&documents, n_documents, lengths, error));
    CPB_TRY(read_blocks(blocks, &slices, error));
    CPB_TRY(cpb_mask_build(&documents, slices.n, slices.items, allocator, mask, error));

done:
    cpb_arena_free(&scratch);
    return status == CPB_NO_MEMORY ? cpb_fail_memory(error) : status;
}
