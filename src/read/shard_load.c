// SPDX-License-Identifier: Apache-2.0
#include "shard_load.h"

#include "../base/error.h"
#include "../mask/mask.h"

int64_t cpb_foreign_keys(const cpb_ranges *needs, const cpb_own_keys *own)
{
    int64_t keys = 0;
    size_t o = 0;
    for (size_t i = 0; i < needs->n; i++) {
        const cpb_range need = needs->ranges[i];
        keys += cpb_range_length(need);
        while (o < own->n && own->runs[o].end <= need.begin)
            o++;
        for (size_t j = o; j < own->n && own->runs[j].begin < need.end; j++)
            keys -= cpb_range_length(cpb_range_intersect(own->runs[j], need));
    }
    return keys;
}

cpb_wide cpb_key_time(const cpb_setup *setup, int64_t tokens, int64_t receive,
                      bool backward)
{
    const cpb_prices price = cpb_setup_prices(setup, backward);
    if (setup->kernel == CPB_RECURRENT || (backward && !setup->backward))
        return 0;
    return (cpb_wide)price.kv_tile *
               cpb_ceil_div(tokens + receive, setup->profile.tile_k) +
           (cpb_wide)price.received_key * receive;
}

/* Whether keys that a rank receives cost it anything. */
static bool prices_keys(const cpb_setup *setup)
{
    return cpb_key_time(setup, 0, setup->profile.tile_k, false) > 0 ||
           cpb_key_time(setup, 0, setup->profile.tile_k, true) > 0;
}

cpb_status cpb_shard_receive(const cpb_mask *mask, const cpb_setup *setup,
                             const cpb_own_keys *own, cpb_arena *scratch,
                             int64_t *receive)
{
    cpb_ranges needs = {.arena = scratch};
    cpb_status status = CPB_OK;
    if (setup->transport != CPB_EXCHANGE) {
        *receive = mask->tokens - cpb_own_tokens(own);
        goto done;
    }
    CPB_TRY(cpb_needs_of(mask, own->runs, own->n, &needs));
    *receive = cpb_foreign_keys(&needs, own);
done:
    return status;
}

/* What held and received keys add to both passes under one mask. */
static cpb_status price_keys(const cpb_mask *mask, const cpb_setup *setup,
                             const cpb_own_keys *own, cpb_arena *scratch,
                             cpb_wide *time)
{
    const int64_t tokens = cpb_own_tokens(own);
    int64_t receive;
    cpb_status status;
    CPB_TRY(cpb_shard_receive(mask, setup, own, scratch, &receive));
    *time = cpb_key_time(setup, tokens, receive, false) +
            cpb_key_time(setup, tokens, receive, true);
done:
    return status;
}

cpb_status cpb_shard_load(const cpb_masks *masks, const cpb_setup *setup,
                          const cpb_range *runs, size_t n, cpb_arena *scratch,
                          int64_t *load)
{
    const bool timed = setup->cost == CPB_PROFILE_TIME;
    const bool keyed = timed && prices_keys(setup);
    cpb_own_keys own;
    cpb_wide sum = 0;
    cpb_status status = CPB_OK;
    if (keyed)
        CPB_TRY(cpb_own_keys_create(runs, n, masks->mask[0]->tokens, scratch, &own));
    for (size_t m = 0; m < masks->n; m++) {
        const int64_t weight = masks->weight ? masks->weight[m] : 1;
        cpb_wide keys = 0;
        cpb_shard_cost cost;
        CPB_TRY(cpb_shard_cost_of(masks->mask[m], setup, runs, n, scratch, &cost));
        if (keyed)
            CPB_TRY(price_keys(masks->mask[m], setup, &own, scratch, &keys));
        sum += weight * (timed ? cost.forward + cost.backward + keys : cost.tiles);
    }
    if (sum > INT64_MAX)
        status = CPB_TOO_LARGE;
    *load = (int64_t)sum;
done:
    return status;
}
