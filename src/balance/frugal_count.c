// SPDX-License-Identifier: Apache-2.0
/* A board's runs, rank by rank, for the lookup that counts loads. */
#include "frugal_count.h"

#include <string.h>

cpb_status cpb_count_create(const cpb_view *view, cpb_arena *arena, cpb_count *count)
{
    const size_t ranks = (size_t)view->ranks;
    *count = (cpb_count){.view = view, .arena = arena};
    count->load = cpb_arena_take(arena, ranks, sizeof *count->load);
    count->first = cpb_arena_take(arena, ranks + 1, sizeof *count->first);
    return count->load && count->first ? CPB_OK : CPB_NO_MEMORY;
}

static cpb_status make_room(cpb_count *count, size_t n)
{
    if (n <= count->room)
        return CPB_OK;
    count->room = 2 * n;
    count->runs = cpb_arena_take(count->arena, count->room, sizeof *count->runs);
    if (count->runs)
        return CPB_OK;
    count->room = 0;
    return CPB_NO_MEMORY;
}

/* The runs of the board, rank by rank and ascending. */
static void list_runs(cpb_count *count, const cpb_board *board)
{
    const size_t ranks = (size_t)count->view->ranks;
    int64_t *const first = count->first;
    first[0] = 0;
    for (size_t r = 0; r < ranks; r++)
        first[r + 1] = first[r] + board->rank_n[r];
    for (int32_t id = board->isle_first[0]; id >= 0; id = board->patch[id].next)
        count->runs[first[board->patch[id].rank]++] =
            cpb_clipped(count->view, &board->patch[id]);
    for (size_t r = ranks; r > 0; r--)
        first[r] = first[r - 1];
    first[0] = 0;
}

cpb_status cpb_count_loads(cpb_count *count, const cpb_board *board)
{
    const cpb_lookup *const lookup = count->view->lookup;
    if (!lookup->loads) {
        memcpy(count->load, board->load,
               (size_t)count->view->ranks * sizeof *count->load);
        return CPB_OK;
    }
    if (make_room(count, (size_t)board->n) != CPB_OK)
        return CPB_NO_MEMORY;
    list_runs(count, board);
    return lookup->loads(lookup, count->first, count->runs, count->load);
}
