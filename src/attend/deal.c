// SPDX-License-Identifier: Apache-2.0
/* Rows of the whole sequence to shards, and back. */
#include "base/error.h"
#include "base/memory.h"

#include <cpb/attend.h>

/* One round with room for everybody. */
typedef struct round_room {
    cpb_arena arena;
    cpb_give *gives;
    cpb_get *gets;
    cpb_round round;
} round_room;

static cpb_status room_open(round_room *room, int32_t ranks,
                            const cpb_allocator *allocator, cpb_error *error)
{
    *room = (round_room){.arena = {.allocator = cpb_allocator_or_default(allocator)}};
    room->gives = cpb_arena_take(&room->arena, (size_t)ranks, sizeof *room->gives);
    room->gets = cpb_arena_take(&room->arena, (size_t)ranks, sizeof *room->gets);
    room->round.gives = room->gives;
    room->round.gets = room->gets;
    return room->gives && room->gets ? CPB_OK : cpb_fail_memory(error);
}

static cpb_status room_run(const round_room *room, const cpb_link *link,
                           cpb_error *error)
{
    const cpb_status status = link->start(link->context, &room->round, error);
    return status == CPB_OK ? link->wait(link->context, error) : status;
}

static void add_give(round_room *room, cpb_give give)
{
    if (give.n_ranges)
        room->gives[room->round.n_gives++] = give;
}

static void add_get(round_room *room, cpb_get get)
{
    if (get.n_ranges)
        room->gets[room->round.n_gets++] = get;
}

cpb_status cpb_attend_shard(const cpb_plan *plan, const cpb_link *link, int32_t root,
                            const void *rows, size_t row_bytes, void *shard,
                            const cpb_allocator *allocator, cpb_error *error)
{
    const cpb_range all = {0, cpb_plan_size(plan, link->rank)};
    round_room room;
    cpb_status status = room_open(&room, link->ranks, allocator, error);
    if (status == CPB_OK) {
        for (int32_t r = 0; r < link->ranks && link->rank == root; r++)
            add_give(&room, (cpb_give){r, row_bytes, cpb_plan_n_runs(plan, r),
                                       cpb_plan_runs(plan, r), rows});
        add_get(&room, (cpb_get){root, row_bytes, all.end > 0, &all, shard});
        status = room_run(&room, link, error);
    }
    cpb_arena_free(&room.arena);
    return status;
}

cpb_status cpb_attend_unshard(const cpb_plan *plan, const cpb_link *link, int32_t root,
                              const void *shard, size_t row_bytes, void *rows,
                              const cpb_allocator *allocator, cpb_error *error)
{
    const cpb_range all = {0, cpb_plan_size(plan, link->rank)};
    round_room room;
    cpb_status status = room_open(&room, link->ranks, allocator, error);
    if (status == CPB_OK) {
        for (int32_t r = 0; r < link->ranks; r++) {
            if (r == root || root < 0)
                add_give(&room, (cpb_give){r, row_bytes, all.end > 0, &all, shard});
            if (link->rank == root || root < 0)
                add_get(&room, (cpb_get){r, row_bytes, cpb_plan_n_runs(plan, r),
                                         cpb_plan_runs(plan, r), rows});
        }
        status = room_run(&room, link, error);
    }
    cpb_arena_free(&room.arena);
    return status;
}
