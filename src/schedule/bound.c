// SPDX-License-Identifier: Apache-2.0
/* What no schedule of a domain can be below.
 *
 * 1. Work. The shares of a document sum to its work at least, a rank takes `fixed` for
 *    every micro-batch, and tokens / budget micro-batches of ranks are needed. So the
 *    ranks together take that, and one of them takes the mean or more.
 * 2. Alone. A micro-batch with a document takes no less than with this document alone,
 *    at the size that suits it best.
 * 3. Giants. Groups of more than half of the ranks share a rank, so they follow each
 *    other: documents that finish within T on no smaller group sum to T at most.
 * 4. Barrier. Of the micro-batches that all ranks wait for, one holds the longest
 *    document and takes time B or more; ranks * budget tokens at most go with it, the
 *    densest at best, and what is left takes its mean. B more there saves B at most
 *    elsewhere.
 * 5. Pipeline. The longest micro-batch passes stages - 1 more times. */
#include "rows.h"

/* The least time of a micro-batch with job `j`. */
static int64_t least_alone(const cpb_batch *batch, int64_t j, int32_t above)
{
    const cpb_job *const job = &batch->jobs[j];
    int64_t least = INT64_MAX;
    if (batch->domain->sizes == CPB_SIZES_ANY) {
        for (int32_t p =
                 (int32_t)cpb_max(above + 1, cpb_ceil_div(job->tokens, batch->budget));
             p <= batch->domain->ranks; p++) {
            const cpb_share share = cpb_batch_share(batch, job, 0, p);
            least = cpb_min(least, cpb_price_time(&batch->price, &share));
        }
        return least;
    }
    for (size_t s = cpb_batch_least_size(batch, job->tokens); s < batch->n_sizes; s++)
        if (batch->sizes[s] > above)
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
        bound = cpb_max(bound, least_alone(batch, j, 0));
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
    int64_t bound = cpb_max(work_bound(batch), alone);
    return bound;
}
