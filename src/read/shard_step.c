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

/* Picoseconds that `keys` take at a rate in bytes per microsecond; 0: free. */
static cpb_wide transfer_time(const cpb_setup *setup, int64_t keys, int64_t rate)
{
    const cpb_wide bytes = (cpb_wide)keys * cpb_setup_key_bytes(setup);
    return rate ? bytes * 1000000 / rate : 0;
}

cpb_wide cpb_wire_time(const cpb_setup *setup, int64_t busiest, int64_t net,
                       int64_t peers)
{
    const cpb_profile *const profile = &setup->profile;
    if (setup->kernel == CPB_RECURRENT || (!busiest && !net))
        return 0;
    const cpb_wide latency = (cpb_wide)profile->phase_latency * (net ? 2 : 1) +
                             (cpb_wide)profile->peer_latency * peers;
    if (!setup->nodes)
        return latency + transfer_time(setup, busiest, profile->net_bytes_per_us);
    const cpb_wide outside = transfer_time(setup, net, profile->net_bytes_per_us);
    const cpb_wide inside = transfer_time(setup, busiest, profile->link_bytes_per_us);
    return latency + (outside > inside ? outside : inside);
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
                             const cpb_layer_cell *cell, int64_t net)
{
    return cpb_cell_step(setup, ranks, rank, cell,
                         cpb_wire_time(setup, cell->receive, net, 0));
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
                  cpb_cell_step_floor(setup, ranks, shard->rank, &cell, 0);
    }
done:
    return status;
}
