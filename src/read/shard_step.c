// SPDX-License-Identifier: Apache-2.0
#include "shard_step.h"

#include "shard_load.h"

#include "../base/error.h"
#include "../mask/mask.h"

static cpb_wide pass_time(const cpb_setup *setup, int32_t ranks, int32_t rank,
                          const cpb_layer_cell *cell, bool backward)
{
    const cpb_wide work = backward ? cell->cost.backward : cell->cost.forward;
    const cpb_wide keys = cpb_key_time(setup, cell->tokens, cell->receive, backward);
    return cpb_setup_slowed(setup, ranks, rank, work + keys);
}

cpb_wide cpb_cell_compute(const cpb_setup *setup, int32_t ranks, int32_t rank,
                          const cpb_layer_cell *cell)
{
    return pass_time(setup, ranks, rank, cell, false) +
           pass_time(setup, ranks, rank, cell, true);
}

cpb_wide cpb_transfer_time(const cpb_setup *setup, int64_t keys, int64_t rate)
{
    const cpb_wide bytes = (cpb_wide)keys * cpb_setup_key_bytes(setup);
    return rate ? bytes * 1000000 / rate : 0;
}

/* How long one pass takes when the wire takes `wire` and the share own / pairs of the
 * compute can hide it. */
static cpb_wide overlapped(const cpb_setup *setup, const cpb_shard_cost *cost,
                           cpb_wide compute, cpb_wide wire)
{
    const cpb_wide own =
        cost->pairs ? compute * cost->own_pairs / cost->pairs : compute;
    switch (setup->overlap) {
    case CPB_OVERLAP_NONE:
        return compute + wire;
    case CPB_OVERLAP_IDEAL:
        return compute > wire ? compute : wire;
    case CPB_OVERLAP_TWO_STAGE:
    default:
        return (own > wire ? own : wire) + compute - own;
    }
}

cpb_wide cpb_cell_step(const cpb_setup *setup, int32_t ranks, int32_t rank,
                       const cpb_layer_cell *cell, cpb_wide wire)
{
    cpb_wide step = 0;
    for (int pass = 0; pass <= setup->backward; pass++)
        step += overlapped(setup, &cell->cost,
                           pass_time(setup, ranks, rank, cell, pass), wire);
    return step;
}

cpb_wide cpb_cell_step_floor(const cpb_setup *setup, int32_t ranks, int32_t rank,
                             const cpb_layer_cell *cell)
{
    const cpb_profile *const profile = &setup->profile;
    cpb_wide wire = 0;
    if (cell->receive && setup->kernel != CPB_RECURRENT)
        wire = profile->phase_latency +
               cpb_transfer_time(setup, cell->receive,
                                 setup->nodes ? profile->link_bytes_per_us
                                              : profile->net_bytes_per_us);
    return cpb_cell_step(setup, ranks, rank, cell, wire);
}

cpb_status cpb_shard_step_floor(const cpb_masks *masks, const cpb_setup *setup,
                                int32_t ranks, const cpb_own_runs *shard,
                                cpb_arena *scratch, cpb_wide *floor)
{
    const int64_t tokens = masks->mask[0]->tokens;
    cpb_own_keys own;
    cpb_status status;
    *floor = 0;
    CPB_TRY(cpb_own_keys_create(shard->runs, shard->n_runs, tokens, scratch, &own));
    for (size_t m = 0; m < masks->n; m++) {
        const cpb_mask *const mask = masks->mask[m];
        cpb_layer_cell cell = {.tokens = cpb_own_tokens(&own)};
        CPB_TRY(cpb_shard_cost_of(mask, setup, shard->runs, shard->n_runs, &own,
                                  scratch, &cell.cost));
        CPB_TRY(cpb_shard_receive(mask, setup, &own, scratch, &cell.receive));
        *floor += (masks->weight ? masks->weight[m] : 1) *
                  cpb_cell_step_floor(setup, ranks, shard->rank, &cell);
    }
done:
    return status;
}
