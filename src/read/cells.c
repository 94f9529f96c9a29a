// SPDX-License-Identifier: Apache-2.0
/* A sweep over the sequence that knows who wants each key. */
#include "cells.h"

#include "../base/range.h"
#include "../base/sort.h"

#include <string.h>

typedef struct sweep {
    cpb_item *events; /* [n] key: 2 * position, + 1 where a want begins; value: rank */
    size_t n;
    size_t next;
    int32_t *active; /* [n_active] ranks that want the position */
    int32_t *place;  /* [ranks] where a rank stands among them, or -1 */
    int32_t n_active;
    const cpb_key_group *group; /* a copy of them, NULL once they changed */
    int32_t owner;              /* of the last cell */
    bool changed; /* whether others than this owner began or ended since */
} sweep;

cpb_status cpb_wants_add(cpb_wants *list, int32_t rank, const cpb_ranges *needs)
{
    const size_t n = list->n + needs->n;
    if (n > list->room) {
        const size_t room = 2 * n;
        cpb_want *const grown = cpb_arena_take(list->arena, room, sizeof *grown);
        if (!grown)
            return CPB_NO_MEMORY;
        if (list->n)
            memcpy(grown, list->at, list->n * sizeof *grown);
        list->at = grown;
        list->room = room;
    }
    for (size_t i = 0; i < needs->n; i++)
        list->at[list->n++] = (cpb_want){needs->ranges[i], rank};
    return CPB_OK;
}

static cpb_status start(sweep *s, const cpb_wants *wants, int32_t ranks,
                        cpb_arena *arena)
{
    *s = (sweep){.n = 2 * wants->n};
    s->events = cpb_arena_take(arena, s->n, sizeof *s->events);
    cpb_item *const spare = cpb_arena_take(arena, s->n, sizeof *spare);
    s->active = cpb_arena_take(arena, (size_t)ranks, sizeof *s->active);
    s->place = cpb_arena_take(arena, (size_t)ranks, sizeof *s->place);
    if (!s->events || !spare || !s->active || !s->place)
        return CPB_NO_MEMORY;
    for (int32_t r = 0; r < ranks; r++)
        s->place[r] = -1;
    for (size_t i = 0; i < wants->n; i++) {
        const cpb_want *const want = &wants->at[i];
        s->events[2 * i] =
            (cpb_item){2 * (uint64_t)want->keys.begin + 1, (int64_t)want->rank};
        s->events[2 * i + 1] =
            (cpb_item){2 * (uint64_t)want->keys.end, (int64_t)want->rank};
    }
    cpb_sort(s->events, spare, s->n);
    return CPB_OK;
}

static int64_t next_position(const sweep *s)
{
    return (int64_t)(s->events[s->next].key / 2);
}

static void take_up(sweep *s, int32_t rank)
{
    s->place[rank] = s->n_active;
    s->active[s->n_active++] = rank;
}

static void let_go(sweep *s, int32_t rank)
{
    const int32_t last = s->active[--s->n_active];
    s->active[s->place[rank]] = last;
    s->place[last] = s->place[rank];
    s->place[rank] = -1;
}

/* Everything that ends or begins at `position`, in this order. */
static void pass(sweep *s, int64_t position)
{
    for (; s->next < s->n && next_position(s) == position; s->next++) {
        const int32_t rank = (int32_t)s->events[s->next].value;
        (s->events[s->next].key % 2 ? take_up : let_go)(s, rank);
        s->changed |= rank != s->owner;
        s->group = NULL;
    }
}

static cpb_status copy_active(sweep *s, cpb_arena *arena)
{
    const size_t n = (size_t)s->n_active;
    cpb_key_group *const group = cpb_arena_take(arena, 1, sizeof *group);
    int32_t *const ranks = cpb_arena_take(arena, n, sizeof *ranks);
    if (!group || !ranks)
        return CPB_NO_MEMORY;
    memcpy(ranks, s->active, n * sizeof *ranks);
    *group = (cpb_key_group){s->n_active, ranks};
    s->group = group;
    return CPB_OK;
}

/* Keys of one owner that the active ranks want, but for the owner itself. */
static cpb_status add_keys(sweep *s, cpb_range keys, int32_t owner, cpb_arena *arena,
                           cpb_key_cells *cells)
{
    cpb_key_cell *const last = cells->n ? &cells->at[cells->n - 1] : NULL;
    const int32_t n_ranks = s->n_active - (s->place[owner] >= 0);
    if (!n_ranks)
        return CPB_OK;
    if (last && last->owner == owner && last->keys.end == keys.begin && !s->changed) {
        last->keys.end = keys.end;
        return CPB_OK;
    }
    if (!s->group && copy_active(s, arena) != CPB_OK)
        return CPB_NO_MEMORY;
    cells->at[cells->n++] = (cpb_key_cell){keys, owner, n_ranks, s->group};
    s->owner = owner;
    s->changed = false;
    return CPB_OK;
}

cpb_status cpb_cells_create(const cpb_wants *wants, const cpb_owners *owners,
                            const bool *chosen, cpb_arena *arena, cpb_key_cells *cells)
{
    sweep s;
    size_t run = 0;
    int64_t position = 0;
    *cells = (cpb_key_cells){0};
    /* A cell begins where a want begins or ends, or a run begins. */
    cells->at = cpb_arena_take(arena, 2 * wants->n + owners->n, sizeof *cells->at);
    if (!cells->at || start(&s, wants, owners->ranks, arena) != CPB_OK)
        return CPB_NO_MEMORY;
    for (pass(&s, position); s.next < s.n; pass(&s, position)) {
        if (!s.n_active) {
            position = next_position(&s);
            run = cpb_owners_find(owners, position);
            continue;
        }
        const int32_t owner = owners->rank[run];
        const cpb_range keys = {position,
                                cpb_min(owners->runs[run].end, next_position(&s))};
        if ((!chosen || chosen[owner]) &&
            add_keys(&s, keys, owner, arena, cells) != CPB_OK)
            return CPB_NO_MEMORY;
        position = keys.end;
        run += owners->runs[run].end == position;
    }
    return CPB_OK;
}
