// SPDX-License-Identifier: Apache-2.0
/* Relaying: owners above the level are relieved piece by piece.
 *
 * An owner that sends `length` keys to s ranks may instead send them to one of these,
 * which passes them on to the s - 1 others: (s - 1) * length keys of sending move from
 * the owner to the relay, and nobody receives more. Sends of all ranks add up to
 * receives of all ranks, so the level that everyone is brought down to starts at the
 * largest receive and rises only while some owner cannot get below it. */
#include "relay.h"

#include "../base/range.h"
#include "../base/sort.h"

enum {
    PIECES_PER_LEVEL = 64, /* no relayed piece sends less than this share of the level,
                              unless it is the rest of something */
    RISE = 8               /* the level rises by this part of itself */
};

typedef struct relaying {
    int64_t *send;       /* [ranks] keys that a rank sends as things stand */
    int64_t level;       /* sends to come down to */
    cpb_key_cells cells; /* of the owners above the first level */
    cpb_item *turns;     /* [cells.n] many ranks first; value: index of the cell */
    cpb_relay_fn *deal;
    void *context;
} relaying;

/* Of the ranks that want a cell. Is it the owner, then all others are above the level as
 * well. */
static int32_t least_sending(const relaying *relay, const cpb_key_group *wanting)
{
    int32_t best = wanting->ranks[0];
    for (int32_t i = 1; i < wanting->n; i++) {
        const int32_t rank = wanting->ranks[i];
        if (relay->send[rank] < relay->send[best] ||
            (relay->send[rank] == relay->send[best] && rank < best))
            best = rank;
    }
    return best;
}

static cpb_status deal_out(const relaying *relay, const cpb_key_cell *cell, int32_t by,
                           cpb_range keys)
{
    return relay->deal ? relay->deal(relay->context, cell, by, keys) : CPB_OK;
}

/* Relay keys from the front of a cell while its owner is above the level and a rank of
 * the cell has room below it. What is left of the cell stays in it. */
static cpb_status relieve(relaying *relay, cpb_key_cell *cell)
{
    const int64_t others = cell->n_ranks - 1;
    int64_t *const send = relay->send;
    while (cell->keys.begin < cell->keys.end && send[cell->owner] > relay->level) {
        const int32_t by = least_sending(relay, cell->wanting);
        const int64_t excess = send[cell->owner] - relay->level;
        const int64_t wanted =
            cpb_min(cpb_range_length(cell->keys), cpb_ceil_div(excess, others));
        const int64_t room = (relay->level - send[by]) / others;
        const int64_t least = relay->level / PIECES_PER_LEVEL / others;
        if (room < cpb_min(wanted, cpb_max(1, least)))
            return CPB_OK;
        const int64_t length = cpb_min(wanted, room);
        const cpb_range keys = {cell->keys.begin, cell->keys.begin + length};
        cell->keys.begin = keys.end;
        send[cell->owner] -= others * length;
        send[by] += others * length;
        if (deal_out(relay, cell, by, keys) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return CPB_OK;
}

/* Bring every owner below the level as far as it goes.
 * \param[out] goes_on whether an owner is still above it and has keys to relay */
static cpb_status lower(relaying *relay, bool *goes_on)
{
    *goes_on = false;
    for (size_t i = 0; i < relay->cells.n; i++) {
        cpb_key_cell *const cell = &relay->cells.at[relay->turns[i].value];
        if (cell->n_ranks < 2)
            continue;
        if (relieve(relay, cell) != CPB_OK)
            return CPB_NO_MEMORY;
        *goes_on |= cell->keys.begin < cell->keys.end &&
                    relay->send[cell->owner] > relay->level;
    }
    return CPB_OK;
}

/* What is not relayed goes straight to all. */
static cpb_status deal_rest(const relaying *relay)
{
    for (size_t i = 0; i < relay->cells.n; i++) {
        const cpb_key_cell *const cell = &relay->cells.at[i];
        if (cell->keys.begin < cell->keys.end &&
            deal_out(relay, cell, -1, cell->keys) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return CPB_OK;
}

static cpb_status order_turns(relaying *relay, cpb_arena *arena)
{
    const size_t n = relay->cells.n;
    relay->turns = cpb_arena_take(arena, n, sizeof *relay->turns);
    cpb_item *const spare = cpb_arena_take(arena, n, sizeof *spare);
    if (!relay->turns || !spare)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        relay->turns[i] = (cpb_item){
            (uint64_t)(CPB_MAX_RANKS - relay->cells.at[i].n_ranks), (int64_t)i};
    cpb_sort(relay->turns, spare, n);
    return CPB_OK;
}

static cpb_status run(relaying *relay)
{
    for (bool goes_on = relay->cells.n > 0; goes_on;
         relay->level += cpb_max(1, relay->level / RISE))
        if (lower(relay, &goes_on) != CPB_OK)
            return CPB_NO_MEMORY;
    return deal_rest(relay);
}

cpb_status cpb_relay_run(const cpb_wants *wants, const cpb_owners *owners,
                         int64_t level, int64_t *send, cpb_relay_fn *deal,
                         void *context, cpb_arena *arena)
{
    relaying relay = {.send = send, .level = level, .deal = deal, .context = context};
    bool any = false;
    bool *const above = cpb_arena_take(arena, (size_t)owners->ranks, sizeof *above);
    if (!above)
        return CPB_NO_MEMORY;
    for (int32_t r = 0; r < owners->ranks; r++)
        any |= above[r] = send[r] > level;
    if (!any)
        return CPB_OK;
    if (cpb_cells_create(wants, owners, above, arena, &relay.cells) != CPB_OK ||
        order_turns(&relay, arena) != CPB_OK)
        return CPB_NO_MEMORY;
    return run(&relay);
}
