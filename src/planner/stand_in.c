// SPDX-License-Identifier: Apache-2.0
/* On shards of a few tiles loads hang on where each run is cut, a search by swaps is coarse,
 * and now and then the rule of another row has the luck that the search lacks. So the
 * promise that a tolerance is kept where any row keeps it is kept by asking them all. */
#include "stand_in.h"

#include "planner.h"

#include "../base/error.h"
#include "../plan/plan.h"
#include "../work/work.h"

#include <cpb/score.h>

enum { MILLION = 1000000 };

/* A plan and what speaks for it. */
typedef struct contender {
    cpb_plan *plan;
    cpb_wide level;  /* ranks * max(mean load, bound) */
    int64_t load;    /* largest */
    int64_t busiest; /* keys through a card; runs of a rank where these count */
    int64_t keys;    /* received in total */
} contender;

/* What is common to all contenders. */
typedef struct contest {
    const cpb_masks *masks;
    const cpb_options *options;
    cpb_arena *arena;
    cpb_rank_score *cells; /* [ranks] scratch */
    contender own;         /* what the search found */
    size_t n;
    contender *rows; /* [n] of the same sizes and granularity, peers as asked */
} contest;

static bool within(const contest *c, int64_t load, const contender *of)
{
    return (cpb_wide)load * c->options->ranks * MILLION <=
           of->level * (MILLION + c->options->tolerance_ppm);
}

static cpb_status measure(contest *c, contender *one)
{
    const cpb_setup *const setup = &c->options->setup;
    const int32_t ranks = c->options->ranks;
    cpb_score score;
    const cpb_status status =
        cpb_score_plan(one->plan, c->masks, setup, &c->options->allocator, &score,
                       c->cells, NULL, NULL);
    if (status != CPB_OK)
        return status;
    for (int32_t r = 0; r < ranks; r++)
        one->level += c->cells[r].load;
    if (one->level < (cpb_wide)score.load_bound * ranks)
        one->level = (cpb_wide)score.load_bound * ranks;
    one->load = score.load_max;
    one->keys = score.receive_total;
    one->busiest = cpb_max(score.receive_max, score.send_max);
    if (setup->nodes)
        one->busiest = cpb_max(score.net_in_max, score.net_out_max);
    if (setup->kernel == CPB_RECURRENT)
        one->busiest = score.runs_max;
    return CPB_OK;
}

/* Whether every rank holds as many steps of the grid as a rank of these sizes may, and no
 * run is cut inside one. */
static bool is_alike(const cpb_plan *plan, const cpb_plan *own)
{
    const int64_t grid = cpb_plan_promise(own)->granularity;
    const int64_t positions = cpb_plan_tokens(own) + cpb_plan_padding(own);
    const int64_t steps = cpb_ceil_div(positions, grid);
    const int32_t ranks = cpb_plan_ranks(own);
    if (cpb_plan_tokens(plan) + cpb_plan_padding(plan) != positions)
        return false;
    for (int32_t r = 0; r < ranks; r++) {
        const int64_t held = cpb_ceil_div(cpb_plan_size(plan, r), grid);
        const cpb_range *const runs = cpb_plan_runs(plan, r);
        if (held < steps / ranks || held > cpb_ceil_div(steps, ranks))
            return false;
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            if (runs[i].begin % grid ||
                (runs[i].end % grid && runs[i].end != positions))
                return false;
    }
    return true;
}

/* Whether a load is within the tolerance of another one. */
static bool is_near(const contest *c, int64_t load, int64_t other)
{
    return (cpb_wide)load * MILLION <=
           (cpb_wide)other * (MILLION + c->options->tolerance_ppm);
}

static bool has_less_traffic(const contender *a, const contender *b)
{
    return a->busiest != b->busiest ? a->busiest < b->busiest : a->keys < b->keys;
}

static const contender *lowest(const contest *c)
{
    const contender *low = &c->own;
    for (size_t i = 0; i < c->n; i++)
        if (c->rows[i].load < low->load)
            low = &c->rows[i];
    return low;
}

/* Of the rows that keep the tolerance with a load near the lowest that with the least
 * traffic, or NULL. A mean that is high because a plan shreds documents makes its tolerance
 * easy to keep: hence near. */
static const contender *best_that_keeps(const contest *c, const contender *low)
{
    const contender *best = NULL;
    for (size_t i = 0; i < c->n; i++) {
        const contender *const one = &c->rows[i];
        if (within(c, one->load, one) && is_near(c, one->load, low->load) &&
            (!best || has_less_traffic(one, best)))
            best = one;
    }
    return best;
}

static const contender *choose(const contest *c)
{
    const contender *const own = &c->own, *const low = lowest(c);
    const contender *const best = best_that_keeps(c, low);
    if (best)
        return best;
    return within(c, low->load, own) ||
                   (cpb_wide)low->load * 101 < (cpb_wide)own->load * 100
               ? low
               : own;
}

/* Let the plan of a row take part. A row that refuses stays away. */
static cpb_status admit(contest *c, const cpb_balancer *row)
{
    const cpb_plan *const own = c->own.plan;
    contender one = {0};
    cpb_status status;
    CPB_TRY(cpb_row_run(row, c->masks, c->options, c->options->tolerance_ppm, INT64_MAX,
                        &one.plan, NULL, NULL));
    if (!is_alike(one.plan, own))
        goto done;
    cpb_plan_sign(one.plan, cpb_plan_balancer(own), cpb_plan_promise(own));
    CPB_TRY(measure(c, &one));
    c->rows[c->n++] = one;
    one.plan = NULL;
done:
    cpb_plan_free(one.plan);
    return status == CPB_UNSUPPORTED || status == CPB_TOO_LARGE ? CPB_OK : status;
}

static cpb_status run_contest(contest *c)
{
    const char *const name = cpb_plan_balancer(c->own.plan);
    const cpb_setup *const setup = &c->options->setup;
    cpb_status status;
    c->cells = cpb_arena_take(c->arena, (size_t)c->options->ranks, sizeof *c->cells);
    c->rows = cpb_arena_take(c->arena, cpb_n_balancers, sizeof *c->rows);
    if (!c->cells || !c->rows)
        return CPB_NO_MEMORY;
    CPB_TRY(measure(c, &c->own));
    if (within(c, c->own.load, &c->own))
        goto done;
    for (size_t i = 0; i < cpb_n_balancers; i++)
        if (cpb_balancers[i].name != name && cpb_row_serves(&cpb_balancers[i], setup))
            CPB_TRY(admit(c, &cpb_balancers[i]));
done:
    return status == CPB_TOO_LARGE ? CPB_OK : status; /* a plan needs no score */
}

cpb_status cpb_stand_in(const cpb_masks *masks, const cpb_options *options,
                        cpb_plan **plan, cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(&options->allocator)};
    cpb_plan *const own = *plan;
    contest c = {
        .masks = masks, .options = options, .arena = &arena, .own = {.plan = own}};
    const cpb_status status = run_contest(&c);
    *plan = status == CPB_OK ? choose(&c)->plan : NULL;
    for (size_t i = 0; i < c.n; i++)
        if (c.rows[i].plan != *plan)
            cpb_plan_free(c.rows[i].plan);
    if (*plan != own)
        cpb_plan_free(own);
    cpb_arena_free(&arena);
    return status == CPB_OK ? CPB_OK : cpb_fail_memory(error);
}
