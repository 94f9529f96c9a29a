// SPDX-License-Identifier: Apache-2.0
/* From a plan and a setup to the problem that bounds of traffic are for. */
#include "receive_floor.h"

#include "../plan/plan.h"

/* A floor under the weight of any shard: what tiles, q-tiles, key tiles and tokens cost
 * at least, each tile having at most tile_q x tile_k pairs and each q-tile at most tile_q
 * queries, times tile_q x tile_k. */
static void set_weights(const cpb_setup *setup, bool all_see, cpb_wide load,
                        cpb_receive_problem *problem)
{
    const cpb_tiling tiling = cpb_setup_tiling(setup);
    const int64_t area = tiling.tile_q * tiling.tile_k;
    problem->limited = true;
    problem->limit = load * (setup->cost == CPB_PAIRS ? 1 : area);
    problem->per_pair = 1;
    if (setup->cost != CPB_PROFILE_TIME)
        return;
    problem->limited = setup->kernel != CPB_RECURRENT;
    problem->per_pair = 0;
    for (int pass = 0; pass <= setup->backward; pass++) {
        const cpb_prices price = cpb_setup_prices(setup, pass);
        problem->per_pair += cpb_min(price.full_tile, price.partial_tile);
        problem->per_token += (all_see ? price.q_tile * tiling.tile_k : 0) +
                              price.kv_tile * tiling.tile_q + price.token * area;
    }
}

/* Whether every query sees a key. */
static bool all_see(const cpb_mask *mask)
{
    int64_t reached = 0;
    for (size_t i = 0; i < mask->n_slices && mask->slices[i].queries.begin <= reached;
         i++)
        reached = cpb_max(reached, mask->slices[i].queries.end);
    return reached == mask->tokens;
}

/* Keys at least, under one mask. All-gather and ring bring everything to everybody. */
cpb_status cpb_receive_floor_of(const cpb_plan *plan, const cpb_mask *mask,
                                const cpb_setup *setup, cpb_wide load,
                                const cpb_allocator *allocator,
                                cpb_receive_floor *bound)
{
    const int32_t ranks = cpb_plan_ranks(plan);
    cpb_arena scratch = {.allocator = *allocator};
    cpb_receive_problem problem = {.mask = mask,
                                   .ranks = ranks,
                                   .positions =
                                       cpb_plan_tokens(plan) + cpb_plan_padding(plan)};
    if (setup->transport != CPB_EXCHANGE) {
        bound->total = (ranks - 1) * mask->tokens;
        bound->most = mask->tokens - mask->tokens / ranks;
        return CPB_OK;
    }
    problem.largest = cpb_plan_largest(plan);
    set_weights(setup, all_see(mask), load, &problem);
    const cpb_status status = cpb_receive_bound(&problem, &scratch, bound);
    cpb_arena_free(&scratch);
    return status;
}
