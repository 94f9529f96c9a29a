// SPDX-License-Identifier: Apache-2.0
/* The relay form: the largest send comes near the largest receive.
 *
 * An owner that sends `length` keys to s ranks may instead send them to one of these,
 * which passes them on to the s - 1 others: (s - 1) * length keys of sending move from
 * the owner to the relay, and nobody receives more. Sends of all ranks add up to
 * receives of all ranks, so the level that everyone is brought down to starts at the
 * largest receive and rises only while some owner cannot get below it. */
#include "exchange.h"

#include "../base/range.h"
#include "../base/sort.h"

enum {
    PIECES_PER_LEVEL = 64, /* no relayed piece sends less than this share of the level,
                              unless it is the rest of something */
    RISE = 8               /* the level rises by this part of itself */
};

typedef struct relaying {
    cpb_sketch *sketch;
    int64_t *send;   /* [ranks] keys that a rank sends as things stand */
    int64_t level;   /* sends to come down to */
    cpb_cells cells; /* of the owners above the first level */
    cpb_item *turns; /* [cells.n] many ranks first; value: index of the cell */
} relaying;

static int32_t least_sending(const relaying *relay, const cpb_cell *cell)
{
    int32_t best = cell->ranks[0];
    for (int32_t i = 1; i < cell->n_ranks; i++) {
        const int32_t rank = cell->ranks[i];
        if (relay->send[rank] < relay->send[best] ||
            (relay->send[rank] == relay->send[best] && rank < best))
            best = rank;
    }
    return best;
}

static cpb_status pass_on(relaying *relay, const cpb_cell *cell, int32_t by,
                          cpb_range keys)
{
    const int64_t moved = (cell->n_ranks - 1) * cpb_range_length(keys);
    relay->send[cell->owner] -= moved;
    relay->send[by] += moved;
    if (cpb_sketch_add(relay->sketch, 0, cell->owner, by, keys) != CPB_OK)
        return CPB_NO_MEMORY;
    for (int32_t i = 0; i < cell->n_ranks; i++)
        if (cell->ranks[i] != by &&
            cpb_sketch_add(relay->sketch, 1, by, cell->ranks[i], keys) != CPB_OK)
            return CPB_NO_MEMORY;
    return CPB_OK;
}

/* Relay keys from the front of a cell while its owner is above the level and a rank of
 * the cell has room below it. What is left of the cell stays in it. */
static cpb_status relieve(relaying *relay, cpb_cell *cell)
{
    const int64_t others = cell->n_ranks - 1;
    while (cell->keys.begin < cell->keys.end &&
           relay->send[cell->owner] > relay->level) {
        const int32_t by = least_sending(relay, cell);
        const int64_t excess = relay->send[cell->owner] - relay->level;
        const int64_t wanted =
            cpb_min(cpb_range_length(cell->keys), cpb_ceil_div(excess, others));
        const int64_t room = (relay->level - relay->send[by]) / others;
        const int64_t least = relay->level / PIECES_PER_LEVEL / others;
        if (room < cpb_min(wanted, cpb_max(1, least)))
            return CPB_OK;
        const int64_t length = cpb_min(wanted, room);
        const cpb_range keys = {cell->keys.begin, cell->keys.begin + length};
        cell->keys.begin = keys.end;
        if (pass_on(relay, cell, by, keys) != CPB_OK)
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
        cpb_cell *const cell = &relay->cells.at[relay->turns[i].value];
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
static cpb_status send_rest(relaying *relay)
{
    for (size_t i = 0; i < relay->cells.n; i++) {
        const cpb_cell *const cell = &relay->cells.at[i];
        for (int32_t k = 0; cell->keys.begin < cell->keys.end && k < cell->n_ranks; k++)
            if (cpb_sketch_add(relay->sketch, 0, cell->owner, cell->ranks[k],
                               cell->keys) != CPB_OK)
                return CPB_NO_MEMORY;
    }
    return CPB_OK;
}

static cpb_status order_turns(relaying *relay)
{
    cpb_arena *const arena = relay->sketch->arena;
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

/* Count sends and set the level to the largest receive. */
static cpb_status count(relaying *relay, const cpb_transfers *lacks)
{
    const size_t ranks = (size_t)relay->sketch->ranks;
    cpb_arena *const arena = relay->sketch->arena;
    int64_t *const receive = cpb_arena_zeros(arena, ranks, sizeof *receive);
    relay->send = cpb_arena_zeros(arena, ranks, sizeof *relay->send);
    if (!receive || !relay->send)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < lacks->n; i++) {
        const int64_t length = cpb_range_length(lacks->at[i].keys);
        relay->send[lacks->at[i].from] += length;
        receive[lacks->at[i].to] += length;
        relay->level = cpb_max(relay->level, receive[lacks->at[i].to]);
    }
    return CPB_OK;
}

/* Lacks of owners that send no more than the level are transfers as they are; those of
 * the others become cells. */
static cpb_status divide(relaying *relay, const cpb_transfers *lacks)
{
    cpb_transfers above = {.arena = relay->sketch->arena};
    for (size_t i = 0; i < lacks->n; i++) {
        const bool relays = relay->send[lacks->at[i].from] > relay->level;
        if (cpb_transfers_add(relays ? &above : &relay->sketch->transfers,
                              lacks->at[i]) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    if (cpb_cells_create(&above, relay->sketch->arena, &relay->cells) != CPB_OK)
        return CPB_NO_MEMORY;
    return order_turns(relay);
}

cpb_status cpb_form_relay(cpb_sketch *sketch)
{
    relaying relay = {.sketch = sketch};
    cpb_transfers lacks = {.arena = sketch->arena};
    for (int32_t r = 0; r < sketch->ranks; r++)
        if (cpb_sketch_lacks(sketch, r, &lacks) != CPB_OK)
            return CPB_NO_MEMORY;
    if (count(&relay, &lacks) != CPB_OK || divide(&relay, &lacks) != CPB_OK)
        return CPB_NO_MEMORY;

    for (bool goes_on = relay.cells.n > 0; goes_on;
         relay.level += cpb_max(1, relay.level / RISE))
        if (lower(&relay, &goes_on) != CPB_OK)
            return CPB_NO_MEMORY;
    return send_rest(&relay);
}
