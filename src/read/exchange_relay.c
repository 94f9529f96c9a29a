// SPDX-License-Identifier: Apache-2.0
/* The relay form: pieces become transfers. */
#include "exchange.h"

#include "relay.h"

#include "../base/range.h"

/* Straight to all ranks of the cell, or to one of them which passes the keys on. */
static cpb_status add_piece(void *context, const cpb_key_cell *cell, int32_t by,
                            cpb_range keys)
{
    cpb_sketch *const sketch = context;
    if (by >= 0 && cpb_sketch_add(sketch, 0, cell->owner, by, keys) != CPB_OK)
        return CPB_NO_MEMORY;
    const int32_t step = by >= 0, from = by >= 0 ? by : cell->owner;
    return cpb_sketch_spread(sketch, step, from, cell, keys);
}

/* Sends of the flat form.
 * \param[out] level the largest receive */
static cpb_status count(const cpb_sketch *sketch, const cpb_transfers *lacks,
                        int64_t *send, int64_t *level)
{
    int64_t *const receive =
        cpb_arena_zeros(sketch->arena, (size_t)sketch->ranks, sizeof *receive);
    *level = 0;
    if (!receive)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < lacks->n; i++) {
        const cpb_transfer *const lack = &lacks->at[i];
        send[lack->from] += cpb_range_length(lack->keys);
        receive[lack->to] += cpb_range_length(lack->keys);
        *level = cpb_max(*level, receive[lack->to]);
    }
    return CPB_OK;
}

/* Lacks of owners that send no more than the level are transfers as they are. */
static cpb_status send_straight(cpb_sketch *sketch, const cpb_transfers *lacks,
                                const int64_t *send, int64_t level)
{
    for (size_t i = 0; i < lacks->n; i++)
        if (send[lacks->at[i].from] <= level &&
            cpb_transfers_add(&sketch->transfers, lacks->at[i]) != CPB_OK)
            return CPB_NO_MEMORY;
    return CPB_OK;
}

cpb_status cpb_form_relay(cpb_sketch *sketch)
{
    cpb_arena *const arena = sketch->arena;
    cpb_wants wants = {.arena = arena};
    cpb_transfers lacks = {.arena = arena};
    int64_t level;
    int64_t *const send = cpb_arena_zeros(arena, (size_t)sketch->ranks, sizeof *send);
    if (!send || cpb_sketch_wants(sketch, 0, sketch->ranks, &wants) != CPB_OK ||
        cpb_sketch_lacks(sketch, &wants, &lacks) != CPB_OK ||
        count(sketch, &lacks, send, &level) != CPB_OK ||
        send_straight(sketch, &lacks, send, level) != CPB_OK)
        return CPB_NO_MEMORY;
    return cpb_relay_run(&wants, &sketch->places.owners, level, send, add_piece, sketch,
                         arena);
}
