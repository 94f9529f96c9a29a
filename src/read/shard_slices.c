// SPDX-License-Identifier: Apache-2.0
/* A shard's attention as slices: the mask's slices cut by runs and by holdings. */
#include "shard.h"

#include "../base/error.h"
#include "../mask/mask.h"

#include <assert.h>

/* The caller's array: counts what it has no room for. */
typedef struct slice_list {
    cpb_slice *at;
    size_t room;
    size_t n;
} slice_list;

static void add(slice_list *list, cpb_slice slice)
{
    if (list->at && list->n < list->room)
        list->at[list->n] = slice;
    list->n++;
}

/* First row of `rows` at which a line that is at `start` in the first row and rises by
 * `slope` reaches `level`. */
static int64_t row_of(cpb_range rows, int64_t start, int64_t slope, int64_t level)
{
    if (start >= level)
        return rows.begin;
    return slope ? cpb_min(rows.end, rows.begin + (level - start)) : rows.end;
}

/* Where the rows of a slice lie in the shard, and where a holding's keys lie. */
typedef struct shift {
    int64_t query; /* slot - position */
    int64_t key;
} shift;

/* The rows of a slice that see the keys of a holding. Each end of what a row sees is a
 * line of the slice cut off at an end of the holding, so there are at most three parts:
 * the high end stops to rise where it passes the holding's end, the low end starts to
 * rise where it meets the holding's begin. */
static void cut(slice_list *list, const cpb_slice *slice, cpb_range rows,
                cpb_range held, shift to)
{
    const int64_t high = cpb_slice_high(slice, rows.begin);
    const int64_t low = cpb_slice_low(slice, rows.begin);
    const int64_t high_slope = cpb_slice_high_slope(slice->kind);
    const int64_t low_slope = cpb_slice_low_slope(slice->kind);
    const int64_t begin = row_of(rows, high, high_slope, held.begin + 1);
    const int64_t end = row_of(rows, low, low_slope, held.end);
    const int64_t capped = row_of(rows, high, high_slope, held.end + 1);
    const int64_t rising = row_of(rows, low, low_slope, held.begin);

    for (int64_t q = begin, next; q < end; q = next) {
        const bool causal = high_slope && q < capped;
        const bool inverse = low_slope && q >= rising;
        next = causal ? cpb_min(end, capped) : end;
        next = q < rising ? cpb_min(next, rising) : next;
        const bool single = next - q == 1;
        add(list,
            (cpb_slice){
                .queries = {q + to.query, next + to.query},
                .keys = {cpb_max(held.begin, cpb_slice_low(slice, q)) + to.key,
                         cpb_min(held.end, cpb_slice_high(slice, next - 1)) + to.key},
                .kind = single ? CPB_FULL
                               : (cpb_kind)(causal * CPB_CAUSAL +
                                            inverse * CPB_INVERSE_CAUSAL),
            });
    }
}

/* The rows of one slice inside one run. */
static cpb_status add_rows(const cpb_shard *shard, const cpb_slice *slice,
                           cpb_range rows, int64_t query_shift, size_t *hint,
                           slice_list *list, cpb_error *error)
{
    const cpb_keys *const keys = shard->keys;
    const cpb_range hull = cpb_slice_hull(slice, rows);
    int64_t reached = hull.begin;
    size_t i = cpb_keys_find(keys, *hint, hull.begin);

    *hint = i;
    for (; reached < hull.end; i++) {
        if (i == keys->n || keys->at[i].keys.begin > reached)
            return cpb_shard_fail_lack(shard->rank, reached, error);
        cut(list, slice, rows, keys->at[i].keys,
            (shift){query_shift, keys->at[i].slot - keys->at[i].keys.begin});
        reached = keys->at[i].keys.end;
    }
    return CPB_OK;
}

cpb_status cpb_shard_check(const cpb_shard *shard, cpb_error *error)
{
    assert(shard->rank >= 0 && shard->rank < cpb_plan_ranks(shard->plan));
    const int64_t planned = cpb_plan_tokens(shard->plan);
    const int64_t masked = cpb_mask_tokens(shard->mask);
    if (planned == masked)
        return CPB_OK;
    return cpb_fail(error, CPB_INVALID, -1,
                    "the mask has %lld tokens and the plan %lld; accepted are equal "
                    "numbers",
                    (long long)masked, (long long)planned);
}

cpb_status cpb_shard_fail_lack(int32_t rank, int64_t key, cpb_error *error)
{
    return cpb_fail(error, CPB_INVALID, key,
                    "rank %d needs key %lld, which the key layout lacks; lay out all "
                    "keys, or those after the exchange of this plan and mask",
                    rank, (long long)key);
}

cpb_status cpb_shard_slices(const cpb_shard *shard, size_t room, cpb_slice *slices,
                            size_t *n, cpb_error *error)
{
    const cpb_mask *const mask = shard->mask;
    const cpb_range *const runs = cpb_plan_runs(shard->plan, shard->rank);
    const size_t n_runs = cpb_plan_n_runs(shard->plan, shard->rank);
    slice_list list = {.at = slices, .room = room};
    int64_t slot = 0;
    size_t hint = 0;
    cpb_status status;

    CPB_TRY(cpb_shard_check(shard, error));
    for (size_t r = 0; r < n_runs; slot += cpb_range_length(runs[r++])) {
        size_t s = runs[r].begin < mask->tokens
                       ? cpb_mask_first_slice(mask, runs[r].begin)
                       : mask->n_slices;
        for (; s < mask->n_slices && mask->slices[s].queries.begin < runs[r].end; s++) {
            const cpb_slice *const slice = &mask->slices[s];
            const cpb_range rows = cpb_range_intersect(slice->queries, runs[r]);
            if (rows.begin < rows.end)
                CPB_TRY(add_rows(shard, slice, rows, slot - runs[r].begin, &hint, &list,
                                 error));
        }
    }
done:
    *n = status == CPB_OK ? list.n : 0;
    return status;
}
