/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside ours whose ranks are MPI processes: attention of a few tokens. */
#include <cpb/cpb.h>
#include <cpb/mpi.h>

#include <stdio.h>
#include <stdlib.h>

enum { TOKENS = 6 };

/* Every query sees equal keys, so every result is the mean of the values: 3. */
static cpb_status run(void *context, const cpb_link *link, cpb_error *error)
{
    const cpb_attention shape = {1, 1, 1, 1, CPB_FP32};
    const cpb_exchange_options flat = {CPB_FLAT, 0};
    cpb_options options = cpb_options_default();
    const cpb_mask *masks[1];
    cpb_mask *mask;
    cpb_plan *plan;
    cpb_exchange *exchange;
    cpb_attend *attend;
    float q[TOKENS] = {0}, kv[2 * TOKENS], out[TOKENS], lse[TOKENS];
    options.ranks = link->ranks;
    if (cpb_mask_create_text("full:6", 0, NULL, NULL, NULL, &mask, error))
        return CPB_INVALID;
    masks[0] = mask;
    if (cpb_plan_create(&(cpb_masks){1, masks, NULL}, &options, &plan, error) ||
        cpb_exchange_create(plan, mask, &flat, NULL, &exchange, error) ||
        cpb_attend_create(plan, mask, exchange, link->rank, &shape, false, NULL,
                          &attend, error) ||
        cpb_attend_greet(attend, link, error))
        return CPB_INVALID;
    for (int i = 0; i < 2 * TOKENS; i++)
        kv[i] = i % 2 ? 3.0F : 1.0F;
    const cpb_status status =
        cpb_attend_forward(attend, link, q, kv, out, lse, NULL, NULL, error);
    *(float *)context =
        status == CPB_OK && cpb_attend_size(attend).queries ? out[0] : 3;
    cpb_attend_free(attend);
    cpb_exchange_free(exchange);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
    return status;
}

int main(int argc, char **argv)
{
    cpb_error error;
    float got = 0;
    MPI_Init(&argc, &argv);
    if (cpb_mpi_run(MPI_COMM_WORLD, NULL, run, &got, NULL, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    MPI_Finalize();
    return got > 2.999F && got < 3.001F ? 0 : 1;
}
