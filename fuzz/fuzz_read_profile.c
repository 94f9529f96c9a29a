// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a profile: refused with a sentence, or written out and read as the same;
 * a small plan is then scored under it or refused, whatever the numbers. */
#include "fuzz_input.h"
#include "fuzz_json.h"
#include "profile.h"

enum { RANKS = 4 };

static bool equal_passes(const cpb_pass *a, const cpb_pass *b)
{
    return !memcmp(a, b, sizeof *a);
}

static void require_equal(const cpb_profile *a, const cpb_profile *b)
{
    require(!strcmp(a->name, b->name));
    require(!memcmp(&a->model, &b->model, sizeof a->model));
    require(a->tile_q == b->tile_q && a->tile_k == b->tile_k);
    require(equal_passes(&a->forward, &b->forward));
    require(equal_passes(&a->backward, &b->backward));
    require(a->rows_at_once == b->rows_at_once && a->token == b->token);
    require(a->received_key == b->received_key);
    require(a->recurrent_token == b->recurrent_token);
    require(a->recurrent_run == b->recurrent_run);
    require(a->net_bytes_per_us == b->net_bytes_per_us);
    require(a->link_bytes_per_us == b->link_bytes_per_us);
    require(a->phase_latency == b->phase_latency && a->peer_latency == b->peer_latency);
}

static void try_again(const cpb_profile *profile)
{
    cpb_error error = {.at = -2};
    cpb_profile same;
    json_t *const object = profile_to_json(profile);
    require(object && profile_from_json(object, "", &same, &error));
    require_equal(profile, &same);
    json_decref(object);
}

/* Under every kernel, forward and backward. */
static void try_plans(const cpb_profile *profile)
{
    cpb_error error = {.at = -2};
    cpb_mask *mask = NULL;
    require(cpb_mask_create_text("documents:50,0,130,7", 0, NULL, NULL, NULL, &mask,
                                 &error) == CPB_OK);
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks = {.n = 1, .mask = list};
    cpb_options options = cpb_options_default();
    options.ranks = RANKS;
    options.setup.profile = *profile;
    options.setup.backward = true;
    options.chunk = 16;
    options.balancer = "min-heap";
    for (int kernel = CPB_FLEX; kernel <= CPB_RECURRENT; kernel++) {
        cpb_plan *plan = NULL;
        cpb_score score;
        options.setup.kernel = (cpb_kernel)kernel;
        if (cpb_plan_create(&masks, &options, &plan, &error) != CPB_OK ||
            cpb_score_plan(plan, &masks, &options.setup, NULL, &score, NULL, NULL,
                           &error) != CPB_OK)
            require_sentence(&error);
        cpb_plan_free(plan);
    }
    cpb_mask_free(mask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[40];
    cpb_error error = {.at = -2};
    cpb_profile profile;
    snprintf(text, sizeof text, "@%s", input_path(data, size));
    if (!profile_read(text, &profile, &error)) {
        require_sentence(&error);
        return 0;
    }
    require(profile.tile_q >= 1 && profile.tile_k >= 1);
    try_again(&profile);
    try_plans(&profile);
    return 0;
}
