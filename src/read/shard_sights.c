// SPDX-License-Identifier: Apache-2.0
/* What each query of a shard sees, slice by slice. */
#include "shard.h"

#include "../base/error.h"
#include "../mask/mask.h"

#include <assert.h>
#include <string.h>

/* The caller's arrays; `low` NULL: only count. */
typedef struct sight_list {
    const cpb_keys *keys;
    size_t hint;
    int64_t stride;
    int32_t *low, *high;
    int32_t *used; /* [size] intervals of each query so far */
} sight_list;

/* Slot of a position that is held, in keys that ascend: all keys from here to the end of
 * what is seen follow in the next slots. */
static cpb_status slot_of(sight_list *list, int32_t rank, cpb_range seen, int64_t *slot,
                          cpb_error *error)
{
    const cpb_keys *const keys = list->keys;
    const size_t first = cpb_keys_find(keys, list->hint, seen.begin);
    int64_t reached = seen.begin;
    for (size_t i = first; reached < seen.end; i++) {
        if (i == keys->n || keys->at[i].keys.begin > reached)
            return cpb_shard_fail_lack(rank, reached, error);
        reached = keys->at[i].keys.end;
    }
    list->hint = first;
    *slot = keys->at[first].slot + seen.begin - keys->at[first].keys.begin;
    return CPB_OK;
}

/* The rows of one slice, the first of which lies in slot `at`. */
static cpb_status add_rows(sight_list *list, int32_t rank, const cpb_slice *slice,
                           cpb_range rows, int64_t at, cpb_error *error)
{
    const cpb_range hull = cpb_slice_hull(slice, rows);
    int64_t slot = 0;
    const cpb_status status = slot_of(list, rank, hull, &slot, error);
    if (status != CPB_OK)
        return status;
    for (int64_t q = rows.begin; q < rows.end; q++) {
        const int64_t i = at + q - rows.begin;
        const int64_t level = list->used[i]++;
        if (!list->low)
            continue;
        const int64_t to = slot - hull.begin;
        list->low[level * list->stride + i] = (int32_t)(cpb_slice_low(slice, q) + to);
        list->high[level * list->stride + i] = (int32_t)(cpb_slice_high(slice, q) + to);
    }
    return CPB_OK;
}

static cpb_status visit_rows(const cpb_shard *shard, sight_list *list, cpb_error *error)
{
    const cpb_mask *const mask = shard->mask;
    const cpb_range *const runs = cpb_plan_runs(shard->plan, shard->rank);
    const size_t n_runs = cpb_plan_n_runs(shard->plan, shard->rank);
    int64_t at = 0;
    cpb_status status = CPB_OK;
    memset(list->used, 0,
           (size_t)cpb_plan_size(shard->plan, shard->rank) * sizeof *list->used);
    for (size_t r = 0; r < n_runs; at += cpb_range_length(runs[r++])) {
        size_t s = runs[r].begin < mask->tokens
                       ? cpb_mask_first_slice(mask, runs[r].begin)
                       : mask->n_slices;
        for (; s < mask->n_slices && mask->slices[s].queries.begin < runs[r].end; s++) {
            const cpb_range rows =
                cpb_range_intersect(mask->slices[s].queries, runs[r]);
            if (rows.begin < rows.end)
                CPB_TRY(add_rows(list, shard->rank, &mask->slices[s], rows,
                                 at + rows.begin - runs[r].begin, error));
        }
    }
done:
    return status;
}

static int64_t most_used(const sight_list *list, int64_t size)
{
    int64_t most = 0;
    for (int64_t i = 0; i < size; i++)
        most = cpb_max(most, list->used[i]);
    return most;
}

cpb_status cpb_shard_sights(const cpb_shard *shard, int64_t levels, int64_t stride,
                            int32_t *low, int32_t *high, int64_t *needed,
                            const cpb_allocator *allocator, cpb_error *error)
{
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    const int64_t size = cpb_plan_size(shard->plan, shard->rank);
    sight_list list = {.keys = shard->keys, .stride = stride};
    cpb_status status;

    *needed = 0;
    CPB_TRY(cpb_shard_check(shard, error));
    if (shard->keys->order != CPB_ASCENDING)
        return cpb_fail(
            error, CPB_UNSUPPORTED, -1,
            "keys lie as they arrived, where what a query sees is scattered; "
            "lay them out in ascending order");
    list.used = cpb_arena_take(&scratch, (size_t)size, sizeof *list.used);
    CPB_TRY(list.used ? CPB_OK : cpb_fail_memory(error));
    CPB_TRY(visit_rows(shard, &list, error));
    *needed = most_used(&list, size);
    if (!levels)
        goto done;
    if (*needed > levels) {
        status = cpb_fail(error, CPB_UNSUPPORTED, -1,
                          "a query of rank %d sees %lld intervals of keys, above the "
                          "capacity of %lld; raise the capacity",
                          shard->rank, (long long)*needed, (long long)levels);
        goto done;
    }
    assert(stride >= size);
    memset(low, 0, (size_t)(levels * stride) * sizeof *low);
    memset(high, 0, (size_t)(levels * stride) * sizeof *high);
    list.low = low;
    list.high = high;
    CPB_TRY(visit_rows(shard, &list, error));
done:
    cpb_arena_free(&scratch);
    return status;
}
