// SPDX-License-Identifier: Apache-2.0
/* What no plan is below: loads and traffic. */
#include "scoring.h"

#include "receive_floor.h"

#include "../balance/bound.h"
#include "../base/error.h"
#include "../base/range.h"

/* Chunk costs are exact, hence good for a bound, where no q-tile holds two chunks. */
static bool chunks_are_exact(const cpb_promise *promise, const cpb_setup *setup)
{
    if (promise->granularity == 1)
        return false;
    if (setup->cost == CPB_PAIRS)
        return true;
    if (setup->kernel == CPB_VARLEN)
        return false;
    return promise->chunk % cpb_setup_tiling(setup).tile_q == 0;
}

/* A bound on loads of whole chunks. It counts sums in 64 bits: where all chunks together
 * cost more than that, none is found, and `bound` stays. */
static cpb_status chunk_bound(const cpb_scoring *s, int64_t *bound, cpb_error *error)
{
    const cpb_promise *const promise = cpb_plan_promise(s->plan);
    const int64_t positions = cpb_plan_tokens(s->plan) + cpb_plan_padding(s->plan);
    const int64_t n = cpb_ceil_div(positions, promise->chunk);
    cpb_arena scratch = {.allocator = s->arena->allocator};
    cpb_work *work = NULL;
    cpb_wide sum = 0;
    cpb_status status = CPB_OK;

    int64_t *const cost = cpb_arena_zeros(&scratch, (size_t)n, sizeof *cost);
    int64_t *const part = cpb_arena_take(&scratch, (size_t)n, sizeof *part);
    if (!cost || !part) {
        status = cpb_fail_memory(error);
        goto done;
    }
    for (size_t m = 0; m < s->masks->n; m++) {
        CPB_TRY(cpb_work_create(s->masks->mask[m], s->setup, &s->arena->allocator,
                                &work, error));
        cpb_work_chunks(work, promise->chunk, n, part);
        for (int64_t c = 0; c < n; c++) {
            const int64_t more = cpb_scoring_weight(s, m) * part[c];
            cost[c] += more;
            sum += more;
        }
        cpb_work_free(work);
        work = NULL;
    }
    const cpb_load_problem problem = {
        .n = n,
        .cost = cost,
        .ranks = s->ranks,
        .seats = cpb_seats_of(promise->sizes, positions, promise->chunk, s->ranks,
                              promise->cap),
        .speeds = cpb_setup_speeds(s->setup, s->ranks),
    };
    if (sum <= INT64_MAX && cpb_load_bound(&problem, &scratch, bound) != CPB_OK)
        status = cpb_fail_memory(error);
done:
    cpb_work_free(work);
    cpb_arena_free(&scratch);
    return status;
}

/* The ranks are as fast together as this many of the fastest, in units of 1 / fastest. */
static int64_t joint_speed(const cpb_scoring *s, int64_t *fastest)
{
    int64_t sum = 0;
    *fastest = 1;
    if (!s->setup->speeds)
        return s->ranks;
    for (int32_t r = 0; r < s->ranks; r++) {
        sum += s->setup->speeds[r];
        *fastest = cpb_max(*fastest, s->setup->speeds[r]);
    }
    return sum;
}

/* If no slowed load exceeds L, the loads sum to at most L times joint speed / fastest. */
static int64_t token_bound(const cpb_scoring *s)
{
    cpb_wide total = 0;
    int64_t query = 0;
    for (size_t m = 0; m < s->masks->n; m++) {
        const cpb_floor floor = cpb_work_floor(s->masks->mask[m], s->setup);
        total += floor.total * cpb_scoring_weight(s, m);
        query = cpb_max(query, cpb_scoring_weight(s, m) * floor.query);
    }
    int64_t fastest;
    const int64_t speed = joint_speed(s, &fastest);
    return cpb_max(query, (int64_t)((total * fastest + speed - 1) / speed));
}

cpb_status cpb_bound_loads(const cpb_scoring *s, int64_t *bound, cpb_error *error)
{
    int64_t by_chunks = 0;
    cpb_status status = CPB_OK;
    if (chunks_are_exact(cpb_plan_promise(s->plan), s->setup))
        status = chunk_bound(s, &by_chunks, error);
    *bound = cpb_max(token_bound(s), by_chunks);
    return status;
}

/* The largest load that the tolerance lets a rank have, as this plan's mean and bound
 * say, bounds what any plan must move.
 *
 * Of sends: a key that a rank receives is one that a rank sends, an owner or, where keys
 * are passed on, one that received it before. So in every form, and over all masks with
 * their weights, the ranks send together what they receive together, `receive_bound` at
 * least: each must get what its queries need and it does not own, and gets more only
 * where it also carries keys for others. The rank that sends most is no less than the
 * mean. */
cpb_status cpb_bound_traffic(const cpb_scoring *s, cpb_score *score, cpb_error *error)
{
    const cpb_wide million = 1000000;
    const cpb_wide share = million + cpb_plan_promise(s->plan)->tolerance_ppm;
    cpb_wide sum = 0;
    for (int32_t r = 0; r < s->ranks; r++)
        sum += s->cells[r].load;
    const cpb_wide by_mean = sum * share / (million * s->ranks);
    const cpb_wide by_bound = score->load_bound * share / million;
    for (size_t m = 0; m < s->masks->n; m++) {
        const int64_t weight = cpb_scoring_weight(s, m);
        cpb_receive_floor floor;
        const cpb_wide load = (by_mean > by_bound ? by_mean : by_bound) / weight;
        if (cpb_receive_floor_of(s->plan, s->masks->mask[m], s->setup, load,
                                 &s->arena->allocator, &floor) != CPB_OK)
            return cpb_fail_memory(error);
        score->receive_bound += weight * floor.total;
        score->receive_max_bound =
            cpb_max(score->receive_max_bound, weight * floor.most);
    }
    const int64_t mean = cpb_ceil_div(score->receive_bound, s->ranks);
    score->receive_max_bound = cpb_max(score->receive_max_bound, mean);
    score->send_max_bound = mean;
    return CPB_OK;
}
