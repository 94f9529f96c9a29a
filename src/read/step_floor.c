// SPDX-License-Identifier: Apache-2.0
/* The compute part of a step time. */
#include "step_floor.h"

#include "shard_cost.h"

static cpb_status slowest_rank(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_setup *setup, cpb_arena *scratch,
                               cpb_wide *slowest)
{
    *slowest = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++) {
        cpb_shard_cost cost;
        if (cpb_shard_cost_of(mask, setup, cpb_plan_runs(plan, r),
                              cpb_plan_n_runs(plan, r), NULL, scratch, &cost) != CPB_OK)
            return CPB_NO_MEMORY;
        const cpb_wide compute = cpb_setup_slowed(setup, cpb_plan_ranks(plan), r,
                                                  cost.forward + cost.backward);
        *slowest = compute > *slowest ? compute : *slowest;
    }
    return CPB_OK;
}

cpb_status cpb_step_floor(const cpb_plan *plan, const cpb_masks *masks,
                          const cpb_setup *setup, const cpb_allocator *allocator,
                          int64_t *floor)
{
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_setup timed = *setup;
    cpb_wide sum = 0;
    cpb_status status = CPB_OK;

    timed.cost = CPB_PROFILE_TIME;
    for (size_t m = 0; m < masks->n && status == CPB_OK; m++) {
        cpb_wide slowest;
        status = slowest_rank(plan, masks->mask[m], &timed, &scratch, &slowest);
        sum += status == CPB_OK
                   ? slowest * (masks->weight ? masks->weight[m] : 1)
                   : 0;
    }
    cpb_arena_free(&scratch);
    *floor = sum > CPB_MAX_COST ? CPB_MAX_COST : (int64_t)sum;
    return status;
}
