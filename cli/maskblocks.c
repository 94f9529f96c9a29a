// SPDX-License-Identifier: Apache-2.0
/* Block masks as JSON: FlexAttention's four arrays, flat per row or in their original
 * shape with a batch and a head dimension. */
#include "maskblocks.h"

#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLACE_BYTES = 80 };

/* The arrays of a block mask, in the making. */
typedef struct block_reader {
    json_t *object;
    const char *where;
    size_t rows, columns; /* blocks on the query and on the key side */
    size_t stride;        /* entries per row of indices */
    int32_t *arrays[4];   /* as named below */
    cpb_error *error;
} block_reader;

static const char *const block_arrays[] = {"kv_num_blocks", "kv_indices",
                                           "full_kv_num_blocks", "full_kv_indices"};

static size_t depth(const json_t *value)
{
    size_t levels = 0;
    for (; json_is_array(value); value = json_array_get(value, 0))
        levels++;
    return levels;
}

/* Strip the batch and head dimensions, which must be 1. */
static const json_t *strip(const block_reader *b, const char *name, const json_t *value)
{
    static const char *const dimensions[] = {
        "batch rows; plan each row by itself",
        "heads; one permutation serves all heads, so plan one"};
    for (size_t i = 0; i < 2; i++) {
        if (json_array_size(value) != 1) {
            fail(b->error, "%s.%s has %zu %s", b->where, name, json_array_size(value),
                 dimensions[i]);
            return NULL;
        }
        value = json_array_get(value, 0);
    }
    return value;
}

static bool read_entries(const block_reader *b, const char *name, const json_t *list,
                         int32_t *to)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *const entry = json_array_get(list, i);
        const json_int_t number = json_integer_value(entry);
        if (!json_is_integer(entry) || number < INT32_MIN || number > INT32_MAX)
            return fail(b->error, "%s.%s has no 32-bit whole number at entry %zu",
                        b->where, name, i);
        to[i] = (int32_t)number;
    }
    return true;
}

/* One count per row of blocks. Room is made for rows that are there, not for as many as
 * the lengths promise. */
static bool read_counts(block_reader *b, size_t which)
{
    const char *const name = block_arrays[which];
    const json_t *list = json_object_get(b->object, name);
    if (depth(list) == 3)
        list = strip(b, name, list);
    if (!list)
        return false;
    if (depth(list) != 1 || json_array_size(list) != b->rows)
        return fail(b->error, "%s.%s has %zu entries; accepted is one per row: %zu",
                    b->where, name, json_array_size(list), b->rows);
    b->arrays[which] = calloc(b->rows, sizeof **b->arrays);
    return b->arrays[which] ? read_entries(b, name, list, b->arrays[which])
                            : fail_memory(b->error);
}

/* One list of block numbers per row, as long as it likes up to the stride. */
static bool read_lists(const block_reader *b, size_t which)
{
    const char *const name = block_arrays[which];
    const int32_t *const counts = b->arrays[which - 1];
    const json_t *list = json_object_get(b->object, name);
    if (depth(list) == 4)
        list = strip(b, name, list);
    if (!list)
        return false;
    if (json_array_size(list) != b->rows)
        return fail(b->error, "%s.%s has %zu rows; accepted are %zu", b->where, name,
                    json_array_size(list), b->rows);
    for (size_t i = 0; i < b->rows; i++) {
        const json_t *const row = json_array_get(list, i);
        const size_t n = json_array_size(row);
        /* A count beyond the stride is the library's to refuse. */
        const size_t least = (size_t)(counts[i] > 0 ? counts[i] : 0);
        if (!json_is_array(row) || n > b->stride || (n < least && least <= b->stride))
            return fail(b->error,
                        "%s.%s[%zu] lists %zu blocks; accepted are %zu to %zu",
                        b->where, name, i, n, least, b->stride);
        if (!read_entries(b, name, row, b->arrays[which] + i * b->stride))
            return false;
    }
    return true;
}

/* rows * stride block numbers in one list. */
static bool read_flat_lists(const block_reader *b, size_t which)
{
    const char *const name = block_arrays[which];
    const json_t *const list = json_object_get(b->object, name);
    if (json_array_size(list) != b->rows * b->stride)
        return fail(b->error, "%s.%s has %zu entries; accepted are %zu rows of %zu",
                    b->where, name, json_array_size(list), b->rows, b->stride);
    return read_entries(b, name, list, b->arrays[which]);
}

static bool read_pair_of_arrays(block_reader *b, size_t counts)
{
    for (size_t i = counts; i < counts + 2; i++)
        if (!json_member(b->object, b->where, block_arrays[i], JSON_ARRAY, b->error))
            return false;
    if (!read_counts(b, counts))
        return false;
    b->arrays[counts + 1] = calloc(b->rows * b->stride, sizeof **b->arrays);
    if (!b->arrays[counts + 1])
        return fail_memory(b->error);
    const size_t levels = depth(json_object_get(b->object, block_arrays[counts + 1]));
    return levels == 1 ? read_flat_lists(b, counts + 1) : read_lists(b, counts + 1);
}

static bool read_block_sizes(const block_reader *b, cpb_block_mask *out)
{
    int64_t length[2], block[2];
    char place[PLACE_BYTES];
    const json_t *const size = json_object_get(b->object, "block_size");
    snprintf(place, sizeof place, "%s.seq_lengths", b->where);
    if (!json_integers(json_object_get(b->object, "seq_lengths"), place, 2, length,
                       b->error))
        return false;
    snprintf(place, sizeof place, "%s.block_size", b->where);
    if (json_is_integer(size))
        block[0] = block[1] = json_integer_value(size);
    else if (!json_integers(size, place, 2, block, b->error))
        return false;
    for (size_t i = 0; i < 2; i++) {
        if (length[i] < 1 || length[i] > CPB_MAX_TOKENS)
            return fail(b->error,
                        "%s.seq_lengths[%zu] is %" PRId64
                        "; accepted are 1 to %" PRId64,
                        b->where, i, length[i], CPB_MAX_TOKENS);
        if (block[i] < 1 || block[i] > CPB_MAX_TOKENS)
            return fail(b->error, "%s is %" PRId64 "; accepted are 1 to %" PRId64,
                        place, block[i], CPB_MAX_TOKENS);
    }
    if (length[0] != length[1])
        return fail(b->error,
                    "%s.seq_lengths are %" PRId64 " queries and %" PRId64
                    " keys; accepted are equal ones (self-attention)",
                    b->where, length[0], length[1]);
    *out = (cpb_block_mask){.batch = 1,
                            .heads = 1,
                            .q_length = length[0],
                            .k_length = length[1],
                            .block_q = block[0],
                            .block_k = block[1]};
    return true;
}

static size_t ceil_div(int64_t a, int64_t b)
{
    return (size_t)((a + b - 1) / b);
}

static bool read_blocks(block_reader *b, cpb_block_mask *out)
{
    static const char *const members[] = {"seq_lengths",        "block_size",
                                          "kv_num_blocks",      "kv_indices",
                                          "full_kv_num_blocks", "full_kv_indices"};
    if (!json_only(b->object, b->where, 6, members, b->error) ||
        !read_block_sizes(b, out))
        return false;
    b->rows = ceil_div(out->q_length, out->block_q);
    b->columns = ceil_div(out->k_length, out->block_k);
    b->stride = b->columns;
    /* A matrix of counts this large cannot come out of a JSON file of sane size. */
    if (b->columns > ((size_t)1 << 32) / b->rows)
        return fail(b->error, "%s has %zu x %zu blocks; accepted are up to 2^32",
                    b->where, b->rows, b->columns);
    if (!read_pair_of_arrays(b, 0))
        return false;
    const bool full = json_object_get(b->object, block_arrays[2]) ||
                      json_object_get(b->object, block_arrays[3]);
    if (full && !read_pair_of_arrays(b, 2))
        return false;
    out->row_stride = (int64_t)b->stride;
    out->kv_num_blocks = b->arrays[0];
    out->kv_indices = b->arrays[1];
    out->full_kv_num_blocks = b->arrays[2];
    out->full_kv_indices = b->arrays[3];
    return true;
}

bool maskblocks_create(json_t *object, const char *where, size_t n_documents,
                       const int64_t *lengths, cpb_mask **mask, cpb_error *error)
{
    cpb_block_mask blocks = {.batch = 1};
    block_reader b = {.object = object, .where = where, .error = error};
    const bool good = read_blocks(&b, &blocks) &&
                      succeeded(cpb_mask_create_blocks(&blocks, n_documents, lengths,
                                                       NULL, mask, error));
    for (size_t i = 0; i < 4; i++)
        free(b.arrays[i]);
    return good;
}
