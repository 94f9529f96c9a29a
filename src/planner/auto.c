// SPDX-License-Identifier: Apache-2.0
/* `auto`: the line from mask to plan for every row of the table, and the plan that scores
 * best. */
#include "planner.h"

#include "../base/error.h"
#include "../base/range.h"
#include "../read/step.h"

/* The best plan so far. */
typedef struct winner {
    cpb_plan *plan;
    const cpb_balancer *row;
    cpb_step_figures figures; /* `time` is INT64_MAX before there is a plan */
} winner;

/* What the step takes counts first, then what passes the busiest card, then what is
 * received in all; of equals the first row of the table stays, and of one row the first
 * plan. */
static bool is_better(const winner *a, const winner *b)
{
    const cpb_step_figures *const x = &a->figures, *const y = &b->figures;
    if (!b->plan || x->time != y->time)
        return !b->plan || x->time < y->time;
    if (x->busiest != y->busiest)
        return x->busiest < y->busiest;
    return x->keys != y->keys ? x->keys < y->keys : a->row < b->row;
}

/* What a row came to that keeps the tolerance. */
typedef struct trial {
    const cpb_balancer *row; /* NULL: none has a plan */
    cpb_step_figures tightest, last;
} trial;

typedef struct search {
    const cpb_masks *masks;
    const cpb_options *options;
    winner best;
    trial kept;
    cpb_error *error;
} search;

/* Plan by one row and keep the plan if it is better than the best so far. `figures` are its
 * own, with `time` INT64_MAX where it is longer than the best and than `limit`. */
static cpb_status try_row(search *s, const cpb_balancer *row, int64_t tolerance_ppm,
                          int64_t limit, cpb_step_figures *figures)
{
    winner now = {.row = row, .figures = {.time = INT64_MAX}};
    cpb_status status;

    limit = cpb_max(limit, s->best.figures.time);
    CPB_TRY(cpb_row_run(row, s->masks, s->options, tolerance_ppm, limit, &now.plan,
                        NULL, s->error));
    if (!now.plan)
        goto done;
    CPB_TRY(cpb_step_within(now.plan, s->masks, &s->options->setup, limit,
                            &s->options->allocator, &now.figures, s->error));
    if (is_better(&now, &s->best)) {
        cpb_plan *const worse = s->best.plan;
        s->best = now;
        now.plan = worse;
    }
done:
    *figures = now.figures;
    cpb_plan_free(now.plan);
    return status;
}

/* A cap that a row cannot keep, costs beyond 64 bits. */
static bool is_refusal(cpb_status status)
{
    return status == CPB_UNSUPPORTED || status == CPB_TOO_LARGE;
}

enum { TIMES = 4, LOOSEST_PPM = 1000000, FIRST_PPM = 10000, WORTH_GOING_ON = 128 };

/* A row that keeps the tolerance is tried with tighter ones too, down to a hundredth, so
 * that four times the tolerance never makes the step longer. A tolerance at which the row
 * is refused is left out: few peers are harder to keep where loads must be even. */
static cpb_status try_tolerances(search *s, const cpb_balancer *row)
{
    const int64_t asked = s->options->tolerance_ppm;
    int64_t tolerance = asked;
    cpb_step_figures figures;
    cpb_status status;
    while (tolerance >= TIMES * FIRST_PPM && tolerance % TIMES == 0)
        tolerance /= TIMES;
    for (;; tolerance *= TIMES) {
        status = try_row(s, row, tolerance, 0, &figures);
        if (status != CPB_OK && !is_refusal(status))
            return status;
        if (status == CPB_OK && !s->kept.row)
            s->kept = (trial){row, figures, figures};
        else if (status == CPB_OK && figures.time < s->kept.last.time)
            s->kept.last = figures;
        if (tolerance >= asked)
            return s->kept.row ? CPB_OK : status;
    }
}

static int64_t waiting(const cpb_step_figures *figures)
{
    return figures->time - figures->compute;
}

/* A looser tolerance is worth a try where more than a hundredth or so of the step is
 * waiting, unless a row is best that computes less and waits less than this one does at its
 * tightest: such a row is ahead by balance, which looser tolerances give away. */
static bool may_loosen(const search *s)
{
    const cpb_step_figures *const best = &s->best.figures, *const last = &s->kept.last;
    if (!s->kept.row || last->time == INT64_MAX ||
        waiting(last) <= last->time / WORTH_GOING_ON)
        return false;
    return s->best.row == s->kept.row || best->compute > s->kept.tightest.compute ||
           waiting(best) > waiting(&s->kept.tightest);
}

/* Where the network is the limit, balance is worth less than traffic: looser tolerances are
 * tried as long as the step gets shorter by a hundredth or so. A refusal only ends this. */
static cpb_status loosen(search *s)
{
    int64_t tolerance = s->options->tolerance_ppm;
    cpb_status status = CPB_OK;
    while (may_loosen(s) && tolerance > 0 && tolerance * TIMES <= LOOSEST_PPM) {
        const int64_t before = s->kept.last.time;
        const int64_t worth = before - before / WORTH_GOING_ON - 1;
        tolerance *= TIMES;
        CPB_TRY(try_row(s, s->kept.row, tolerance, worth, &s->kept.last));
        if (s->kept.last.time > worth)
            break;
    }
done:
    return status == CPB_NO_MEMORY ? status : CPB_OK;
}

/* Whether row `a` is tried before `b`. Those that keep a tolerance are likely to win; of the
 * others those that deal large chunks need fewest looks. The sooner a short step is known,
 * the sooner others are given up. */
static bool is_before(const cpb_balancer *a, const cpb_balancer *b)
{
    if (a->keeps_tolerance != b->keeps_tolerance)
        return a->keeps_tolerance;
    return a->chunk != b->chunk ? a->chunk > b->chunk : a > b;
}

/* The row that is tried after another one; NULL: the first, and after the last. */
static const cpb_balancer *row_after(const cpb_balancer *last)
{
    const cpb_balancer *next = NULL;
    for (const cpb_balancer *row = cpb_balancers; row < cpb_balancers + cpb_n_balancers;
         row++)
        if ((!last || is_before(last, row)) && (!next || is_before(row, next)))
            next = row;
    return next;
}

/* A row that refuses is left out; if all do, the last sentence stands. */
static cpb_status try_all(search *s)
{
    cpb_status status = CPB_OK;
    for (const cpb_balancer *row = row_after(NULL); row; row = row_after(row)) {
        cpb_step_figures figures;
        if (!cpb_row_serves(row, &s->options->setup))
            continue;
        status = row->keeps_tolerance
                     ? try_tolerances(s, row)
                     : try_row(s, row, s->options->tolerance_ppm, 0, &figures);
        if (status != CPB_OK && !is_refusal(status))
            return status;
    }
    return s->best.plan ? CPB_OK : status;
}

cpb_status cpb_auto_run(const cpb_masks *masks, const cpb_options *options,
                        cpb_plan **plan, cpb_error *error)
{
    search s = {.masks = masks,
                .options = options,
                .best = {.figures = {.time = INT64_MAX}},
                .error = error};
    cpb_status status;

    CPB_TRY(try_all(&s));
    CPB_TRY(loosen(&s));
done:
    if (status != CPB_OK) {
        cpb_plan_free(s.best.plan);
        s.best.plan = NULL;
    }
    *plan = s.best.plan;
    return status;
}
