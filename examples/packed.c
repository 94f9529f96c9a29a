// SPDX-License-Identifier: Apache-2.0
/* Packed documents on eight ranks: the permutation to apply, and what it buys. */
#include <cpb/cpb.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    const int64_t lengths[] = {9000, 400, 1984, 5000};
    cpb_error error;
    cpb_score score;
    cpb_mask *mask = NULL;
    cpb_plan *plan = NULL;
    int64_t *order = NULL;
    cpb_options options = cpb_options_default(); /* balancer `auto` */
    options.ranks = 8;

    cpb_status status =
        cpb_mask_create_text("documents", 4, lengths, NULL, NULL, &mask, &error);
    const cpb_masks masks = {.n = 1, .mask = (const cpb_mask *[]){mask}};
    if (status == CPB_OK)
        status = cpb_plan_create(&masks, &options, &plan, &error);
    if (status == CPB_OK)
        status = cpb_score_plan(plan, &masks, &options.setup, NULL, &score, NULL, NULL,
                                &error);
    if (status == CPB_OK) {
        const int64_t n = cpb_plan_tokens(plan) + cpb_plan_padding(plan);
        order = malloc((size_t)n * sizeof *order);
        if (order) { /* order[i]: original position of entry i, rank 0's entries first */
            cpb_order_write(plan, CPB_INT64, order, NULL);
            printf("rank 1 starts with token %" PRId64 "\n", order[n / 8]);
        }
        printf("%s: largest load %.1f %% above the mean\n", cpb_plan_balancer(plan),
               100 * score.imbalance);
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    free(order);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
    return status == CPB_OK && order ? 0 : 1;
}
