// SPDX-License-Identifier: Apache-2.0
/* The loader's order: how far documents move in it, and giants that wait for a later
 * step. */
#include "rows.h"

#include "../base/error.h"
#include "../base/sort.h"

#include <string.h>

cpb_status cpb_batch_order(const cpb_batch *batch, cpb_item **order, cpb_error *error)
{
    const int64_t *const given = batch->documents->place;
    const size_t n = (size_t)batch->n;
    cpb_item *const items = cpb_arena_take(batch->scratch, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(batch->scratch, n, sizeof *spare);
    if (!items || !spare)
        return cpb_fail_memory(error);
    for (size_t j = 0; j < n; j++) {
        const int64_t d = batch->jobs[j].document;
        items[j] = (cpb_item){(uint64_t)(given ? given[d] : d), (int64_t)j};
    }
    cpb_sort(items, spare, n);
    *order = items;
    return CPB_OK;
}

cpb_status cpb_schedule_moves(const cpb_batch *batch, const cpb_draft *draft,
                              cpb_moves *moves, cpb_error *error)
{
    const int64_t n = batch->n;
    cpb_item *order = NULL;
    cpb_status status;
    *moves = (cpb_moves){0};
    CPB_TRY(cpb_batch_order(batch, &order, error));
    /* The k-th of the loader's order, sorted stably by micro-batch. */
    cpb_item *const items = cpb_arena_take(batch->scratch, (size_t)n, sizeof *items);
    if (!items)
        return cpb_fail_memory(error);
    for (int64_t k = 0; k < n; k++)
        items[k] = (cpb_item){(uint64_t)draft->place[order[k].value].micro, k};
    cpb_sort(items, order, (size_t)n);
    for (int64_t begin = 0, end = 0; begin < n; begin = end) {
        while (end < n && items[end].key == items[begin].key)
            end++;
        for (int64_t i = begin; i < end; i++) {
            const int64_t k = items[i].value;
            const int64_t moved = cpb_max(0, cpb_max(begin - k, k - (end - 1)));
            moves->most = cpb_max(moves->most, moved);
            moves->sum += moved;
        }
    }
done:
    return status;
}

/* A giant takes longer alone than the ranks' mean. */
static bool is_giant(const cpb_batch *batch, int64_t j, int64_t mean)
{
    return cpb_schedule_alone(batch, j) > mean;
}

static int64_t waited(const cpb_batch *batch, int64_t j)
{
    const int64_t *const steps = batch->documents->waited;
    return steps ? steps[batch->jobs[j].document] : 0;
}

/* Keep the jobs below `n`; what was counted over all of them is counted anew. */
static void keep_jobs(cpb_batch *batch, int64_t n)
{
    batch->n = n;
    batch->tokens = batch->work = batch->longest = 0;
    for (int64_t j = 0; j < n; j++) {
        batch->tokens += batch->jobs[j].tokens;
        batch->work += batch->jobs[j].work;
        batch->longest = cpb_max(batch->longest, batch->jobs[j].tokens);
    }
    batch->n_alone = cpb_min(batch->n_alone, n);
    memset(batch->alone, 0,
           (size_t)batch->n_alone * batch->n_sizes * sizeof *batch->alone);
}

cpb_status cpb_batch_hold(cpb_batch *batch, cpb_error *error)
{
    const int64_t hold = batch->domain->hold, mean = cpb_schedule_mean(batch);
    int64_t due = 0, kept = 0;
    if (!hold || !batch->n)
        return CPB_OK;
    bool *const held = cpb_arena_zeros(batch->scratch, (size_t)batch->n, sizeof *held);
    if (!held)
        return cpb_fail_memory(error);
    for (int64_t j = 0; j < batch->n; j++)
        if (waited(batch, j) >= hold)
            due = cpb_max(due, cpb_schedule_alone(batch, j));
    for (int64_t j = 0; j < batch->n; j++) {
        held[j] = waited(batch, j) < hold && is_giant(batch, j, mean) &&
                  cpb_schedule_alone(batch, j) > due;
        kept += !held[j];
    }
    if (!kept)
        return CPB_OK; /* a step of giants only goes on with them */
    kept = 0;
    for (int64_t j = 0; j < batch->n; j++)
        if (!held[j])
            batch->jobs[kept++] = batch->jobs[j];
    keep_jobs(batch, kept);
    return CPB_OK;
}
