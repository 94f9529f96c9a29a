// SPDX-License-Identifier: Apache-2.0
/* What ranks send under one mask when keys go by the relay form. */
#include "score_layer.h"

#include "relay.h"

/* What all ranks need is worked out anew: most plans never come here, and a rank's needs
 * are many where a plan is shredded. */
static cpb_status add_wants(const cpb_layer *layer, cpb_wants *wants)
{
    cpb_status status = CPB_OK;
    for (int32_t r = 0; status == CPB_OK && r < layer->ranks; r++) {
        cpb_arena scratch = {.allocator = layer->arena->allocator};
        cpb_ranges needs = {.arena = &scratch};
        status = cpb_needs_of(layer->mask, cpb_plan_runs(layer->plan, r),
                              cpb_plan_n_runs(layer->plan, r), &needs);
        if (status == CPB_OK)
            status = cpb_wants_add(wants, r, &needs);
        cpb_arena_free(&scratch);
    }
    return status;
}

cpb_status cpb_layer_relay(const cpb_layer *layer, int64_t *send)
{
    cpb_arena scratch = {.allocator = layer->arena->allocator};
    cpb_wants wants = {.arena = &scratch};
    int64_t most = 0, level = 0;
    for (int32_t r = 0; r < layer->ranks; r++) {
        send[r] = layer->cells[r].send;
        most = cpb_max(most, send[r]);
        level = cpb_max(level, layer->cells[r].receive);
    }
    if (most <= level || layer->setup->transport != CPB_EXCHANGE)
        return CPB_OK;
    cpb_status status = add_wants(layer, &wants);
    if (status == CPB_OK)
        status =
            cpb_relay_run(&wants, layer->owners, level, send, NULL, NULL, &scratch);
    cpb_arena_free(&scratch);
    return status;
}
