// SPDX-License-Identifier: Apache-2.0
/* cpb check: prove a plan file or anybody's order, or name what is wrong with it. */
#include "command.h"
#include "figures.h"
#include "message.h"
#include "npy.h"
#include "schedulefile.h"
#include "source.h"
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool ready(const cli_options *options, cpb_error *error)
{
    if (options->schedule)
        return options->n_said == 1 ||
               fail(error,
                    "--schedule stands alone: a schedule file holds all that it is "
                    "checked against");
    if (!options->plan && !options->order)
        return fail(error,
                    "nothing to check; give --plan FILE.json, --order FILE.npy or "
                    "--schedule FILE.json");
    return source_ready(options, error);
}

/* What one run owns. */
typedef struct state {
    cli_source source;
    cli_report report; /* recounted, where there are masks */
    int64_t n_inverse;
    int64_t *inverse; /* of --inverse, NULL without */
    int64_t *first;   /* of the plan, for claims about an order */
} state;

/* The step time is stated in microseconds with 17 digits, which picoseconds beyond 2^53
 * do not survive. What prints as the stated number is what was stated. */
static void state_step_time(cli_stated *stated, const cpb_score *recounted)
{
    if (figures_microseconds(recounted->step_time) == stated->step_us)
        stated->score.step_time = recounted->step_time;
}

static cpb_claim claim_of_file(const cli_source *source)
{
    const cli_planfile *const file = &source->file;
    return (cpb_claim){.tokens = file->tokens,
                       .padding = file->padding,
                       .ranks = file->ranks,
                       .first = file->first,
                       .runs = file->runs,
                       .promise = source->promise};
}

static bool prove(const cpb_claim *claim, const cpb_masks *masks,
                  const cpb_setup *setup, cpb_error *error)
{
    return succeeded(
        cpb_check_plan(claim, masks->n ? masks : NULL, setup, NULL, error));
}

static bool prove_figures(const cli_source *source, cli_stated *stated,
                          const cli_measured *recounted, const cpb_masks *masks,
                          cpb_error *error)
{
    cpb_claim claim = claim_of_file(source);
    state_step_time(stated, &recounted->score);
    claim.score = &stated->score;
    claim.pairs = stated->pairs;
    claim.loads = stated->loads;
    claim.hash = &source->file.hash;
    return prove(&claim, masks, &source->setup, error);
}

/* Each mask by itself, where the file states several. */
static bool prove_layers(state *s, const cpb_masks *masks, cpb_error *error)
{
    char where[40];
    cli_planfile *const file = &s->source.file;
    for (size_t i = 0; s->source.own_masks && file->layers && i < masks->n; i++) {
        const cpb_masks one = {.n = 1, .mask = &masks->mask[i]};
        if (!prove_figures(&s->source, &file->layers[i], &s->report.layers[i], &one,
                           error)) {
            snprintf(where, sizeof where, "masks[%zu]", i);
            return fail_at(error, where);
        }
    }
    return true;
}

/* The runs first, for everything that follows needs a bijection; then the figures. */
static bool prove_file(const cli_options *options, state *s, cpb_error *error)
{
    const cpb_claim bare = claim_of_file(&s->source);
    const cpb_masks masks = batch_view(source_batch(&s->source));
    const cpb_masks none = {.n = 0};
    if (!prove(&bare, &none, &s->source.setup, error) ||
        !source_create_plan(options, &s->source, error))
        return false;
    s->report = (cli_report){.plan = s->source.plan,
                             .batch = source_batch(&s->source),
                             .setup = s->source.setup};
    return succeeded(report_measure(&s->report, error)) &&
           prove_figures(&s->source, &s->source.file.all, &s->report.all, &masks,
                         error) &&
           prove_layers(s, &masks, error);
}

static bool prove_order(const cli_options *options, state *s, cpb_error *error)
{
    if (!succeeded(cpb_check_order(s->source.n_order, s->source.order, NULL, error)))
        return fail_at(error, options->order);
    if (!source_create_plan(options, &s->source, error))
        return false;
    const cpb_plan *const plan = s->source.plan;
    const int32_t ranks = cpb_plan_ranks(plan);
    s->first = calloc((size_t)ranks + 1, sizeof *s->first);
    if (!s->first)
        return fail_memory(error);
    for (int32_t r = 0; r < ranks; r++)
        s->first[r + 1] = s->first[r] + (int64_t)cpb_plan_n_runs(plan, r);
    const cpb_claim claim = {.tokens = cpb_plan_tokens(plan),
                             .padding = cpb_plan_padding(plan),
                             .ranks = ranks,
                             .first = s->first,
                             .runs = cpb_plan_runs(plan, 0),
                             .promise = s->source.promise};
    const cpb_masks masks = batch_view(source_batch(&s->source));
    return prove(&claim, &masks, &s->source.setup, error);
}

/* Beside a plan file, the order must be that of the plan. */
static bool orders_agree(const cli_options *options, const state *s, cpb_error *error)
{
    const cpb_plan *const plan = s->source.plan;
    const int64_t n = cpb_plan_tokens(plan) + cpb_plan_padding(plan);
    if (!s->source.order || !s->source.from_file)
        return true;
    if (s->source.n_order != n)
        return fail(error, "%.40s has %" PRId64 " entries but the plan has %" PRId64,
                    options->order, s->source.n_order, n);
    int64_t at = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++) {
            const cpb_range run = cpb_plan_runs(plan, r)[i];
            for (int64_t p = run.begin; p < run.end; p++, at++)
                if (s->source.order[at] != p)
                    return fail(error,
                                "%.40s: entry %" PRId64 " is %" PRId64
                                " but the plan holds position %" PRId64 " there",
                                options->order, at, s->source.order[at], p);
        }
    return true;
}

static bool inverse_agrees(const cli_options *options, const state *s, cpb_error *error)
{
    const cpb_plan *const plan = s->source.plan;
    const int64_t n = cpb_plan_tokens(plan) + cpb_plan_padding(plan);
    if (!options->inverse)
        return true;
    if (s->n_inverse != n)
        return fail(error, "%.40s has %" PRId64 " entries but the order has %" PRId64,
                    options->inverse, s->n_inverse, n);
    int64_t at = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++) {
            const cpb_range run = cpb_plan_runs(plan, r)[i];
            for (int64_t p = run.begin; p < run.end; p++, at++)
                if (s->inverse[p] != at)
                    return fail(error,
                                "%.40s: entry %" PRId64 " is %" PRId64
                                " but position %" PRId64 " is entry %" PRId64
                                " of the order",
                                options->inverse, p, s->inverse[p], p, at);
        }
    return true;
}

static void print_proved(const cli_options *options, const state *s)
{
    const cli_batch *const batch = source_batch(&s->source);
    const cpb_plan *const plan = s->source.plan;
    char text[TABLE_CELL_BYTES];
    printf("proved: %s", table_count(cpb_plan_tokens(plan), "token", text));
    if (cpb_plan_padding(plan))
        printf(" and %s", table_count(cpb_plan_padding(plan), "pad", text));
    printf(" lie on %s, each once, sizes as promised",
           table_count(cpb_plan_ranks(plan), "rank", text));
    if (batch->n)
        printf("; every allowed pair of %s is computed exactly once",
               table_count((int64_t)batch->n, "mask", text));
    if (s->source.from_file)
        printf("; figures and hash equal a recount");
    if (s->source.from_file && s->source.order)
        printf("; the order is that of the plan");
    if (options->inverse)
        printf("; the inverse undoes the order");
    putchar('\n');
}

static bool run(const cli_options *options, cpb_error *error)
{
    if (options->schedule)
        return schedulefile_prove(options->schedule, error);
    state s = {.n_inverse = 0};
    const bool good = source_read(options, &s.source, error) &&
                      (!options->inverse ||
                       npy_read(options->inverse, &s.n_inverse, &s.inverse, error)) &&
                      (s.source.from_file ? prove_file(options, &s, error)
                                          : prove_order(options, &s, error)) &&
                      orders_agree(options, &s, error) &&
                      inverse_agrees(options, &s, error);
    if (good)
        print_proved(options, &s);
    free(s.first);
    free(s.inverse);
    report_free(&s.report);
    source_free(&s.source);
    return good;
}

const cli_command check_command = {
    .name = "check",
    .summary = "prove a plan, an order or a schedule; exit 1 with the first "
               "counterexample",
    .usage = "(--plan FILE.json | --order FILE.npy --ranks W | --schedule FILE.json) "
             "[--documents LENGTHS | --mask MASK] [FLAG ...]",
    .about =
        "Proved are: every token lies on exactly one rank, sizes are as promised, "
        "every\n"
        "allowed pair is computed exactly once, and each figure that a plan file "
        "states\n"
        "equals a recount by code that shares nothing with the planner. Of a "
        "schedule:\n"
        "every document is in the step once or left over with a reason that holds, "
        "groups,\n"
        "budgets and order are within the limits, and each figure and group equals "
        "a\nrecount.\n",
    .examples = "  cpb check --plan plan.json\n"
                "  cpb check --plan plan.json --order order.npy --inverse inverse.npy\n"
                "  cpb check --order order.npy --ranks 8 --documents @lengths.txt\n"
                "  cpb check --schedule schedule.json\n",
    .user = USED_BY_CHECK,
    .ready = ready,
    .run = run,
};
