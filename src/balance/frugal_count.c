// SPDX-License-Identifier: Apache-2.0
/* A board's runs, rank by rank, for the lookup that counts loads. */
#include "frugal_count.h"

#include "../base/error.h"

#include <string.h>

cpb_status cpb_count_create(const cpb_view *view, cpb_arena *arena, cpb_count *count)
{
    const size_t ranks = (size_t)view->ranks;
    *count = (cpb_count){.view = view, .arena = arena};
    count->load = cpb_arena_take(arena, ranks, sizeof *count->load);
    count->now.first = cpb_arena_take(arena, ranks + 1, sizeof *count->now.first);
    count->last.first = cpb_arena_take(arena, ranks + 1, sizeof *count->last.first);
    return count->load && count->now.first && count->last.first ? CPB_OK
                                                                : CPB_NO_MEMORY;
}

static cpb_status make_room(cpb_rank_runs *list, size_t n, cpb_arena *arena)
{
    if (n <= list->room)
        return CPB_OK;
    list->room = 2 * n;
    list->runs = cpb_arena_take(arena, list->room, sizeof *list->runs);
    if (list->runs)
        return CPB_OK;
    list->room = 0;
    return CPB_NO_MEMORY;
}

/* The runs of the board, rank by rank and ascending: a patch that continues one of its
 * rank belongs to the same run. */
static void list_runs(const cpb_view *view, const cpb_board *board, cpb_rank_runs *list)
{
    const size_t ranks = (size_t)view->ranks;
    int64_t *const next = list->first;
    int32_t before = -1;
    next[0] = 0;
    for (size_t r = 0; r < ranks; r++)
        next[r + 1] = next[r] + board->runs[r];
    for (int32_t id = board->isle_first[0]; id >= 0; id = board->patch[id].next) {
        const int32_t rank = board->patch[id].rank;
        const cpb_range range = cpb_clipped(view, &board->patch[id]);
        if (rank == before)
            list->runs[next[rank] - 1].end = range.end;
        else
            list->runs[next[rank]++] = range;
        before = rank;
    }
    for (size_t r = ranks; r > 0; r--)
        next[r] = next[r - 1];
    next[0] = 0;
}

static bool holds_what_it_held(const cpb_count *count, int32_t r)
{
    const cpb_rank_runs *const now = &count->now, *const last = &count->last;
    const size_t n = (size_t)(now->first[r + 1] - now->first[r]);
    return count->counted && n == (size_t)(last->first[r + 1] - last->first[r]) &&
           !memcmp(now->runs + now->first[r], last->runs + last->first[r],
                   n * sizeof *now->runs);
}

cpb_status cpb_count_loads(cpb_count *count, const cpb_board *board)
{
    const cpb_lookup *const lookup = count->view->lookup;
    const int32_t ranks = count->view->ranks;
    cpb_status status = CPB_OK;
    if (!lookup->load) {
        memcpy(count->load, board->load, (size_t)ranks * sizeof *count->load);
        goto done;
    }
    CPB_TRY(make_room(&count->now, (size_t)board->n, count->arena));
    list_runs(count->view, board, &count->now);
    for (int32_t r = 0; r < ranks; r++) {
        const int64_t first = count->now.first[r];
        if (!holds_what_it_held(count, r))
            CPB_TRY(lookup->load(lookup, (size_t)(count->now.first[r + 1] - first),
                                 count->now.runs + first, &count->load[r]));
    }
    const cpb_rank_runs spare = count->last;
    count->last = count->now;
    count->now = spare;
    count->counted = true;
done:
    return status;
}
