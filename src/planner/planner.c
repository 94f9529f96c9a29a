// SPDX-License-Identifier: Apache-2.0
/* Masks and options in, a plan out: mask -> work -> balance -> plan. */
#include "planner.h"

#include "glance.h"
#include "stand_in.h"
#include "view.h"

#include "../base/error.h"
#include "../base/nearest.h"
#include "../plan/plan.h"
#include "../read/step.h"

#include <assert.h>
#include <string.h>

static const char auto_name[] = "auto";

const char *cpb_balancer_name(size_t i)
{
    if (i < cpb_n_balancers)
        return cpb_balancers[i].name;
    return i == cpb_n_balancers ? auto_name : NULL;
}

const char *cpb_balancer_summary(size_t i)
{
    if (i < cpb_n_balancers)
        return cpb_balancers[i].summary;
    return i == cpb_n_balancers ? "the row with the least modelled step time" : NULL;
}

int64_t cpb_balancer_chunk(size_t i)
{
    return i < cpb_n_balancers ? cpb_balancers[i].chunk : 128;
}

bool cpb_balancer_keeps_tolerance(size_t i)
{
    return i < cpb_n_balancers && cpb_balancers[i].keeps_tolerance;
}

const char *cpb_balancer_pytorch_default(int64_t tokens, int32_t ranks, bool enabled)
{
    return enabled && tokens % (2 * (int64_t)ranks) == 0 ? "head-tail" : NULL;
}

cpb_options cpb_options_default(void)
{
    return (cpb_options){
        .balancer = auto_name,
        .chunk = -1,
        .sizes = CPB_EQUAL,
        .cap = -1,
        .tolerance_ppm = 10000,
        .peers = -1,
        .effort = CPB_EFFORT_DEFAULT,
        .algorithm = -1,
        .setup = cpb_setup_default(),
    };
}

static cpb_status check_options(const cpb_options *o, cpb_error *error)
{
    if (o->ranks < 1 || o->ranks > CPB_MAX_RANKS)
        return cpb_fail(error, CPB_INVALID, -1, "%d ranks are outside 1 .. %d",
                        o->ranks, CPB_MAX_RANKS);
    if (o->chunk != -1 && (o->chunk < 1 || o->chunk > CPB_MAX_TOKENS))
        return cpb_fail(error, CPB_INVALID, -1,
                        "a chunk of %lld tokens is outside 1 .. %lld",
                        (long long)o->chunk, (long long)CPB_MAX_TOKENS);
    if (o->sizes != CPB_EQUAL && o->sizes != CPB_UNEVEN)
        return cpb_fail(error, CPB_INVALID, -1, "sizes %d is neither equal nor uneven",
                        (int)o->sizes);
    if (o->cap != -1 && o->cap < 1)
        return cpb_fail(error, CPB_INVALID, -1, "a cap of %lld tokens is below 1",
                        (long long)o->cap);
    if (o->tolerance_ppm < 0 || o->tolerance_ppm > 1000000000)
        return cpb_fail(error, CPB_INVALID, -1,
                        "a tolerance of %lld parts per million is outside 0 .. 10^9",
                        (long long)o->tolerance_ppm);
    if (o->peers < -1)
        return cpb_fail(error, CPB_INVALID, -1, "a limit of %d peers is below 0",
                        o->peers);
    if ((int)o->effort < CPB_EFFORT_FAST || o->effort > CPB_EFFORT_HIGH)
        return cpb_fail(error, CPB_INVALID, -1, "effort %d is unknown", (int)o->effort);
    if (o->combine != CPB_COMBINE_LAYERS && o->combine != CPB_COMBINE_SUM)
        return cpb_fail(error, CPB_INVALID, -1, "combine %d is neither layers nor sum",
                        (int)o->combine);
    if (o->algorithm != -1 && o->algorithm != CPB_ALGORITHM)
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "algorithm %d is unknown, this version has %d", o->algorithm,
                        CPB_ALGORITHM);
    return cpb_setup_check(&o->setup, o->ranks, error);
}

static cpb_status check_masks(const cpb_masks *masks, int32_t ranks, cpb_error *error)
{
    cpb_wide weights = 0;
    if (!masks->n)
        return cpb_fail(error, CPB_INVALID, -1, "there is no mask");
    const int64_t tokens = cpb_mask_tokens(masks->mask[0]);
    for (size_t m = 0; m < masks->n; m++) {
        const int64_t weight = masks->weight ? masks->weight[m] : 1;
        if (cpb_mask_tokens(masks->mask[m]) != tokens)
            return cpb_fail(error, CPB_INVALID, (int64_t)m,
                            "mask %lld has %lld tokens, mask 0 has %lld", (long long)m,
                            (long long)cpb_mask_tokens(masks->mask[m]),
                            (long long)tokens);
        if (weight < 1)
            return cpb_fail(error, CPB_INVALID, (int64_t)m,
                            "the weight %lld of mask %lld is below 1",
                            (long long)weight, (long long)m);
        weights += weight;
    }
    if (weights * tokens * ranks > CPB_MAX_COST)
        return cpb_fail(error, CPB_TOO_LARGE, -1,
                        "weights, tokens and ranks multiply to more than %lld",
                        (long long)CPB_MAX_COST);
    return CPB_OK;
}

/* A cap that no plan at all can keep. */
static cpb_status check_room(const cpb_masks *masks, const cpb_options *options,
                             cpb_error *error)
{
    const int64_t tokens = cpb_mask_tokens(masks->mask[0]);
    const cpb_wide room = (cpb_wide)options->cap * options->ranks;
    if (options->cap < 0 || room >= tokens)
        return CPB_OK;
    return cpb_fail(
        error, CPB_UNSUPPORTED, -1,
        "a cap of %lld tokens leaves %lld of %lld tokens without a place on "
        "%d ranks; the least that suffices is %lld",
        (long long)options->cap, (long long)(tokens - room), (long long)tokens,
        options->ranks, (long long)((tokens + options->ranks - 1) / options->ranks));
}

/* Carried loads and the costs of the masks must add up safely. */
static cpb_status check_carried(const cpb_masks *masks, const cpb_options *options,
                                cpb_error *error)
{
    const size_t columns = options->combine == CPB_COMBINE_LAYERS ? masks->n : 1;
    cpb_wide sum = 0;
    for (size_t i = 0; options->carried && i < columns * (size_t)options->ranks; i++) {
        if (options->carried[i] < 0)
            return cpb_fail(error, CPB_INVALID, (int64_t)i,
                            "the carried load %lld at %lld is negative",
                            (long long)options->carried[i], (long long)i);
        sum += options->carried[i];
    }
    if (sum > CPB_MAX_COST)
        return cpb_fail(error, CPB_TOO_LARGE, -1, "carried loads sum to more than %lld",
                        (long long)CPB_MAX_COST);
    return CPB_OK;
}

static const cpb_balancer *find_row(const char *name)
{
    for (size_t i = 0; i < cpb_n_balancers; i++)
        if (strcmp(cpb_balancers[i].name, name) == 0)
            return &cpb_balancers[i];
    return NULL;
}

bool cpb_row_serves(const cpb_balancer *row, const cpb_setup *setup)
{
    return row->kernels >> setup->kernel & 1 && row->transports >> setup->transport & 1;
}

static cpb_status check_serves(const cpb_balancer *row, const cpb_setup *setup,
                               cpb_error *error)
{
    static const char *const kernels[] = {"flex", "varlen", "recurrent"};
    static const char *const transports[] = {"exchange", "allgather", "ring"};
    if (cpb_row_serves(row, setup))
        return CPB_OK;
    if (setup->transport == CPB_RING)
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "a ring needs the layout of head-tail, %s gives another; use "
                        "head-tail or the transport exchange",
                        row->name);
    return cpb_fail(error, CPB_UNSUPPORTED, -1,
                    "%s does not serve the kernel %s over the transport %s", row->name,
                    kernels[setup->kernel], transports[setup->transport]);
}

static cpb_status check_cap(const cpb_plan *plan, const cpb_options *options,
                            cpb_error *error)
{
    for (int32_t r = 0; options->cap >= 0 && r < options->ranks; r++)
        if (cpb_plan_size(plan, r) > options->cap)
            return cpb_fail(error, CPB_UNSUPPORTED, r,
                            "%s gives rank %d %lld tokens, above the cap of %lld",
                            cpb_plan_balancer(plan), r,
                            (long long)cpb_plan_size(plan, r), (long long)options->cap);
    return CPB_OK;
}

/* The keys of one query lie on more than so many ranks, in any plan of these sizes. */
static int64_t least_peers(const cpb_plan *plan, const cpb_masks *masks)
{
    int64_t keys = 0;
    for (size_t m = 0; m < masks->n; m++)
        keys = cpb_max(keys, cpb_mask_most_keys(masks->mask[m]));
    return cpb_max(0, cpb_ceil_div(keys, cpb_plan_largest(plan)) - 1);
}

/* Peers are known once the traffic is counted, so this costs a score. */
static cpb_status check_peers(const cpb_plan *plan, const cpb_masks *masks,
                              const cpb_options *options, cpb_error *error)
{
    int32_t peers;
    cpb_status status = CPB_OK;
    if (options->peers < 0)
        goto done;
    CPB_TRY(cpb_plan_peers(plan, masks, &options->setup, &options->allocator, &peers,
                           error));
    const int64_t least = least_peers(plan, masks);
    if (least > options->peers)
        status = cpb_fail(
            error, CPB_UNSUPPORTED, -1,
            "a limit of %d on peers cannot be kept at these sizes: the keys of "
            "one query lie on at least %lld ranks; the plan of %s lets a rank "
            "talk to %d others",
            options->peers, (long long)least + 1, cpb_plan_balancer(plan), peers);
    else if (peers > options->peers)
        status = cpb_fail(error, CPB_UNSUPPORTED, -1,
                          "the plan of %s lets a rank talk to %d others; accepted are "
                          "up to %d",
                          cpb_plan_balancer(plan), peers, options->peers);
done:
    return status;
}

cpb_status cpb_row_run(const cpb_balancer *row, const cpb_masks *masks,
                       const cpb_options *options, int64_t tolerance_ppm, int64_t limit,
                       cpb_plan **plan, bool *misses, cpb_error *error)
{
    cpb_options held_to = *options;
    bool passes;
    cpb_arena arena = {.allocator = cpb_allocator_or_default(&options->allocator)};
    cpb_deal deal = {.arena = &arena};
    cpb_view view = {0};
    cpb_status status;

    *plan = NULL;
    CPB_TRY(check_serves(row, &options->setup, error));
    held_to.tolerance_ppm = tolerance_ppm;
    CPB_TRY(cpb_view_create(row, masks, &held_to, &arena, &view, error));
    CPB_TRY(row->run(&view, &deal, error));
    if (misses)
        *misses = deal.misses;
    CPB_TRY(
        cpb_glance_passes(&deal, masks, &options->setup, view.ranks, limit, &passes));
    if (passes)
        goto done;
    const cpb_plan_parts parts = {
        .tokens = view.tokens,
        .padding = view.padding,
        .ranks = view.ranks,
        .n_pieces = deal.n,
        .pieces = deal.pieces,
        .promise = {.sizes = view.sizes,
                    .chunk = view.chunk,
                    .granularity = view.grid,
                    .cap = options->cap,
                    .algorithm = CPB_ALGORITHM,
                    .tolerance_ppm = options->tolerance_ppm},
        .balancer = row->name,
    };
    CPB_TRY(cpb_plan_build(&parts, &options->allocator, plan, error));
    CPB_TRY(check_cap(*plan, options, error));
    CPB_TRY(check_peers(*plan, masks, options, error));
done:
    cpb_view_free(&view);
    cpb_arena_free(&arena);
    if (status != CPB_OK) {
        cpb_plan_free(*plan);
        *plan = NULL;
    }
    return status == CPB_NO_MEMORY ? cpb_fail_memory(error) : status;
}

cpb_status cpb_plan_create(const cpb_masks *masks, const cpb_options *options,
                           cpb_plan **plan, cpb_error *error)
{
    bool misses;
    cpb_status status;

    assert(masks && options && plan && options->balancer);
    *plan = NULL;
    CPB_TRY(check_options(options, error));
    CPB_TRY(check_masks(masks, options->ranks, error));
    CPB_TRY(check_room(masks, options, error));
    CPB_TRY(check_carried(masks, options, error));
    if (strcmp(options->balancer, auto_name) == 0) {
        CPB_TRY(cpb_auto_run(masks, options, plan, error));
        goto done;
    }
    const cpb_balancer *const row = find_row(options->balancer);
    if (!row) {
        status = cpb_fail_unknown(error, -1, "balancer", options->balancer,
                                  cpb_balancer_name);
        goto done;
    }
    CPB_TRY(cpb_row_run(row, masks, options, options->tolerance_ppm, INT64_MAX, plan,
                        &misses, error));
    if (misses && !options->carried) /* of which a score knows nothing */
        CPB_TRY(cpb_stand_in(masks, options, plan, error));
done:
    return status;
}
