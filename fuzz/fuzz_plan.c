// SPDX-License-Identifier: Apache-2.0
/* Any bytes -> masks and options -> plan -> score -> proof. What the planner makes, the
 * check must accept: the two share no code. */
#include <cpb/cpb.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_TOKENS = 600, MOST_DOCUMENTS = 12, MOST_RANKS = 20, MOST_RUNS = 4096 };

typedef struct bytes {
    const uint8_t *data;
    size_t left;
} bytes;

static int64_t take(bytes *in, int64_t low, int64_t high)
{
    uint32_t value = 0;
    for (int i = 0; i < 2 && in->left; i++, in->left--)
        value = value << 8 | *in->data++;
    return low + (int64_t)(value % (uint64_t)(high - low + 1));
}

static cpb_mask *take_mask(bytes *in)
{
    static const char *const numbers[] = {"", ":1", ":7", ":32", ":100"};
    const size_t n = (size_t)take(in, 1, MOST_DOCUMENTS);
    int64_t lengths[MOST_DOCUMENTS];
    size_t families = 0;
    char text[64] = "";
    cpb_mask *mask;

    for (size_t i = 0; i < n; i++)
        lengths[i] = take(in, 0, MOST_TOKENS / MOST_DOCUMENTS);
    while (cpb_mask_family_name(families))
        families++;
    const char *parts[] = {
        cpb_mask_family_name((size_t)take(in, 0, (int64_t)families - 1)),
        numbers[take(in, 0, 4)]};
    size_t length = 0;
    for (size_t i = 0; i < 2; i++)
        for (const char *c = parts[i]; *c; c++)
            text[length++] = *c;
    if (cpb_mask_create_text(text, n, lengths, NULL, NULL, &mask, NULL) != CPB_OK)
        return NULL;
    return mask;
}

static cpb_options take_options(bytes *in)
{
    cpb_options options = cpb_options_default();
    size_t balancers = 0;
    while (cpb_balancer_name(balancers))
        balancers++;
    options.ranks = (int32_t)take(in, 1, MOST_RANKS);
    options.balancer = cpb_balancer_name((size_t)take(in, 0, (int64_t)balancers - 1));
    options.chunk = take(in, -1, 64);
    options.sizes = (cpb_sizes)take(in, 0, 1);
    options.cap = take(in, 0, 7) ? -1 : take(in, 1, MOST_TOKENS);
    options.tolerance_ppm = take(in, 0, 50000);
    options.setup.kernel = (cpb_kernel)take(in, 0, 2);
    options.setup.transport = (cpb_transport)take(in, 0, 2);
    options.setup.cost = (cpb_cost)take(in, 0, 2);
    options.setup.overlap = (cpb_overlap)take(in, 0, 2);
    options.setup.backward = take(in, 0, 1);
    options.setup.nodes = (int32_t)take(in, 0, 4);
    options.setup.profile.tile_q = take(in, 1, 70);
    options.setup.profile.tile_k = take(in, 0, 1) ? 64 : take(in, 1, 70);
    options.setup.profile.forward.full_tile = take(in, 0, 65535);
    options.setup.profile.forward.kv_tile = take(in, 0, 65535);
    options.setup.profile.rows_at_once = take(in, 0, 3);
    return options;
}

static void prove(const cpb_plan *plan, const cpb_masks *masks, const cpb_setup *setup)
{
    static cpb_range runs[MOST_RUNS];
    static cpb_rank_score cells[MOST_RANKS];
    int64_t first[MOST_RANKS + 1] = {0}, pairs[MOST_RANKS];
    const int32_t ranks = cpb_plan_ranks(plan);
    const uint64_t hash = cpb_plan_hash(plan);
    cpb_score score;

    if (cpb_score_plan(plan, masks, setup, NULL, &score, cells, NULL, NULL) != CPB_OK)
        abort();
    for (int32_t r = 0; r < ranks; r++) {
        first[r + 1] = first[r];
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            runs[first[r + 1]++] = cpb_plan_runs(plan, r)[i];
        pairs[r] = cells[r].pairs;
    }
    const cpb_claim claim = {
        .tokens = cpb_plan_tokens(plan),
        .padding = cpb_plan_padding(plan),
        .ranks = ranks,
        .first = first,
        .runs = runs,
        .promise = *cpb_plan_promise(plan),
        .score = &score,
        .pairs = pairs,
        .hash = &hash,
    };
    if (cpb_check_plan(&claim, masks, setup, NULL, NULL) != CPB_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes in = {data, size};
    const cpb_options options = take_options(&in);
    const int64_t weight[] = {take(&in, 1, 3), take(&in, 1, 3)};
    cpb_mask *const mask = take_mask(&in);
    cpb_error error;
    cpb_plan *plan;

    if (!mask)
        return 0;
    const cpb_mask *const list[] = {mask, mask};
    const cpb_masks masks = {(size_t)take(&in, 1, 2), list, weight};
    if (cpb_plan_create(&masks, &options, &plan, &error) == CPB_OK) {
        prove(plan, &masks, &options.setup);
        cpb_plan_free(plan);
    } else if (error.message[0] == '\0') {
        abort();
    }
    cpb_mask_free(mask);
    return 0;
}
