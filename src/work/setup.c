// SPDX-License-Identifier: Apache-2.0
/* Setups and the built-in profiles. */
#include "work.h"

#include "../base/error.h"
#include "../base/nearest.h"

#include <string.h>

enum { PAIRED_TILE = 128, MAX_TILE = 1 << 16 };

static const cpb_model default_model = {
    .q_heads = 64, .kv_heads = 4, .head_dim = 128, .element_bytes = 2};

/* h100-fa2, forward: 0.7315 us per 64 x 128 tile of 64 query heads of 128 and 1.12 tiles
 * per q-tile, fitted to the H100 varlen timings that DistCA publishes (docs/costs.md).
 * The backward pass computes five products per tile where the forward pass computes two,
 * so its prices are 2.5 times those. Links: one 400 Gb/s card, NVLink 4 at 450 GB/s. */
static const cpb_profile profiles[] = {
    {
        .name = "h100-fa2",
        .model = {64, 4, 128, 2},
        .tile_q = 64,
        .tile_k = 128,
        .forward = {.full_tile = 731500, .partial_tile = 731500, .q_tile = 819280},
        .backward = {.full_tile = 1828750, .partial_tile = 1828750, .kv_tile = 2048200},
        .recurrent_token = 20000,
        .recurrent_run = 10000000,
        .net_bytes_per_us = 50000,
        .link_bytes_per_us = 450000,
        .phase_latency = 10000000,
        .peer_latency = 1000000,
    },
};

const char *cpb_profile_name(size_t i)
{
    return i < sizeof profiles / sizeof *profiles ? profiles[i].name : NULL;
}

cpb_status cpb_profile_find(const char *name, cpb_profile *profile, cpb_error *error)
{
    for (size_t i = 0; cpb_profile_name(i); i++) {
        if (strcmp(name, profiles[i].name) == 0) {
            *profile = profiles[i];
            return CPB_OK;
        }
    }
    return cpb_fail_unknown(error, -1, "profile", name, cpb_profile_name);
}

cpb_setup cpb_setup_default(void)
{
    return (cpb_setup){
        .kernel = CPB_FLEX,
        .transport = CPB_EXCHANGE,
        .cost = CPB_PROFILE_TIME,
        .overlap = CPB_OVERLAP_TWO_STAGE,
        .model = default_model,
        .profile = profiles[0],
    };
}

/* One number of a setup with its accepted range. */
typedef struct limit {
    const char *what;
    int64_t value;
    int64_t low;
    int64_t high;
} limit;

static cpb_status check_limits(const limit *limits, size_t n, cpb_error *error)
{
    for (size_t i = 0; i < n; i++)
        if (limits[i].value < limits[i].low || limits[i].value > limits[i].high)
            return cpb_fail(error, CPB_INVALID, -1, "%s %lld is outside %lld .. %lld",
                            limits[i].what, (long long)limits[i].value,
                            (long long)limits[i].low, (long long)limits[i].high);
    return CPB_OK;
}

static cpb_status check_model(const cpb_model *model, cpb_error *error)
{
    const limit limits[] = {
        {"query heads", model->q_heads, 1, 65536},
        {"key heads", model->kv_heads, 1, 65536},
        {"head dimension", model->head_dim, 1, 65536},
        {"element bytes", model->element_bytes, 1, 16},
    };
    const cpb_status status =
        check_limits(limits, sizeof limits / sizeof *limits, error);
    if (status == CPB_OK && model->q_heads % model->kv_heads)
        return cpb_fail_to_divide(error, model->kv_heads, "key heads", model->q_heads,
                                  "query head");
    return status;
}

static cpb_status check_profile(const cpb_profile *p, cpb_error *error)
{
    const int64_t second = INT64_C(1000000000000);
    const int64_t fast = INT64_C(1000000000000);
    const limit limits[] = {
        {"tile_q", p->tile_q, 1, MAX_TILE},
        {"tile_k", p->tile_k, 1, MAX_TILE},
        {"forward full_tile", p->forward.full_tile, 0, second},
        {"forward partial_tile", p->forward.partial_tile, 0, second},
        {"forward q_tile", p->forward.q_tile, 0, second},
        {"forward kv_tile", p->forward.kv_tile, 0, second},
        {"backward full_tile", p->backward.full_tile, 0, second},
        {"backward partial_tile", p->backward.partial_tile, 0, second},
        {"backward q_tile", p->backward.q_tile, 0, second},
        {"backward kv_tile", p->backward.kv_tile, 0, second},
        {"rows_at_once", p->rows_at_once, 0, 1 << 20},
        {"received_key", p->received_key, 0, second},
        {"token", p->token, 0, second},
        {"recurrent_token", p->recurrent_token, 0, second},
        {"recurrent_run", p->recurrent_run, 0, second},
        {"net_bytes_per_us", p->net_bytes_per_us, 0, fast},
        {"link_bytes_per_us", p->link_bytes_per_us, 0, fast},
        {"phase_latency", p->phase_latency, 0, second},
        {"peer_latency", p->peer_latency, 0, second},
    };
    return check_limits(limits, sizeof limits / sizeof *limits, error);
}

cpb_status cpb_setup_check(const cpb_setup *setup, int32_t ranks, cpb_error *error)
{
    const limit limits[] = {
        {"kernel", setup->kernel, CPB_FLEX, CPB_RECURRENT},
        {"transport", setup->transport, CPB_EXCHANGE, CPB_RING},
        {"cost", setup->cost, CPB_PAIRS, CPB_PROFILE_TIME},
        {"overlap", setup->overlap, CPB_OVERLAP_NONE, CPB_OVERLAP_IDEAL},
        {"nodes", setup->nodes, 0, INT32_MAX},
    };
    cpb_status status;
    CPB_TRY(check_limits(limits, sizeof limits / sizeof *limits, error));
    if (setup->nodes && ranks % setup->nodes) {
        status = cpb_fail_to_divide(error, setup->nodes, "nodes", ranks, "rank");
        goto done;
    }
    for (int32_t r = 0; setup->speeds && r < ranks; r++) {
        if (setup->speeds[r] >= 1 && setup->speeds[r] <= CPB_MAX_SPEED)
            continue;
        status = cpb_fail(error, CPB_INVALID, r,
                          "the speed %d of rank %d is outside 1 .. %d",
                          setup->speeds[r], r, CPB_MAX_SPEED);
        goto done;
    }
    CPB_TRY(check_model(&setup->model, error));
    CPB_TRY(check_model(&setup->profile.model, error));
    CPB_TRY(check_profile(&setup->profile, error));
done:
    return status;
}

static int64_t scaled(const cpb_setup *setup, int64_t price)
{
    const cpb_model *const measured = &setup->profile.model;
    return (int64_t)((cpb_wide)price * setup->model.q_heads * setup->model.head_dim /
                     (measured->q_heads * measured->head_dim));
}

cpb_prices cpb_setup_prices(const cpb_setup *setup, bool backward)
{
    const cpb_pass *const pass =
        backward ? &setup->profile.backward : &setup->profile.forward;
    return (cpb_prices){
        .full_tile = scaled(setup, pass->full_tile),
        .partial_tile = scaled(setup, pass->partial_tile),
        .q_tile = scaled(setup, pass->q_tile),
        .kv_tile = scaled(setup, pass->kv_tile),
        .received_key = scaled(setup, setup->profile.received_key),
        .token = scaled(setup, setup->profile.token),
    };
}

/* log2 of a power of two above 1, else 0. */
static int bits_of(int64_t tile)
{
    int bits = 0;
    while (INT64_C(1) << bits < tile)
        bits++;
    return INT64_C(1) << bits == tile ? bits : 0;
}

cpb_tiling cpb_setup_profile_tiling(const cpb_setup *setup)
{
    const cpb_profile *const profile = &setup->profile;
    return (cpb_tiling){
        .tile_q = profile->tile_q,
        .tile_k = profile->tile_k,
        .k_bits = bits_of(profile->tile_k),
        .varlen = setup->kernel == CPB_VARLEN,
        .split = profile->forward.full_tile != profile->forward.partial_tile ||
                 profile->backward.full_tile != profile->backward.partial_tile,
    };
}

cpb_tiling cpb_setup_tiling(const cpb_setup *setup)
{
    if (setup->cost != CPB_TILES)
        return cpb_setup_profile_tiling(setup);
    return (cpb_tiling){
        .tile_q = PAIRED_TILE,
        .tile_k = PAIRED_TILE,
        .k_bits = bits_of(PAIRED_TILE),
        .varlen = setup->kernel == CPB_VARLEN,
    };
}

const int32_t *cpb_setup_speeds(const cpb_setup *setup, int32_t ranks)
{
    for (int32_t r = 1; setup->speeds && r < ranks; r++)
        if (setup->speeds[r] != setup->speeds[0])
            return setup->speeds;
    return NULL;
}

cpb_wide cpb_setup_slowed(const cpb_setup *setup, int32_t ranks, int32_t rank,
                          cpb_wide load)
{
    int32_t fastest = 1;
    if (!setup->speeds)
        return load;
    for (int32_t r = 0; r < ranks; r++)
        fastest = setup->speeds[r] > fastest ? setup->speeds[r] : fastest;
    return (load * fastest + setup->speeds[rank] - 1) / setup->speeds[rank];
}

int64_t cpb_setup_key_bytes(const cpb_setup *setup)
{
    return 2 * setup->model.kv_heads * setup->model.head_dim *
           setup->model.element_bytes;
}
