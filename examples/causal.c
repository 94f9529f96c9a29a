// SPDX-License-Identifier: Apache-2.0
/* One long causal sequence on four ranks: who holds which tokens? */
#include <cpb/cpb.h>

#include <inttypes.h>
#include <stdio.h>

int main(void)
{
    cpb_error error;
    cpb_mask *mask = NULL;
    cpb_plan *plan = NULL;
    cpb_options options = cpb_options_default();
    options.ranks = 4;
    options.balancer = "head-tail";

    cpb_status status =
        cpb_mask_create_text("causal:8192", 0, NULL, NULL, NULL, &mask, &error);
    if (status == CPB_OK) {
        const cpb_masks masks = {.n = 1, .mask = (const cpb_mask *[]){mask}};
        status = cpb_plan_create(&masks, &options, &plan, &error);
    }
    if (status != CPB_OK)
        fprintf(stderr, "%s\n", error.message);

    for (int32_t rank = 0; plan && rank < cpb_plan_ranks(plan); rank++) {
        const cpb_range *const runs = cpb_plan_runs(plan, rank);
        printf("rank %" PRId32 ":", rank);
        for (size_t i = 0; i < cpb_plan_n_runs(plan, rank); i++)
            printf(" [%" PRId64 ", %" PRId64 ")", runs[i].begin, runs[i].end);
        putchar('\n');
    }
    cpb_plan_free(plan);
    cpb_mask_free(mask);
    return status == CPB_OK ? 0 : 1;
}
