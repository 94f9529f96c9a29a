// SPDX-License-Identifier: Apache-2.0
/* What no schedule of a domain can be below.
 *
 * 1. Work. The shares of a document sum to its work at least, a rank takes `fixed` for
 *    every micro-batch, and tokens / budget micro-batches of ranks are needed. So the
 *    ranks together take that, and one of them takes the mean or more.
 * 2. Alone. A micro-batch with a document takes no less than with this document alone,
 *    at the size that suits it best.
 * 3. Pipeline. Where all ranks wait after every micro-batch, the longest one passes
 *    stages - 1 more times, and by 2 it takes as long as any document alone. */
#include "rows.h"

/* The least time of a micro-batch with job `j`. */
static int64_t least_alone(const cpb_batch *batch, int64_t j)
{
    const cpb_job *const job = &batch->jobs[j];
    int64_t least = INT64_MAX;
    if (batch->domain->sizes == CPB_SIZES_ANY) {
        for (int32_t p = (int32_t)cpb_ceil_div(job->tokens, batch->budget);
             p <= batch->domain->ranks; p++) {
            const cpb_share share = cpb_batch_share(batch, job, 0, p);
            least = cpb_min(least, cpb_price_time(&batch->price, &share));
        }
        return least;
    }
    for (size_t s = cpb_batch_least_size(batch, job->tokens); s < batch->n_sizes; s++)
        least = cpb_min(least, cpb_batch_alone(batch, j, s));
    return least;
}

/* Bound 2. Jobs that are short on one rank cannot raise it. */
static int64_t bound_alone(const cpb_batch *batch, int64_t bound)
{
    for (int64_t j = 0; j < batch->n; j++) {
        const cpb_job *const job = &batch->jobs[j];
        if (job->work + batch->price.fixed <= bound && job->tokens <= batch->budget &&
            batch->ordered)
            break;
        bound = cpb_max(bound, least_alone(batch, j));
    }
    return bound;
}

static int64_t work_bound(const cpb_batch *batch)
{
    const int64_t micro = cpb_ceil_div(batch->tokens, batch->budget);
    return cpb_ceil_div(batch->work + micro * batch->price.fixed, batch->domain->ranks);
}

int64_t cpb_schedule_bound(const cpb_batch *batch)
{
    const int64_t alone = bound_alone(batch, 0);
    return cpb_max(work_bound(batch), alone) + (batch->domain->stages - 1) * alone;
}
