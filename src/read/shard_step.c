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

static int64_t weight_of(const cpb_masks *masks, size_t m)
{
    return masks->weight ? masks->weight[m] : 1;
}

static int64_t tokens_of(const cpb_own_runs *shard, int64_t tokens)
{
    int64_t held = 0;
    for (size_t i = 0; i < shard->n_runs; i++)
        held += cpb_max(0, cpb_min(shard->runs[i].end, tokens) - shard->runs[i].begin);
    return held;
}

cpb_status cpb_shard_wire_floor(const cpb_masks *masks, const cpb_setup *setup,
                                const cpb_own_keys *own, cpb_arena *scratch,
                                cpb_layer_cell *cells, cpb_wide *floor)
{
    cpb_status status = CPB_OK;
    *floor = 0;
    for (size_t m = 0; m < masks->n; m++) {
        int64_t *const receive = &cells[m].receive;
        CPB_TRY(cpb_shard_receive(masks->mask[m], setup, own, scratch, receive));
        *floor += weight_of(masks, m) * (setup->backward ? 2 : 1) *
                  cpb_wire_time(setup, *receive, 0, 0);
    }
done:
    return status;
}

cpb_status cpb_shard_compute_floor(const cpb_masks *masks, const cpb_setup *setup,
                                   int32_t ranks, const cpb_own_runs *shard,
                                   cpb_arena *scratch, cpb_layer_cell *cells,
                                   cpb_wide *floor)
{
    const int64_t tokens = tokens_of(shard, masks->mask[0]->tokens);
    cpb_status status = CPB_OK;
    *floor = 0;
    for (size_t m = 0; m < masks->n; m++) {
        cells[m].tokens = tokens;
        CPB_TRY(cpb_shard_cost_of(masks->mask[m], setup, shard->runs, shard->n_runs,
                                  scratch, &cells[m].cost));
        *floor += weight_of(masks, m) *
                  cpb_cell_compute(setup, ranks, shard->rank, &cells[m]);
    }
done:
    return status;
}

cpb_wide cpb_shard_step_floor(const cpb_masks *masks, const cpb_setup *setup,
                              int32_t ranks, int32_t rank, const cpb_own_keys *own,
                              cpb_layer_cell *cells)
{
    cpb_wide floor = 0;
    for (size_t m = 0; m < masks->n; m++) {
        cpb_shard_pairs_of(masks->mask[m], own, &cells[m].cost);
        floor += weight_of(masks, m) *
                 cpb_cell_step(setup, ranks, rank, &cells[m],
                               cpb_wire_time(setup, cells[m].receive, 0, 0));
    }
    return floor;
}

cpb_status cpb_node_step_floor(const cpb_masks *masks, const cpb_setup *setup,
                               int32_t ranks, const cpb_own_runs *node,
                               cpb_arena *scratch, const cpb_layer_cell *cells,
                               cpb_wide *floor)
{
    const int64_t tokens = masks->mask[0]->tokens;
    cpb_own_keys own;
    cpb_status status;
    *floor = 0;
    CPB_TRY(cpb_own_keys_create(node->runs, node->n_runs, tokens, scratch, &own));
    for (size_t m = 0; m < masks->n; m++) {
        int64_t net;
        CPB_TRY(cpb_shard_receive(masks->mask[m], setup, &own, scratch, &net));
        *floor += weight_of(masks, m) *
                  cpb_cell_step(setup, ranks, node->rank, &cells[m],
                                cpb_wire_time(setup, cells[m].receive, net, 0));
    }
done:
    return status;
}
