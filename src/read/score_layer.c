// SPDX-License-Identifier: Apache-2.0
/* Costs, traffic and modelled time of one mask. */
#include "score_layer.h"

#include <string.h>

static size_t peer_bytes(const cpb_layer *layer)
{
    return ((size_t)layer->ranks + 7) / 8;
}

cpb_status cpb_layer_start(cpb_layer *layer, const cpb_mask *mask, int64_t weight,
                           const cpb_setup *setup, const cpb_plan *plan,
                           const cpb_owners *owners, cpb_arena *arena)
{
    const size_t ranks = (size_t)cpb_plan_ranks(plan);
    const size_t nodes = (size_t)setup->nodes;
    *layer = (cpb_layer){
        .mask = mask,
        .weight = weight,
        .setup = setup,
        .plan = plan,
        .owners = owners,
        .ranks = cpb_plan_ranks(plan),
        .arena = arena,
        .node_memory = {.allocator = arena->allocator},
    };
    layer->cells = cpb_arena_zeros(arena, ranks, sizeof *layer->cells);
    layer->peers = cpb_arena_zeros(arena, ranks, peer_bytes(layer));
    layer->net_in = cpb_arena_zeros(arena, nodes, sizeof *layer->net_in);
    layer->net_out = cpb_arena_zeros(arena, nodes, sizeof *layer->net_out);
    for (size_t i = 0; layer->cells && i < owners->n; i++)
        layer->cells[owners->rank[i]].tokens += cpb_range_length(owners->runs[i]);
    return layer->cells && layer->peers && layer->net_in && layer->net_out
               ? CPB_OK
               : CPB_NO_MEMORY;
}

void cpb_layer_free(cpb_layer *layer)
{
    cpb_arena_free(&layer->node_memory);
}

static void mark_peers(cpb_layer *layer, int32_t a, int32_t b)
{
    uint8_t *const bits = layer->peers;
    const size_t bytes = peer_bytes(layer);
    bits[(size_t)a * bytes + (size_t)b / 8] |= (uint8_t)(1 << b % 8);
    bits[(size_t)b * bytes + (size_t)a / 8] |= (uint8_t)(1 << a % 8);
}

static int32_t count_bits(uint8_t byte)
{
    int32_t count = 0;
    for (; byte; byte &= (uint8_t)(byte - 1))
        count++;
    return count;
}

int32_t cpb_layers_peers(const cpb_layer *layers, size_t n, int32_t rank)
{
    const size_t bytes = peer_bytes(&layers[0]);
    int32_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        uint8_t any = 0;
        for (size_t m = 0; m < n; m++)
            any |= layers[m].peers[(size_t)rank * bytes + i];
        count += count_bits(any);
    }
    return count;
}

static void count_owners(const cpb_owners *owners, const cpb_ranges *ranges,
                         int64_t *keys_from)
{
    for (size_t i = 0; i < ranges->n; i++)
        cpb_owners_count(owners, ranges->ranges[i], keys_from);
}

/* Note what `rank` takes from each owner. */
static void take(cpb_layer *layer, int32_t rank, const int64_t *keys_from, int64_t *got)
{
    for (int32_t owner = 0; owner < layer->ranks; owner++) {
        if (owner == rank || !keys_from[owner])
            continue;
        layer->cells[rank].receive += keys_from[owner];
        layer->cells[owner].send += keys_from[owner];
        got[owner] += layer->weight * keys_from[owner];
        mark_peers(layer, owner, rank);
        if (!layer->setup->nodes)
            layer->busiest = cpb_max(layer->busiest, layer->cells[owner].send);
    }
    layer->busiest = cpb_max(layer->busiest, layer->cells[rank].receive);
}

/* The needs of all ranks of a node are known: each key enters it once. */
static cpb_status close_node(cpb_layer *layer, int32_t node, int64_t *keys_from)
{
    const int32_t node_ranks = layer->ranks / layer->setup->nodes;
    if (cpb_ranges_normalise(&layer->node_needs) != CPB_OK)
        return CPB_NO_MEMORY;
    memset(keys_from, 0, (size_t)layer->ranks * sizeof *keys_from);
    count_owners(layer->owners, &layer->node_needs, keys_from);
    for (int32_t owner = 0; owner < layer->ranks; owner++) {
        const int32_t from = owner / node_ranks;
        if (from == node)
            continue;
        layer->net_in[node] += keys_from[owner];
        layer->net_out[from] += keys_from[owner];
    }
    cpb_arena_free(&layer->node_memory);
    layer->node_needs = (cpb_ranges){.arena = &layer->node_memory};
    return CPB_OK;
}

static cpb_status add_node_needs(cpb_layer *layer, int32_t rank,
                                 const cpb_ranges *needs, int64_t *keys_from)
{
    const int32_t node_ranks = layer->ranks / layer->setup->nodes;
    layer->node_needs.arena = &layer->node_memory;
    for (size_t i = 0; i < needs->n; i++)
        if (cpb_ranges_add(&layer->node_needs, needs->ranges[i]) != CPB_OK)
            return CPB_NO_MEMORY;
    return rank % node_ranks == node_ranks - 1
               ? close_node(layer, rank / node_ranks, keys_from)
               : CPB_OK;
}

static cpb_status exchange_rank(cpb_layer *layer, const cpb_own_runs *shard,
                                cpb_arena *scratch, int64_t *keys_from, int64_t *got)
{
    cpb_ranges needs = {.arena = scratch};
    if (cpb_needs_of(layer->mask, shard->runs, shard->n_runs, &needs) != CPB_OK)
        return CPB_NO_MEMORY;
    count_owners(layer->owners, &needs, keys_from);
    take(layer, shard->rank, keys_from, got);
    return layer->setup->nodes ? add_node_needs(layer, shard->rank, &needs, keys_from)
                               : CPB_OK;
}

cpb_status cpb_layer_add_rank(cpb_layer *layer, const cpb_own_runs *shard,
                              const cpb_own_keys *own, cpb_arena *scratch, int64_t *got)
{
    cpb_layer_cell *const cell = &layer->cells[shard->rank];
    int64_t *const keys_from =
        cpb_arena_zeros(scratch, (size_t)layer->ranks, sizeof *keys_from);
    if (!keys_from || cpb_shard_cost_of(layer->mask, layer->setup, shard->runs,
                                        shard->n_runs, scratch, &cell->cost) != CPB_OK)
        return CPB_NO_MEMORY;
    cpb_shard_pairs_of(layer->mask, own, &cell->cost);
    if (layer->setup->transport == CPB_EXCHANGE)
        return exchange_rank(layer, shard, scratch, keys_from, got);

    /* All-gather and ring: everything that others own. */
    for (int32_t r = 0; r < layer->ranks; r++)
        keys_from[r] = layer->cells[r].tokens;
    take(layer, shard->rank, keys_from, got);
    return CPB_OK;
}

/* All-gather and ring: a ring carries each key over a card once per node. */
static void fill_cards(cpb_layer *layer)
{
    const int32_t nodes = layer->setup->nodes;
    const int64_t tokens = cpb_plan_tokens(layer->plan);
    for (int32_t r = 0; r < layer->ranks; r++)
        layer->net_out[r / (layer->ranks / nodes)] += layer->cells[r].tokens;
    for (int32_t i = 0; i < nodes; i++) {
        layer->net_in[i] = tokens - layer->net_out[i];
        layer->net_out[i] *= nodes - 1;
    }
}

cpb_status cpb_layer_finish(cpb_layer *layer)
{
    if (layer->setup->nodes && layer->setup->transport != CPB_EXCHANGE)
        fill_cards(layer);
    return CPB_OK;
}

cpb_wide cpb_layer_compute(const cpb_layer *layer, int32_t rank)
{
    return cpb_cell_compute(layer->setup, layer->ranks, rank, &layer->cells[rank]);
}

/* Keys through the busiest card of a node, of the ranks that were added. */
static int64_t busiest_card(const cpb_layer *layer)
{
    int64_t net = 0;
    for (int32_t i = 0; i < layer->setup->nodes; i++)
        net = cpb_max(net, cpb_max(layer->net_in[i], layer->net_out[i]));
    return net;
}

static cpb_wide wire_time(const cpb_layer *layer)
{
    int64_t receive = 0, send = 0, peers = 0;
    for (int32_t r = 0; r < layer->ranks; r++) {
        receive = cpb_max(receive, layer->cells[r].receive);
        send = cpb_max(send, layer->cells[r].send);
        peers = cpb_max(peers, cpb_layers_peers(layer, 1, r));
    }
    const int64_t busiest = layer->setup->nodes ? receive : cpb_max(receive, send);
    return cpb_wire_time(layer->setup, busiest, busiest_card(layer), peers);
}

cpb_wide cpb_layer_step(const cpb_layer *layer)
{
    const cpb_wide wire = wire_time(layer);
    cpb_wide longest = 0;
    for (int32_t r = 0; r < layer->ranks; r++) {
        const cpb_wide step =
            cpb_cell_step(layer->setup, layer->ranks, r, &layer->cells[r], wire);
        longest = step > longest ? step : longest;
    }
    return longest;
}

cpb_wide cpb_layer_step_floor(cpb_layer *layer, int32_t rank)
{
    const cpb_setup *const setup = layer->setup;
    const cpb_wide wire = cpb_wire_time(setup, layer->busiest, busiest_card(layer), 0);
    const cpb_wide step =
        cpb_cell_step(setup, layer->ranks, rank, &layer->cells[rank], wire);
    const cpb_wide slowest = cpb_cell_step(setup, layer->ranks, layer->slowest,
                                           &layer->cells[layer->slowest], wire);
    if (step <= slowest)
        return slowest;
    layer->slowest = rank;
    return step;
}

typedef struct tile_sum {
    const cpb_tiling *tiling;
    int64_t tiles;
} tile_sum;

static void add_tiles(void *context, const cpb_stretch *stretch)
{
    tile_sum *const sum = context;
    for (int64_t i = 0; i < stretch->n; i++)
        sum->tiles += cpb_stretch_count(stretch, sum->tiling, i).nonempty;
}

cpb_status cpb_layer_tiles(const cpb_layer *layer, const cpb_range *runs, size_t n_runs,
                           int64_t *tiles)
{
    cpb_tiling tiling = cpb_setup_tiling(layer->setup);
    cpb_arena scratch = {.allocator = layer->arena->allocator};
    tiling.split = false;
    tile_sum sum = {.tiling = &tiling};
    const cpb_status status =
        cpb_tiles_visit(layer->mask, &tiling, runs, n_runs, &scratch, add_tiles, &sum);
    cpb_arena_free(&scratch);
    *tiles = sum.tiles;
    return status;
}
