// SPDX-License-Identifier: Apache-2.0
/* cpb attend: run the attention of a plan and compare it with dense attention. */
#include "attend/cases.h"
#include "attend/conduct.h"
#include "attend/outcome.h"
#include "attend/timeline.h"
#include "command.h"
#include "message.h"
#include "setup.h"
#include "trial.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* What one run of the command owns. */
typedef struct state {
    const cli_options *options;
    cli_batch batch;
    cpb_options planner;
    outcome_way way;
    processes processes;
    attend_bar bar;
    size_t n; /* runs that are done */
    outcome *outcomes;
    char (*names)[TABLE_CELL_BYTES];
    json_t *objects;
    timeline timeline;
} state;

/* Cases have masks and plans of their own. */
static bool ready_to_time(const cli_options *options, cpb_error *error)
{
    const struct {
        bool given;
        const char *name;
    } others[] = {
        {options->documents, "--documents"}, {options->n_masks, "--mask"},
        {options->ranks >= 0, "--ranks"},    {options->balancer, "--balancer"},
        {options->compare, "--compare"},     {options->timeline, "--timeline"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].given)
            return fail(error,
                        "--timings times cases of its own; leave out %s, or --timings",
                        others[i].name);
    return true;
}

static bool ready(const cli_options *options, cpb_error *error)
{
    if (options->timings)
        return ready_to_time(options, error);
    if (!options->documents && !options->n_masks)
        return fail(error, "nothing to attend to; give --documents or --mask");
    if (options->compare && options->balancer)
        return fail(error, "--balancer and --compare each name balancers; accepted is "
                           "one of them");
    return options->ranks >= 0 || fail(error, "--ranks is missing");
}

static cpb_attention shape_of(const cpb_model *model)
{
    return (cpb_attention){.q_heads = model->q_heads,
                           .kv_heads = model->kv_heads,
                           .head_dim = model->head_dim,
                           .scale = 1 / sqrt((double)model->head_dim)};
}

/* What every rank is to do; without a plan, what holds for all plans. */
static run_job job_of(state *s, const cpb_plan *plan)
{
    const cpb_setup *const setup = &s->planner.setup;
    const bool two_level = setup->nodes > 1 && setup->nodes < s->planner.ranks;
    return (run_job){
        .plan = plan,
        .dense = {.mask = plan ? s->batch.mask[0] : NULL,
                  .shape = shape_of(&setup->model),
                  .seed = s->options->seed < 0 ? 0 : (uint64_t)s->options->seed},
        .exchange = {.form = two_level ? CPB_TWO_LEVEL : CPB_FLAT,
                     .nodes = two_level ? setup->nodes : 0},
        .backward = setup->backward,
        .bar = &s->bar};
}

/* Keep what a run showed; print it where it is the only one. */
static bool keep(state *s, const cli_report *report, const run_job *job,
                 cpb_error *error)
{
    outcome *const o = &s->outcomes[s->n];
    bool good = true;
    *o = outcome_of(report, job->results, s->way.in_turn);
    snprintf(s->names[s->n++], TABLE_CELL_BYTES, "%s", report->balancer);
    if (!outcome_judge(o, report->balancer, error) ||
        (s->timeline.picture &&
         !timeline_add(&s->timeline, report, job, s->way, error)))
        return false;
    if (s->options->json) {
        json_push(s->objects, outcome_to_json(report, job, o, s->way), &good);
        return good || fail_memory(error);
    }
    if (!s->options->compare)
        return outcome_print(stdout, report, job, o, s->way, error);
    if (s->n == 1)
        outcome_print_way(stdout, report, s->way);
    return true;
}

static bool run_plan(state *s, const cli_report *report, cpb_error *error)
{
    run_job job = job_of(s, report->plan);
    const int64_t parts = job.backward ? 4 : 2; /* passes, and what verifies them */
    job.results = calloc((size_t)s->planner.ranks, sizeof *job.results);
    if (!job.results)
        return fail_memory(error);
    const int64_t here = s->processes.launched ? 1 : s->planner.ranks;
    bar_open(&s->bar, s->processes.rank == 0 && table_is_terminal(stderr),
             parts * here * BAR_STEPS);
    const bool ran = conduct_run(&s->processes, &job, s->way.in_turn, error);
    bar_close(&s->bar);
    const bool good = ran && (s->processes.rank != 0 || keep(s, report, &job, error));
    free(job.results);
    return good;
}

/* A balancer that refuses this is left out of a comparison of all. */
static bool run_balancer(state *s, const char *name, bool may_refuse, cpb_error *error)
{
    cli_trial trial;
    s->planner.balancer = name;
    const trial_end end = trial_run(s->options, &s->planner, &s->batch, &trial, error);
    const bool good = end == TRIAL_MEASURED ? run_plan(s, &trial.report, error)
                                            : end == TRIAL_REFUSED && may_refuse;
    trial_free(&trial);
    return good;
}

static bool run_all(state *s, cpb_error *error)
{
    const cli_list *const named = &s->options->axes.balancer;
    if (!s->options->compare)
        return run_balancer(s, s->planner.balancer, false, error);
    for (size_t i = 0; i < named->n; i++)
        if (!run_balancer(s, cpb_balancer_name((size_t)named->value[i]), false, error))
            return false;
    for (size_t b = 0; !named->n && cpb_balancer_name(b); b++)
        if (!run_balancer(s, cpb_balancer_name(b), true, error))
            return false;
    return s->n || s->processes.rank != 0 || fail_at(error, "no balancer is left");
}

/* A launcher starts each rank once. */
static bool ranks_fit(const state *s, cpb_error *error)
{
    return !s->processes.launched || s->processes.n == s->planner.ranks ||
           fail(error,
                "the launcher started %d processes and --ranks is %d; accepted "
                "is one process per rank",
                (int)s->processes.n, (int)s->planner.ranks);
}

/* Products of the library's own kernel begin where stretches of documents begin. */
static bool read_planner(state *s, cpb_error *error)
{
    if (!planner_options(s->options, &s->planner, error))
        return false;
    if (s->options->kernel < 0)
        s->planner.setup.kernel = CPB_VARLEN;
    return true;
}

static bool open_state(state *s, cpb_error *error)
{
    size_t n = 0;
    while (cpb_balancer_name(n))
        n++;
    s->outcomes = calloc(n, sizeof *s->outcomes);
    s->names = calloc(n, sizeof *s->names);
    s->objects = json_array();
    s->way.cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (!s->outcomes || !s->names || !s->objects)
        return fail_memory(error);
    if (s->options->timeline &&
        !timeline_open(&s->timeline, s->options->timeline, error))
        return false;
    if (!read_planner(s, error) || !batch_of(s->options, &s->batch, error))
        return false;
    if (!conduct_open(&s->processes, error) || !ranks_fit(s, error))
        return false;
    s->way.processes = s->processes.launched;
    s->way.modelled = s->options->profile && s->options->profile[0] == '@';
    s->way.in_turn = !s->way.processes && s->planner.ranks > s->way.cores;
    return s->batch.n == 1 ||
           fail(error,
                "%zu masks were given; attend runs one layer, so accepted is one",
                s->batch.n);
}

/* One value: an object, or a list of them where several balancers ran. */
static bool print_json(const state *s, cpb_error *error)
{
    json_t *const value =
        s->options->compare ? s->objects : json_array_get(s->objects, 0);
    char *const text = s->options->compare
                           ? json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(17))
                           : json_text(value);
    if (!text)
        return fail_memory(error);
    fputs(text, stdout);
    if (s->options->compare)
        fputc('\n', stdout);
    free(text);
    return true;
}

static bool print_all(const state *s, cpb_error *error)
{
    if (s->processes.rank != 0)
        return true;
    if (s->timeline.picture &&
        !timeline_write(&s->timeline, s->options->timeline, error))
        return false;
    if (s->options->json)
        return print_json(s, error);
    return !s->options->compare ||
           outcome_print_table(stdout, s->n, s->outcomes, s->names, error);
}

/* Time cases instead of running a plan. */
static bool run_cases(state *s, cpb_error *error)
{
    run_job job;
    int64_t n;
    if (!conduct_open(&s->processes, error))
        return false;
    if (s->processes.launched)
        return fail(error, "--timings times one machine; start it without a launcher");
    if (!read_planner(s, error))
        return false;
    job = job_of(s, NULL);
    s->bar.shown = table_is_terminal(stderr);
    if (!cases_time(s->options, &s->planner, &job, &n, error))
        return false;
    if (s->options->json)
        printf("{\"timings\": %lld}\n", (long long)n);
    else
        printf("%lld timings; cpb calibrate makes a profile of them\n", (long long)n);
    return true;
}

static bool run_plans(state *s, cpb_error *error)
{
    return open_state(s, error) && run_all(s, error) && print_all(s, error);
}

static bool run(const cli_options *options, cpb_error *error)
{
    state s = {.options = options};
    const bool good = conduct_is_built(error) &&
                      (options->timings ? run_cases(&s, error) : run_plans(&s, error));
    if (good)
        conduct_close(&s.processes);
    json_decref(s.objects);
    free(s.outcomes);
    free(s.names);
    batch_free(&s.batch);
    timeline_free(&s.timeline);
    return good;
}

const cli_command attend_command = {
    .name = "attend",
    .summary = "run the attention by a plan and compare it with dense",
    .usage = "(--documents LENGTHS | --mask MASK) --ranks W [FLAG ...]",
    .about =
        "Every rank is a thread, under mpiexec a process. Where there are more threads "
        "than\n"
        "cores they run one after another and each is timed alone. Results are "
        "compared "
        "with\n"
        "dense attention in double: all of up to 4096 tokens, 64 positions of a longer "
        "one.\n",
    .examples = "  cpb attend --documents 1024,512,2048 --ranks 4 --model 8/2x64\n"
                "  cpb attend --documents @lengths.txt --ranks 2 --model 8/8x64 "
                "--backward\n"
                "  cpb attend --timings cpu.csv --model 8/2x64\n"
                "  cpb attend --mask 'window:4096;n=512' --ranks 4 --model 4/4x64 "
                "--compare contiguous,auto\n",
    .user = USED_BY_ATTEND,
    .ready = ready,
    .run = run,
};
