// SPDX-License-Identifier: Apache-2.0
/* Costs of ranges of the original order. */
#include "rows.h"

#include "../base/error.h"

#include <assert.h>
#include <string.h>

cpb_status cpb_work_create(const cpb_mask *mask, const cpb_setup *setup,
                           const cpb_allocator *allocator, cpb_work **out,
                           cpb_error *error)
{
    cpb_arena memory = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_status status;

    *out = NULL;
    cpb_work *const work = cpb_arena_zeros(&memory, 1, sizeof *work);
    if (!work) {
        status = cpb_fail_memory(error);
        goto done;
    }
    work->mask = mask;
    work->pairs = setup->cost == CPB_PAIRS;
    if (!work->pairs)
        CPB_TRY(cpb_work_price_rows(work, setup, &memory, error));
    status = CPB_OK;
done:
    if (status != CPB_OK) {
        cpb_arena_free(&memory);
        return status;
    }
    work->memory = memory;
    *out = work;
    return CPB_OK;
}

void cpb_work_free(cpb_work *work)
{
    if (!work)
        return;
    cpb_arena memory = work->memory;
    cpb_arena_free(&memory);
}

/* Where the i-th band or row begins. */
static int64_t step_begin(const cpb_work *work, int64_t i)
{
    return work->pairs ? work->mask->bands[i].begin : work->begin[i];
}

cpb_status cpb_work_index(cpb_work *work)
{
    const int64_t tokens = work->mask->tokens;
    const int64_t n = work->pairs ? (int64_t)work->mask->n_bands : work->n_rows;
    if (!work->pairs && !work->begin)
        return CPB_OK; /* rows are found by division */
    const int64_t most = work->pairs ? 2 * n : n; /* rows are alike, bands are not */
    while (tokens >> work->shift > most)
        work->shift++;
    const int64_t buckets = (tokens >> work->shift) + 2;
    work->index = cpb_arena_take(&work->memory, (size_t)buckets, sizeof *work->index);
    if (!work->index)
        return CPB_NO_MEMORY;
    int64_t at = 0;
    for (int64_t i = 0; i < buckets; i++) {
        while (at + 1 < n && step_begin(work, at + 1) <= i << work->shift)
            at++;
        work->index[i] = (int32_t)at;
    }
    return CPB_OK;
}

/* Index of the band or row that holds position p < tokens: few begin inside a bucket. */
static int64_t step_of(const cpb_work *work, int64_t p)
{
    int64_t low = work->index[p >> work->shift];
    int64_t high = work->index[(p >> work->shift) + 1] + 1;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (step_begin(work, middle) <= p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Index of the row that holds position p < tokens. */
static int64_t row_of(const cpb_work *work, int64_t p)
{
    if (!work->begin)
        return p / work->tile_q;
    if (work->index)
        return step_of(work, p);
    int64_t low = 0, high = work->n_rows; /* begin[low] <= p < begin[high] */
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (work->begin[middle] <= p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Longer rows, or dearer ones, need wider products. */
enum { MOST_SPAN = 1 << 16 };

/* Cost of the rows of [0, p). */
static int64_t rows_before(const cpb_work *work, int64_t p)
{
    if (p >= work->mask->tokens)
        return work->before[work->n_rows];
    const int64_t row = row_of(work, p);
    const int64_t begin = work->begin ? work->begin[row] : row * work->tile_q;
    if (p == begin)
        return work->before[row];
    const int64_t end = work->begin ? work->begin[row + 1]
                                    : cpb_min(begin + work->tile_q, work->mask->tokens);
    const int64_t cost = work->before[row + 1] - work->before[row];
    if (cost <= INT64_MAX / MOST_SPAN && end - begin <= MOST_SPAN)
        return work->before[row] + cost * (p - begin) / (end - begin);
    return work->before[row] + (int64_t)((cpb_wide)cost * (p - begin) / (end - begin));
}

int64_t cpb_work_before(const cpb_work *work, int64_t position)
{
    const int64_t known = cpb_min(position, work->mask->tokens);
    if (work->pairs && known < work->mask->tokens && work->index)
        return cpb_band_before(&work->mask->bands[step_of(work, known)], known);
    if (work->pairs)
        return cpb_mask_pairs_of(work->mask, (cpb_range){0, known});
    return rows_before(work, known) + work->token * known;
}

int64_t cpb_work_cost(const cpb_work *work, cpb_range queries)
{
    const int64_t tokens = work->mask->tokens;
    const cpb_range known = {cpb_min(queries.begin, tokens),
                             cpb_min(queries.end, tokens)};
    assert(queries.begin >= 0 && queries.begin <= queries.end);
    if (work->pairs)
        return cpb_mask_pairs_of(work->mask, known);
    return rows_before(work, known.end) - rows_before(work, known.begin) +
           work->token * cpb_range_length(known);
}

/* Walk chunks and bands side by side: pairs before each chunk end, in O(bands + n). */
static void pair_chunks(const cpb_mask *mask, int64_t chunk, int64_t n, int64_t *cost)
{
    size_t b = 0;
    int64_t before = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t end = cpb_min((i + 1) * chunk, mask->tokens);
        while (b + 1 < mask->n_bands && mask->bands[b + 1].begin < end)
            b++;
        const int64_t sum = cpb_band_before(&mask->bands[b], end);
        cost[i] = sum - before;
        before = sum;
    }
}

void cpb_work_chunks(const cpb_work *work, int64_t chunk, int64_t n, int64_t *cost)
{
    const int64_t held = cpb_min(n, cpb_ceil_div(work->mask->tokens, chunk));
    if (n > held)
        memset(cost + held, 0, (size_t)(n - held) * sizeof *cost);
    if (work->pairs) {
        pair_chunks(work->mask, chunk, held, cost);
        return;
    }
    if (!work->begin && chunk % work->tile_q == 0 && !work->token) {
        const int64_t rows = chunk / work->tile_q;
        for (int64_t i = 0; i < held; i++)
            cost[i] = work->before[cpb_min((i + 1) * rows, work->n_rows)] -
                      work->before[i * rows];
        return;
    }
    for (int64_t i = 0; i < held; i++)
        cost[i] = cpb_work_cost(work, (cpb_range){i * chunk, (i + 1) * chunk});
}
