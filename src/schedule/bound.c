// SPDX-License-Identifier: Apache-2.0
/* What no schedule of a domain can be below.
 *
 * 1. Work. The shares of a document sum to its work at least, a rank takes `fixed` for
 *    every micro-batch, and tokens / budget micro-batches of ranks are needed. So the
 *    ranks together take that, and one of them takes the mean or more. A rank without
 *    work saves a `fixed`, but leaves its share of the work to others, so that every rank
 *    may be taken to have one.
 *    A document with more tokens than a budget needs keys too: of its ranks, in descending
 *    order of their last tokens, the first i hold i budgets at most, so the next one's
 *    last token is no earlier than what is left, and it receives that less a budget.
 *    Received keys cost by themselves, and on the wire where nothing hides it.
 * 2. Alone. A document of L tokens is whole on a rank, and then takes its work; or the rank
 *    with its last token has c of its tokens, at most a budget, and receives the other
 *    L - c keys. What that takes is linear in c, so the least lies at one end. Its work is
 *    in one micro-batch, where some rank does the mean of it. Where documents are cut
 *    evenly only, the best allowed size counts instead.
 * 3. Giants. Two documents of more than half of what all ranks hold in a micro-batch are
 *    never in one, and need a common rank; the group of each holds it for as long as it
 *    takes alone. So their times add up.
 * 4. Barrier. Where all ranks wait after every micro-batch, one with work w takes
 *    fixed + w / ranks, and there are tokens / (ranks * budget) of them, rounded up. Those
 *    of the giants of 3, or of the longest document of 2, last as long as these, but hold
 *    no more than the densest tokens that have room in them. The others take their mean;
 *    giants that take longer free the others of no more than that.
 * 5. Pipeline. The longest micro-batch passes stages - 1 more times. It takes as long as
 *    any document alone, and the mean of the most micro-batches allowed. */
#include "rows.h"

#include "../base/error.h"
#include "../base/sort.h"

/* Documents that are never in one micro-batch. */
typedef struct giants {
    int64_t n;
    int64_t time; /* sum of what each takes alone */
} giants;

/* What the ranks of a job do for it together: no less than its work and the keys that the
 * budget makes them receive. */
static int64_t least_work(const cpb_batch *batch, const cpb_job *job)
{
    const cpb_price *const price = &batch->price;
    const int64_t n = (job->tokens - 1) / batch->budget;
    const cpb_wide keys =
        (cpb_wide)n * job->tokens - (cpb_wide)n * (n + 1) / 2 * batch->budget;
    const bool hides = price->overlap != CPB_OVERLAP_NONE;
    const int64_t key = price->received_key + (hides ? 0 : cpb_price_key(price));
    const cpb_wide work = job->work + keys * key;
    return work < CPB_MAX_STEP ? (int64_t)work : CPB_MAX_STEP;
}

static cpb_wide least_work_of_all(const cpb_batch *batch)
{
    cpb_wide work = 0;
    for (int64_t j = 0; j < batch->n; j++)
        work += least_work(batch, &batch->jobs[j]);
    return work;
}

/* The least time of a rank that has the last token of a cut document: with c = 1 or as
 * many as a rank holds. Rounding of a time on the wire is taken off. */
static int64_t least_cut(const cpb_batch *batch, const cpb_job *job)
{
    const int64_t most = cpb_max(1, cpb_min(batch->budget, job->tokens - 1));
    const int64_t ends[] = {1, most};
    int64_t least = INT64_MAX;
    for (int i = 0; i < 2; i++) {
        const int64_t ranks = cpb_max(2, cpb_ceil_div(job->tokens, batch->budget));
        least = cpb_min(least, cpb_price_least(&batch->price, ends[i],
                                               job->tokens - ends[i], ranks));
    }
    return least;
}

/* The least time of a micro-batch with job `j` cut evenly over a group of sizes[s], which
 * may begin at any rank of a node. */
static int64_t least_group(const cpb_batch *batch, int64_t j, size_t s)
{
    const int32_t per_node = batch->price.ranks_per_node, ranks = batch->sizes[s];
    int64_t least = cpb_batch_alone(batch, j, s);
    if (per_node % ranks == 0 || ranks % per_node == 0)
        return least;
    for (int32_t first = 1; first < per_node; first++) {
        const cpb_share share = cpb_batch_share(batch, &batch->jobs[j], first, ranks);
        least = cpb_min(least, cpb_price_time(&batch->price, &share));
    }
    return least;
}

/* The least time of a micro-batch with job `j` cut evenly. */
static int64_t least_even(const cpb_batch *batch, int64_t j)
{
    int64_t least = INT64_MAX;
    for (size_t s = cpb_batch_least_size(batch, batch->jobs[j].tokens);
         s < batch->n_sizes; s++)
        least = cpb_min(least, least_group(batch, j, s));
    return least;
}

/* The least time of a micro-batch with job `j`. */
int64_t cpb_schedule_alone(const cpb_batch *batch, int64_t j)
{
    const cpb_job *const job = &batch->jobs[j];
    const int64_t fixed = batch->price.fixed, time = job->work + fixed;
    if (batch->domain->groups_only && batch->domain->sizes != CPB_SIZES_ANY)
        return least_even(batch, j);
    const int64_t work = least_work(batch, job);
    const int64_t mean = fixed + cpb_ceil_div(work, batch->domain->ranks);
    const int64_t cut = cpb_max(mean, least_cut(batch, job));
    return job->tokens <= batch->budget ? cpb_min(time, cut) : cut;
}

/* Bound 2. Jobs that are short on one rank cannot raise it. */
static int64_t bound_alone(const cpb_batch *batch)
{
    int64_t bound = 0;
    for (int64_t j = 0; j < batch->n; j++) {
        const cpb_job *const job = &batch->jobs[j];
        if (job->work + batch->price.fixed <= bound && job->tokens <= batch->budget &&
            batch->ordered)
            break;
        bound = cpb_max(bound, cpb_schedule_alone(batch, j));
    }
    return bound;
}

/* Bound 1. */
int64_t cpb_schedule_mean(const cpb_batch *batch)
{
    const int64_t ranks = batch->domain->ranks;
    const int64_t micro = cpb_max(ranks, cpb_ceil_div(batch->tokens, batch->budget));
    const cpb_wide work =
        least_work_of_all(batch) + (cpb_wide)micro * batch->price.fixed;
    return batch->n ? (int64_t)((work + ranks - 1) / ranks) : 0;
}

/* Bound 3. */
static giants find_giants(const cpb_batch *batch)
{
    const int64_t room = batch->domain->ranks * batch->budget;
    giants found = {0};
    for (int64_t j = 0; j < batch->n; j++) {
        if (2 * batch->jobs[j].tokens > room) {
            found.n++;
            found.time += cpb_schedule_alone(batch, j);
        } else if (batch->ordered) {
            break;
        }
    }
    return found;
}

/* No more work than this is in any `tokens` tokens of the step. Densities are rounded
 * down to sort and up to sum. */
static cpb_status densest(const cpb_batch *batch, int64_t tokens, cpb_wide *work,
                          cpb_error *error)
{
    const size_t n = (size_t)batch->n;
    cpb_item *const items = cpb_arena_take(batch->scratch, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(batch->scratch, n, sizeof *spare);
    if (!items || !spare)
        return cpb_fail_memory(error);
    for (size_t j = 0; j < n; j++) {
        const cpb_job *const job = &batch->jobs[j];
        const uint64_t density = (uint64_t)(least_work(batch, job) / job->tokens);
        items[j] = (cpb_item){UINT64_MAX / 2 - density, (int64_t)j};
    }
    cpb_sort(items, spare, n);
    *work = 0;
    for (size_t i = 0; i < n && tokens > 0; i++) {
        const cpb_job *const job = &batch->jobs[items[i].value];
        const int64_t taken = cpb_min(tokens, job->tokens);
        *work += (cpb_wide)(least_work(batch, job) / job->tokens + 1) * taken;
        tokens -= taken;
    }
    return CPB_OK;
}

/* Bound 4. `alone` is bound 2. */
static cpb_status bound_barrier(const cpb_batch *batch, giants found, int64_t alone,
                                int64_t *bound, cpb_error *error)
{
    const int64_t ranks = batch->domain->ranks, fixed = batch->price.fixed;
    const int64_t room = ranks * batch->budget;
    const int64_t micro = cpb_ceil_div(batch->tokens, room);
    cpb_wide held = 0;
    cpb_status status;
    if (!found.n)
        found = (giants){1, alone};
    CPB_TRY(densest(batch, found.n * room, &held, error));
    const cpb_wide time = (cpb_wide)ranks * (found.time - found.n * fixed);
    const cpb_wide rest = least_work_of_all(batch) - (time < held ? time : held);
    *bound = found.time + fixed * cpb_max(0, micro - found.n) +
             (rest > 0 ? (int64_t)((rest + ranks - 1) / ranks) : 0);
done:
    return status;
}

cpb_status cpb_schedule_bound(const cpb_batch *batch, int64_t *bound, cpb_error *error)
{
    const cpb_domain *const domain = batch->domain;
    const int64_t alone = bound_alone(batch);
    const giants found = find_giants(batch);
    cpb_status status = CPB_OK;
    *bound = cpb_max(cpb_max(cpb_schedule_mean(batch), alone), found.time);
    if (domain->meet == CPB_MEET_MICRO && batch->n) {
        int64_t barrier;
        CPB_TRY(bound_barrier(batch, found, alone, &barrier, error));
        *bound = cpb_max(*bound, barrier);
    }
    const int64_t mean = domain->micro_most ? *bound / domain->micro_most : 0;
    *bound += (domain->stages - 1) * cpb_max(alone, mean);
done:
    return status;
}
