// SPDX-License-Identifier: Apache-2.0
/* From flags to what the library takes. */
#include "setup.h"

#include "profile.h"
#include "table.h"

bool setup_apply(const cli_options *options, int64_t ranks, cpb_setup *setup,
                 cpb_error *error)
{
    if (options->kernel >= 0)
        setup->kernel = (cpb_kernel)options->kernel;
    if (options->transport >= 0)
        setup->transport = (cpb_transport)options->transport;
    if (options->cost >= 0)
        setup->cost = (cpb_cost)options->cost;
    if (options->overlap >= 0)
        setup->overlap = (cpb_overlap)options->overlap;
    if (options->backward)
        setup->backward = true;
    if (options->nodes >= 0)
        setup->nodes = (int32_t)options->nodes;
    if (options->speeds.n)
        setup->speeds = options->speeds.speed;
    if (options->model_given)
        setup->model = options->model;
    return speeds_fit(&options->speeds, ranks, error) &&
           (!options->profile ||
            profile_read(options->profile, &setup->profile, error));
}

void promise_apply(const cli_options *options, cpb_promise *promise)
{
    const bool by_chunk = promise->granularity == promise->chunk;
    if (options->sizes >= 0)
        promise->sizes = (cpb_sizes)options->sizes;
    if (options->chunk >= 0)
        promise->chunk = options->chunk;
    if (options->chunk >= 0 && by_chunk)
        promise->granularity = options->chunk;
    if (options->cap >= 0)
        promise->cap = options->cap;
    if (options->tolerance_ppm >= 0)
        promise->tolerance_ppm = options->tolerance_ppm;
}

bool planner_options(const cli_options *options, cpb_options *out, cpb_error *error)
{
    *out = cpb_options_default();
    out->ranks = (int32_t)options->ranks;
    if (options->balancer)
        out->balancer = options->balancer;
    if (options->chunk >= 0)
        out->chunk = options->chunk;
    if (options->sizes >= 0)
        out->sizes = (cpb_sizes)options->sizes;
    if (options->cap >= 0)
        out->cap = options->cap;
    if (options->tolerance_ppm >= 0)
        out->tolerance_ppm = options->tolerance_ppm;
    if (options->peers >= 0)
        out->peers = (int32_t)options->peers;
    if (options->effort >= 0)
        out->effort = (cpb_effort)options->effort;
    if (options->combine >= 0)
        out->combine = (cpb_combine)options->combine;
    return setup_apply(options, options->ranks, &out->setup, error);
}

void setup_print(const cpb_setup *setup, int64_t tokens, int32_t ranks)
{
    char text[2][TABLE_CELL_BYTES];
    printf("%s on %s: cost %s, kernel %s, transport %s\n",
           table_count(tokens, "token", text[0]), table_count(ranks, "rank", text[1]),
           cost_names[setup->cost], kernel_names[setup->kernel],
           transport_names[setup->transport]);
    printf("step of one attention layer under profile %s, overlap %s, %s",
           setup->profile.name, overlap_names[setup->overlap],
           setup->backward ? "forward and backward" : "forward");
}
