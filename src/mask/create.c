// SPDX-License-Identifier: Apache-2.0
/* Masks from slices: checks at the door, then one normal form. */
#include "../base/error.h"
#include "../base/sort.h"
#include "build.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

cpb_status cpb_tokens_check(int64_t tokens, cpb_error *error)
{
    if (tokens >= 1 && tokens <= CPB_MAX_TOKENS)
        return CPB_OK;
    return cpb_fail(error, tokens < 1 ? CPB_INVALID : CPB_TOO_LARGE, -1,
                    "the sequence has %" PRId64 " tokens; accepted is 1 to %" PRId64,
                    tokens, CPB_MAX_TOKENS);
}

cpb_status cpb_lengths_check(size_t n, const int64_t *lengths, int64_t *tokens,
                             cpb_error *error)
{
    *tokens = 0;
    for (size_t d = 0; d < n; d++) {
        if (lengths[d] < 0)
            return cpb_fail(error, CPB_INVALID, (int64_t)d,
                            "document %zu has length %" PRId64
                            "; accepted is 0 or more",
                            d, lengths[d]);
        if (lengths[d] > CPB_MAX_TOKENS - *tokens)
            return cpb_fail(error, CPB_TOO_LARGE, (int64_t)d,
                            "document %zu of length %" PRId64
                            " takes the sequence beyond %" PRId64 " tokens",
                            d, lengths[d], CPB_MAX_TOKENS);
        *tokens += lengths[d];
    }
    if (*tokens == 0)
        return cpb_fail(error, CPB_INVALID, -1,
                        "the documents hold 0 tokens; accepted is 1 to %" PRId64,
                        CPB_MAX_TOKENS);
    return CPB_OK;
}

cpb_status cpb_sequence_check(cpb_sequence *sequence, size_t n, const int64_t *lengths,
                              cpb_error *error)
{
    if (n == 0) {
        sequence->n = 1;
        sequence->lengths = &sequence->tokens;
        return CPB_OK;
    }
    assert(lengths);
    int64_t sum;
    const cpb_status status = cpb_lengths_check(n, lengths, &sum, error);
    if (status != CPB_OK)
        return status;
    if (sum != sequence->tokens)
        return cpb_fail(error, CPB_INVALID, -1,
                        "the document lengths sum to %" PRId64
                        "; accepted is the %" PRId64 " tokens of the sequence",
                        sum, sequence->tokens);
    sequence->n = n;
    sequence->lengths = lengths;
    return CPB_OK;
}

void cpb_slices_reserve(cpb_slices *slices, size_t room)
{
    cpb_slice *const items = cpb_arena_take(slices->arena, room, sizeof *items);
    if (!items) {
        slices->failed = true;
        return;
    }
    if (slices->n)
        memcpy(items, slices->items, slices->n * sizeof *items);
    slices->items = items;
    slices->room = room;
}

void cpb_slices_add(cpb_slices *slices, cpb_range queries, cpb_range keys,
                    cpb_kind kind)
{
    if (queries.begin >= queries.end || keys.begin >= keys.end)
        return;
    if (slices->n == slices->room && !slices->failed)
        cpb_slices_reserve(slices, 2 * slices->room + 64);
    if (!slices->failed)
        slices->items[slices->n++] = (cpb_slice){queries, keys, kind};
}

/* What is wrong with a range, or NULL. */
static const char *fault(cpb_range range, int64_t tokens)
{
    if (range.begin < 0)
        return "negative";
    if (range.begin == range.end)
        return "empty";
    if (range.begin > range.end)
        return "inside out";
    if (range.end > tokens)
        return "outside the sequence";
    return NULL;
}

static cpb_status range_check(size_t i, const char *side, cpb_range range,
                              int64_t tokens, cpb_error *error)
{
    const char *const wrong = fault(range, tokens);
    if (!wrong)
        return CPB_OK;
    return cpb_fail(error, CPB_INVALID, (int64_t)i,
                    "slice %zu: %s [%" PRId64 ", %" PRId64
                    ") are %s; accepted is 0 <= begin < end <= %" PRId64,
                    i, side, range.begin, range.end, wrong, tokens);
}

static cpb_status slices_check(size_t n, const cpb_slice *slices, int64_t tokens,
                               cpb_error *error)
{
    cpb_status status = CPB_OK;
    for (size_t i = 0; i < n; i++) {
        CPB_TRY(range_check(i, "queries", slices[i].queries, tokens, error));
        CPB_TRY(range_check(i, "keys", slices[i].keys, tokens, error));
        const int64_t kind = (int64_t)slices[i].kind;
        if (kind < CPB_FULL || kind > CPB_BI_CAUSAL)
            return cpb_fail(error, CPB_INVALID, (int64_t)i,
                            "slice %zu: kind %" PRId64
                            " is unknown; accepted is 0 (full), 1 (causal), 2 (inverse "
                            "causal) or 3 (bi-causal)",
                            i, kind);
    }
done:
    return status;
}

cpb_status cpb_mask_create(int64_t tokens, size_t n_slices, const cpb_slice *slices,
                           size_t n_documents, const int64_t *lengths,
                           const cpb_allocator *allocator, cpb_mask **mask,
                           cpb_error *error)
{
    assert(slices || n_slices == 0);
    cpb_sequence documents = {.tokens = tokens};
    cpb_status status;

    *mask = NULL;
    CPB_TRY(cpb_tokens_check(tokens, error));
    CPB_TRY(cpb_sequence_check(&documents, n_documents, lengths, error));
    CPB_TRY(slices_check(n_slices, slices, tokens, error));
    CPB_TRY(cpb_mask_build(&documents, n_slices, slices, allocator, mask, error));

done:
    return status;
}

/* Drop the rows that see no key. The corner that the diagonal meets stays where it is,
 * so the pairs stay the same. False where no row is left: a band with fewer keys than
 * rows starts beyond its own end in every row. */
static bool trim(cpb_slice *slice)
{
    const int64_t rows = cpb_range_length(slice->queries);
    const int64_t keys = cpb_range_length(slice->keys);
    if (keys >= rows)
        return true;
    if (slice->kind == CPB_CAUSAL)
        slice->queries.begin = slice->queries.end - keys;
    if (slice->kind == CPB_INVERSE_CAUSAL)
        slice->queries.end = slice->queries.begin + keys;
    return slice->kind != CPB_BI_CAUSAL;
}

/* The numbers of the slices that keep a row, in the mask's order. NULL when memory
 * ends. */
static const cpb_item *sort_slices(size_t n, const cpb_slice *slices, size_t *n_kept,
                                   cpb_arena *scratch)
{
    cpb_item *const order = cpb_arena_take(scratch, n, sizeof *order);
    cpb_item *const spare = cpb_arena_take(scratch, n, sizeof *spare);
    if (!order || !spare)
        return NULL;

    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        cpb_slice slice = slices[i];
        if (!trim(&slice))
            continue;
        const uint64_t key =
            (uint64_t)slice.queries.begin << 32 | (uint64_t)slice.keys.begin;
        order[kept++] = (cpb_item){key, (int64_t)i};
    }
    cpb_sort(order, spare, kept);
    *n_kept = kept;
    return order;
}

/* Put the trimmed slices into the mask in this order. */
static cpb_status take_slices(cpb_mask *mask, size_t n, const cpb_item *order,
                              const cpb_slice *slices)
{
    mask->slices = cpb_arena_take(&mask->memory, n, sizeof *mask->slices);
    if (!mask->slices)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        mask->slices[i] = slices[order[i].value];
        trim(&mask->slices[i]);
    }
    mask->n_slices = n;
    return CPB_OK;
}

/* How far the slices up to each one reach. */
static cpb_status index_rows(cpb_mask *mask)
{
    mask->reach = cpb_arena_take(&mask->memory, mask->n_slices, sizeof *mask->reach);
    if (!mask->reach)
        return CPB_NO_MEMORY;
    int64_t reach = 0;
    for (size_t i = 0; i < mask->n_slices; i++) {
        reach = cpb_max(reach, mask->slices[i].queries.end);
        mask->reach[i] = reach;
    }
    return CPB_OK;
}

static cpb_status index_documents(cpb_mask *mask, const cpb_sequence *documents)
{
    mask->document_ends =
        cpb_arena_take(&mask->memory, documents->n, sizeof *mask->document_ends);
    if (!mask->document_ends)
        return CPB_NO_MEMORY;
    int64_t end = 0;
    for (size_t d = 0; d < documents->n; d++)
        mask->document_ends[d] = end += documents->lengths[d];
    mask->n_documents = documents->n;
    return CPB_OK;
}

static cpb_mask *new_mask(int64_t tokens, const cpb_allocator *allocator)
{
    cpb_arena memory = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_mask *const mask = cpb_arena_zeros(&memory, 1, sizeof *mask);
    if (mask) {
        mask->tokens = tokens;
        mask->memory = memory;
    }
    return mask;
}

/* The slices' ends in ascending order. NULL when memory ends. */
static const cpb_item *sort_ends(const cpb_mask *mask, cpb_arena *scratch)
{
    const size_t n = mask->n_slices;
    cpb_item *const ends = cpb_arena_take(scratch, n, sizeof *ends);
    cpb_item *const spare = cpb_arena_take(scratch, n, sizeof *spare);
    if (!ends || !spare)
        return NULL;
    for (size_t i = 0; i < n; i++)
        ends[i] = (cpb_item){(uint64_t)mask->slices[i].queries.end, (int64_t)i};
    cpb_sort(ends, spare, n);
    return ends;
}

static cpb_status fill(cpb_mask *mask, size_t n_slices, const cpb_slice *slices,
                       cpb_arena *scratch, cpb_error *error)
{
    size_t n = 0;
    const cpb_item *const order = sort_slices(n_slices, slices, &n, scratch);
    if (!order)
        return CPB_NO_MEMORY;

    cpb_status status;
    CPB_TRY(take_slices(mask, n, order, slices));
    CPB_TRY(index_rows(mask));
    const cpb_item *const ends = sort_ends(mask, scratch);
    if (!ends)
        return CPB_NO_MEMORY;
    CPB_TRY(cpb_disjoint_check(mask, order, ends, scratch, error));
    CPB_TRY(cpb_mask_measure(mask, ends));
done:
    return status;
}

cpb_status cpb_mask_build(const cpb_sequence *documents, size_t n_slices,
                          const cpb_slice *slices, const cpb_allocator *allocator,
                          cpb_mask **out, cpb_error *error)
{
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_mask *mask = new_mask(documents->tokens, allocator);
    cpb_status status = CPB_NO_MEMORY;

    if (!mask)
        goto done;
    CPB_TRY(index_documents(mask, documents));
    CPB_TRY(fill(mask, n_slices, slices, &scratch, error));

done:
    cpb_arena_free(&scratch);
    if (status != CPB_OK) {
        cpb_mask_free(mask);
        mask = NULL;
    }
    *out = mask;
    return status == CPB_NO_MEMORY ? cpb_fail_memory(error) : status;
}

void cpb_mask_free(cpb_mask *mask)
{
    if (!mask)
        return;
    cpb_arena memory = mask->memory; /* the mask lies in its own arena */
    cpb_arena_free(&memory);
}
