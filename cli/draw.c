// SPDX-License-Identifier: Apache-2.0
/* cpb draw: plans as pictures, side by side. */
#include "command.h"
#include "drawing.h"
#include "drawschedule.h"
#include "drawtext.h"
#include "message.h"
#include "output.h"
#include "picturefile.h"
#include "setup.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

/* What one run owns. */
typedef struct state {
    cli_batch batch; /* masks of the flags */
    size_t n_plans;
    cpb_plan **plans; /* [n_plans] of the balancers */
    size_t n_sources;
    cli_source *sources; /* [n_sources] plan files, or an order */
    size_t n_views;
    cli_view *views; /* [n_views] */
    size_t n_schedules;
    cli_scheduleview *schedules; /* [n_schedules] */
} state;

static bool ready(const cli_options *options, cpb_error *error)
{
    const bool mask = options->documents || options->n_masks;
    if (options->schedules.n)
        return options->n_said == options->schedules.n + !!options->output ||
               fail(error, "--schedule stands alone, beside --output: a schedule file "
                           "holds all that is drawn");
    if (options->plans.n && options->order)
        return fail(error,
                    "--plan and --order stand beside each other; accepted is one");
    if ((options->plans.n || options->order) && options->balancers.n)
        return fail(error, "--balancer makes a plan, --plan and --order give one; "
                           "accepted is one");
    if (options->plans.n)
        return true;
    if (!mask)
        return fail(error,
                    "nothing to draw; give --plan, --schedule, --documents or --mask");
    return options->ranks >= 0 || fail(error, "--ranks is missing");
}

/* One more view; its title is what made the plan, then which mask it is seen through. */
static bool add_view(state *s, const cpb_plan *plan, const char *name,
                     const cli_batch *batch, size_t mask, const cpb_setup *setup,
                     cpb_error *error)
{
    cli_view *const views = realloc(s->views, (s->n_views + 1) * sizeof *views);
    if (!views)
        return fail_memory(error);
    s->views = views;
    cli_view *const view = &views[s->n_views++];
    *view = (cli_view){.plan = plan, .mask = batch->mask[mask], .setup = *setup};
    if (batch->n > 1)
        snprintf(view->title, sizeof view->title, "%.48s, mask %d of %d", name,
                 (int)mask + 1, (int)batch->n);
    else
        snprintf(view->title, sizeof view->title, "%.48s", name);
    return view_measure(view, error);
}

static bool add_views(state *s, const cpb_plan *plan, const char *asked,
                      const cli_batch *batch, const cpb_setup *setup, cpb_error *error)
{
    char name[48];
    const char *const made = cpb_plan_balancer(plan);
    if (*made && strcmp(made, asked))
        snprintf(name, sizeof name, "%.20s (%.20s)", asked, made);
    else
        snprintf(name, sizeof name, "%.40s", asked);
    for (size_t i = 0; i < batch->n; i++)
        if (!add_view(s, plan, name, batch, i, setup, error))
            return false;
    return true;
}

static bool add_balancer(const cli_options *options, const char *name, state *s,
                         cpb_error *error)
{
    cpb_options planner;
    const cpb_masks masks = batch_view(&s->batch);
    if (!planner_options(options, &planner, error))
        return false;
    planner.balancer = name;
    return succeeded(cpb_plan_create(&masks, &planner, &s->plans[s->n_plans], error)) &&
           add_views(s, s->plans[s->n_plans++], name, &s->batch, &planner.setup, error);
}

static bool add_balancers(const cli_options *options, state *s, cpb_error *error)
{
    static const char *const best[] = {"auto"};
    const size_t n = options->balancers.n ? options->balancers.n : 1;
    const char *const *const names =
        options->balancers.n ? options->balancers.text : best;
    s->plans = calloc(n, sizeof *s->plans);
    if (!s->plans)
        return fail_memory(error);
    if (!batch_of(options, &s->batch, error))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!add_balancer(options, names[i], s, error))
            return false;
    return true;
}

static bool add_source(const cli_options *options, state *s, cpb_error *error)
{
    cli_source *const source = &s->sources[s->n_sources++];
    if (!source_read(options, source, error) ||
        !source_create_plan(options, source, error))
        return false;
    return add_views(s, source->plan,
                     source->from_file ? source->file.chosen : source_foreign,
                     source_batch(source), &source->setup, error);
}

/* A plan file at a time, or the order. */
static bool add_sources(const cli_options *options, state *s, cpb_error *error)
{
    cli_options one = *options;
    const size_t n = options->plans.n ? options->plans.n : 1;
    s->sources = calloc(n, sizeof *s->sources);
    if (!s->sources)
        return fail_memory(error);
    for (size_t i = 0; i < n; i++) {
        one.plan = options->plans.n ? options->plans.text[i] : NULL;
        if (!add_source(&one, s, error))
            return false;
    }
    return true;
}

static bool add_schedules(const cli_texts *paths, state *s, cpb_error *error)
{
    s->schedules = calloc(paths->n, sizeof *s->schedules);
    if (!s->schedules)
        return fail_memory(error);
    while (s->n_schedules < paths->n) {
        cli_scheduleview *const next = &s->schedules[s->n_schedules];
        if (!scheduleview_read(paths->text[s->n_schedules++], next, error))
            return false;
    }
    return true;
}

/* Whatever the flags name. */
static bool add_all(const cli_options *options, state *s, cpb_error *error)
{
    if (options->schedules.n)
        return add_schedules(&options->schedules, s, error);
    return options->plans.n || options->order ? add_sources(options, s, error)
                                              : add_balancers(options, s, error);
}

static bool write_picture(const char *path, const state *s, cpb_error *error)
{
    picture *const p = picture_create();
    const bool drawn =
        p ? s->n_schedules ? drawschedule_page(p, s->n_schedules, s->schedules, error)
                           : drawing_page(p, s->n_views, s->views, error)
          : fail_memory(error);
    const bool good = drawn && picturefile_write(p, path, error);
    if (good && !picture_has_fonts(p))
        complain("draw", EXIT_DONE,
                 "warning: no font is installed; letters are drawn as strokes");
    picture_free(p);
    return good;
}

static bool show(const state *s, cpb_error *error)
{
    if (!drawschedule_print(stdout, s->n_schedules, s->schedules, error))
        return false;
    for (size_t i = 0; i < s->n_views; i++) {
        if (i)
            putchar('\n');
        if (!drawtext_print(stdout, &s->views[i], error))
            return false;
    }
    return output_flush_standard(error);
}

static bool run(const cli_options *options, cpb_error *error)
{
    state s = {.n_views = 0};
    picture_format format;
    bool good = !options->output || picturefile_format(options->output, &format, error);
    good = good && add_all(options, &s, error);
    if (good)
        good = options->output ? write_picture(options->output, &s, error)
                               : show(&s, error);
    for (size_t i = 0; i < s.n_views; i++)
        view_free(&s.views[i]);
    for (size_t i = 0; i < s.n_sources; i++)
        source_free(&s.sources[i]);
    for (size_t i = 0; i < s.n_plans; i++)
        cpb_plan_free(s.plans[i]);
    for (size_t i = 0; i < s.n_schedules; i++)
        scheduleview_free(&s.schedules[i]);
    free(s.schedules);
    free(s.views);
    free(s.sources);
    free(s.plans);
    batch_free(&s.batch);
    return good;
}

const cli_command draw_command = {
    .name = "draw",
    .summary = "a plan or a schedule as a picture",
    .usage =
        "(--documents LENGTHS | --mask MASK | --plan FILE.json | --order FILE.npy | "
        "--schedule FILE.json) [--ranks W] [-o FILE] [FLAG ...]",
    .about =
        "Every allowed pair has the colour of the rank that computes it; above it lies "
        "the\nline of tokens by owner, below it loads, traffic and figures. Repeat "
        "--balancer or\n--plan to see plans side by side. More than 16 ranks share "
        "colours in groups.\n"
        "\nOf a schedule: time to the right, a row per rank, the colour of a stretch "
        "is "
        "the\nsize of its group; pale where the rank waits for its group.\n",
    .examples = "  cpb draw --documents 5000,300,12000 --ranks 8\n"
                "  cpb draw --documents 5000,300,12000 --ranks 8 --balancer head-tail "
                "\\\n"
                "    --balancer auto -o before-after.svg\n"
                "  cpb draw --plan plan.json -o plan.pdf\n"
                "  cpb draw --schedule schedule.json -o schedule.svg\n",
    .user = USED_BY_DRAW,
    .ready = ready,
    .run = run,
};
