// SPDX-License-Identifier: Apache-2.0
/* cpb sweep: a data set x numbers of ranks x tolerances x balancers, one row each. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "answer.h"
#include "command.h"
#include "message.h"
#include "schedulesweep.h"
#include "setup.h"
#include "sweepjobs.h"
#include "table.h"
#include "trial.h"

#include <stdlib.h>

enum { MOST_GROUPS = 1024 };

/* A sweep of plans under way. */
typedef struct sweep {
    const cli_options *options;
    const cli_axes *axes;
    cli_sweepjobs *jobs;
    cpb_options *planners; /* [ranks * tolerances] */
    cli_answer answer;
    cli_row row; /* of the file, the last one read */
} sweep;

/* What a job made of one combination. */
typedef struct sweep_cell {
    bool there;
    cli_row row;
    cpb_error refused;
} sweep_cell;

static bool ready(const cli_options *options, cpb_error *error)
{
    rows_format format;
    if (!packs_flags_fit(options, error) || !schedulesweep_flags_fit(options, error) ||
        !sweepfile_format(options, &format, error))
        return false;
    return options->axes.ranks.n || fail(error, "--ranks is missing");
}

static size_t cells_of_job(const sweep *s)
{
    return s->axes->tolerance_ppm.n * s->axes->balancer.n;
}

static bool print_row(const sweep *s, int64_t pack, const cli_report *report,
                      FILE *stream)
{
    if (s->jobs->file.format == ROWS_CSV) {
        row_print_csv(stream, pack, report, &s->jobs->recipe);
        return true;
    }
    json_t *const object = row_to_json(pack, report, &s->jobs->recipe);
    char *const text = object ? json_dumps(object, JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    if (text)
        fprintf(stream, "%s\n", text);
    free(text);
    return text;
}

/* One combination: a row, or the reason why there is none. */
static bool run_cell(const sweep *s, int64_t pack, const cpb_options *planner,
                     const cli_batch *batch, FILE *stream, sweep_cell *cell,
                     cpb_error *error)
{
    cli_trial trial;
    const trial_end end = trial_run(s->options, planner, batch, &trial, &cell->refused);
    bool good = true;
    cell->there = end == TRIAL_MEASURED;
    if (end == TRIAL_FAILED) {
        *error = cell->refused;
        good = false;
    } else if (cell->there) {
        cell->row = row_of(pack, &trial.report, &s->jobs->recipe);
        cell->row.profile = cell->row.chosen = ""; /* these go with the plan */
        good = print_row(s, pack, &trial.report, stream) || fail_memory(error);
    }
    trial_free(&trial);
    return good;
}

static bool run_cells(const sweep *s, const sweep_job *job, size_t from,
                      const cli_batch *batch, FILE *stream, sweep_cell *cells,
                      cpb_error *error)
{
    const size_t n_balancers = s->axes->balancer.n;
    for (size_t i = from; i < cells_of_job(s); i++) {
        cpb_options planner =
            s->planners[job->ranks * s->axes->tolerance_ppm.n + i / n_balancers];
        planner.balancer =
            cpb_balancer_name((size_t)s->axes->balancer.value[i % n_balancers]);
        if (!run_cell(s, job->pack, &planner, batch, stream, &cells[i], error))
            return false;
    }
    return true;
}

static bool run_job(const void *context, const sweep_job *job, size_t from,
                    FILE *stream, void *cells, cpb_error *error)
{
    const sweep *const s = context;
    cli_batch batch = {0};
    const bool good = batch_read(s->options, job->documents, &batch, error) &&
                      run_cells(s, job, from, &batch, stream, cells, error);
    batch_free(&batch);
    return good;
}

static bool take_job(void *context, const sweep_job *job, const void *cells,
                     cpb_error *error)
{
    sweep *const s = context;
    const size_t n = cells_of_job(s);
    for (size_t i = 0; i < n; i++) {
        const sweep_cell *const cell = (const sweep_cell *)cells + i;
        if (cell->there && !answer_add(&s->answer, &cell->row, error))
            return false;
        if (!cell->there && *cell->refused.message)
            answer_refuse(&s->answer, job->ranks * n + i, &cell->refused);
    }
    return true;
}

static bool read_row(void *context, const json_t *object, int64_t *at, cpb_error *error)
{
    sweep *const s = context;
    if (!row_from_json(object, "", &s->row, error))
        return false;
    const int64_t group = answer_group_of(s->axes, &s->row);
    *at = group < 0 ? -1 : s->row.pack * (int64_t)s->answer.n_groups + group;
    return true;
}

static bool take_row(void *context, cpb_error *error)
{
    sweep *const s = context;
    return answer_add(&s->answer, &s->row, error);
}

/* Options of the planner for every number of ranks and tolerance. */
static bool make_planners(sweep *s, cpb_error *error)
{
    const cli_list *const ranks = &s->axes->ranks;
    const cli_list *const tolerances = &s->axes->tolerance_ppm;
    s->planners = calloc(ranks->n * tolerances->n, sizeof *s->planners);
    if (!s->planners)
        return fail_memory(error);
    for (size_t i = 0; i < ranks->n * tolerances->n; i++) {
        cli_options here = *s->options;
        here.ranks = ranks->value[i / tolerances->n];
        here.tolerance_ppm = tolerances->value[i % tolerances->n];
        if (!planner_options(&here, &s->planners[i], error))
            return false;
    }
    return true;
}

/* Everything that is read before the first plan is made. */
static bool prepare(sweep *s, cpb_error *error)
{
    if (axes_size(s->axes) > MOST_GROUPS)
        return fail(error,
                    "%zu combinations of ranks, tolerances and balancers; accepted are "
                    "up to %d",
                    axes_size(s->axes), MOST_GROUPS);
    return make_planners(s, error) && sweepjobs_open(s->jobs, error) &&
           answer_create(s->axes, &s->planners[0].setup, &s->answer, error);
}

/* Why combinations are missing, for people only: scripts read the rows. */
static void print_refusals(const cli_answer *answer)
{
    cpb_error note;
    for (size_t g = 0; table_is_terminal(stderr) && g < answer->n_groups; g++)
        if (*answer->groups[g].refused.message) {
            fail(&note, "left out %s: %.240s", answer_balancer(answer, g),
                 answer->groups[g].refused.message);
            complain("sweep", EXIT_DONE, note.message);
        }
}

static bool run_plans(const cli_options *options, const cli_axes *axes,
                      cpb_error *error)
{
    cli_sweepjobs jobs = {.options = options};
    sweep s = {.options = options, .axes = axes, .jobs = &jobs};
    const sweep_kind plans = {.context = &s,
                              .rows = {.start = "{\"tokens\": ",
                                       .print_names = row_print_csv_names,
                                       .read = read_row,
                                       .take = take_row,
                                       .context = &s},
                              .most_tokens = CPB_MAX_TOKENS,
                              .cells = cells_of_job(&s),
                              .cell_bytes = sizeof(sweep_cell),
                              .run = run_job,
                              .take = take_job};
    const int64_t memory = options->memory < 0 ? -1 : options->memory << 20;
    jobs.kind = &plans;
    const bool good = prepare(&s, error) && sweepjobs_run(&jobs, error) &&
                      answer_end(&s.answer, error);
    if (good)
        print_refusals(&s.answer);
    const bool said = good && answer_print(&s.answer, memory, stderr, error);
    sweepjobs_close(&jobs);
    answer_free(&s.answer);
    free(s.planners);
    return said;
}

static bool run(const cli_options *options, cpb_error *error)
{
    if (schedulesweep_asked(options))
        return schedulesweep_run(options, error);
    cli_axes axes = options->axes;
    const bool good = axes_complete(&axes, error) && run_plans(options, &axes, error);
    axes_free_completion(&axes, &options->axes);
    return good;
}

const cli_command sweep_command = {
    .name = "sweep",
    .summary = "many packs x numbers of ranks x balancers, and which to take",
    .usage = "(--sample FILE --tokens S | --packs FILE | --documents LENGTHS | --mask "
             "MASK) --ranks W1,W2,... [FLAG ...]",
    .about =
        "Prints a row per pack, number of ranks, tolerance and balancer on standard\n"
        "output, then quantiles and the answer on standard error: the number of ranks\n"
        "and the balancer with the least modelled time per token, all ranks together.\n"
        "With -o rows are appended to a file, and a sweep that was interrupted goes "
        "on\n"
        "from there. Rows are the same for any number of threads, but for the times\n"
        "that planning took (plan_seconds).\n"
        "\nWith --budget every pack is the documents of a step, which rows of "
        "schedules "
        "put\non the ranks.\n",
    .examples =
        "  cpb sweep --sample lengths.txt --tokens 131072 --count 100 --ranks 2,4,8\n"
        "  cpb sweep --sample builtin --tokens 131072 --count 1000 --ranks 8,16,32,64 "
        "\\\n"
        "    --memory 256 -o sweep.csv\n"
        "  cpb sweep --packs packs.jsonl --ranks 8 --balancer min-heap,even,auto \\\n"
        "    --tolerance 0.01,0.05 --json\n"
        "  cpb sweep --sample lengths.txt --tokens 1000000 --count 20 --ranks 32,64 "
        "\\\n"
        "    --budget 16384 --row auto,free,wlb\n",
    .user = USED_BY_SWEEP,
    .ready = ready,
    .run = run,
};
