// SPDX-License-Identifier: Apache-2.0
/* Positions as chunks with costs, and what these make impossible. */
#include "frugal_chunks.h"

#include "bound.h"

#include "../base/error.h"

cpb_status cpb_chunks_view(const cpb_view *from, int64_t chunk, cpb_arena *arena,
                           cpb_view *view)
{
    *view = *from;
    view->chunk = chunk;
    view->n_chunks = cpb_ceil_div(view->tokens + view->padding, view->chunk);
    view->n_columns = 1;
    int64_t *const cost = cpb_arena_take(arena, (size_t)view->n_chunks, sizeof *cost);
    if (!cost)
        return CPB_NO_MEMORY;
    int64_t before = 0;
    for (int64_t c = 0; c < view->n_chunks; c++) {
        const int64_t next = view->lookup->before(
            view->lookup, cpb_min((c + 1) * view->chunk, view->tokens));
        cost[c] = next - before;
        before = next;
    }
    view->cost = cost;
    return CPB_OK;
}

cpb_status cpb_chunks_raise(const cpb_view *view, cpb_arena *arena, cpb_goals *goals,
                            bool *raised)
{
    int64_t bound;
    cpb_status status = CPB_OK;
    const cpb_load_problem problem = {
        .n = view->n_chunks,
        .cost = view->cost,
        .ranks = view->ranks,
        .seats = cpb_seats_of(view->sizes, view->tokens + view->padding, view->chunk,
                              view->ranks, view->cap == INT64_MAX ? -1 : view->cap),
        .speeds = view->speeds,
    };
    *raised = false;
    if (view->carried)
        goto done;
    CPB_TRY(cpb_load_bound(&problem, arena, &bound));
    *raised = bound > cpb_max(goals->level, view->floor);
    if (*raised) {
        goals->bound = bound;
        cpb_goals_limits(view, goals->total, bound, goals->limit);
    }
done:
    return status;
}
