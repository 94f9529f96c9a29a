// SPDX-License-Identifier: Apache-2.0
/* Prints a line per mask family, balancer, world size and kind of sizes: hash and main
 * figures of the plan. The lines of two builds must be equal, and the hashes those that
 * are pinned (ci/hashes.sh).
 *   hashes [ALGORITHM]     this version's algorithm, or one that a user pins */
#include <cpb/cpb.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void stop(const char *what, const cpb_error *error)
{
    fprintf(stderr, "%s: %s\n", what, error->message);
    exit(EXIT_FAILURE);
}

static void print_plan(const cpb_masks *masks, const cpb_options *options)
{
    cpb_error error = {0};
    cpb_plan *plan = NULL;
    cpb_score score;
    const cpb_status status = cpb_plan_create(masks, options, &plan, &error);
    if (status == CPB_UNSUPPORTED) {
        puts("refused");
        return;
    }
    if (status != CPB_OK)
        stop(options->balancer, &error);
    if (cpb_score_plan(plan, masks, &options->setup, NULL, &score, NULL, NULL, &error))
        stop(options->balancer, &error);
    printf("%016" PRIx64 " %s load %" PRId64 " bound %" PRId64 " tiles %" PRId64
           " receive %" PRId64 " step %" PRId64 "\n",
           cpb_plan_hash(plan), cpb_plan_balancer(plan), score.load_max,
           score.load_bound, score.tiles, score.receive_total, score.step_time);
    cpb_plan_free(plan);
}

/* The balancers that search, where they look at more than chunks and ranks. */
static void print_searches(const char *text, const cpb_masks *masks, int32_t algorithm)
{
    static const char *const names[] = {"frugal", "auto"};
    for (size_t b = 0; b < sizeof names / sizeof *names; b++) {
        cpb_options options = cpb_options_default();
        options.ranks = 8;
        options.balancer = names[b];
        options.algorithm = algorithm;
        options.setup.kernel = CPB_VARLEN;
        printf("%s %s varlen ranks 8 equal: ", text, names[b]);
        print_plan(masks, &options);
        options.setup.nodes = 2;
        printf("%s %s nodes ranks 8 equal: ", text, names[b]);
        print_plan(masks, &options);
        options.setup.nodes = 0;
        options.effort = CPB_EFFORT_HIGH;
        printf("%s %s high ranks 8 equal: ", text, names[b]);
        print_plan(masks, &options);
    }
}

static void print_family(const char *text, int32_t algorithm)
{
    static const int32_t worlds[] = {1, 2, 3, 8};
    cpb_error error = {0};
    cpb_mask *mask = NULL;
    int64_t weight = 1;
    if (cpb_mask_create_text(text, 0, NULL, &weight, NULL, &mask, &error))
        stop(text, &error);
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks = {.n = 1, .mask = list, .weight = &weight};

    for (size_t b = 0; cpb_balancer_name(b); b++)
        for (size_t w = 0; w < sizeof worlds / sizeof *worlds; w++)
            for (int sizes = CPB_EQUAL; sizes <= CPB_UNEVEN; sizes++) {
                cpb_options options = cpb_options_default();
                options.ranks = worlds[w];
                options.balancer = cpb_balancer_name(b);
                options.sizes = (cpb_sizes)sizes;
                options.algorithm = algorithm;
                printf("%s %s ranks %" PRId32 " %s: ", text, options.balancer,
                       options.ranks, sizes == CPB_EQUAL ? "equal" : "uneven");
                print_plan(&masks, &options);
            }
    print_searches(text, &masks, algorithm);
    cpb_mask_free(mask);
}

int main(int argc, char **argv)
{
    const int32_t algorithm = argc > 1 ? (int32_t)strtol(argv[1], NULL, 10) : -1;
    for (size_t i = 0; cpb_mask_family_name(i); i++)
        print_family(cpb_mask_family_example(i), algorithm);
    print_family("causal:32768", algorithm);
    print_family("documents:9000,100,0,3,20000,128,7,4096", algorithm);
    return EXIT_SUCCESS;
}
