// SPDX-License-Identifier: Apache-2.0
/* cpb sweep: a data set x numbers of ranks x tolerances x balancers, one row each. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "command.h"
#include "message.h"
#include "packs.h"
#include "pool.h"
#include "progress.h"
#include "schedulesweep.h"
#include "setup.h"
#include "sweepfile.h"
#include "table.h"
#include "trial.h"

#include <stdlib.h>
#include <unistd.h>

enum { MOST_GROUPS = 1024 };

/* A sweep under way. Its combinations are numbered pack by pack, by ranks, tolerance and
 * balancer in this order; a job is those of one pack and one number of ranks. */
typedef struct sweep {
    const cli_options *options;
    const cli_axes *axes;
    cli_recipe recipe;
    cli_packs packs;
    cli_list pack; /* the one at hand, or --documents */
    int64_t n_packs;
    cpb_options *planners; /* [ranks * tolerances] */
    cli_answer answer;
    cli_sweepfile file;
    cli_progress progress;
    bool show_progress;
    int64_t first; /* combination that this run began with */
} sweep;

/* What a job made of one combination. */
typedef struct sweep_cell {
    bool there;
    cli_row row;
    cpb_error refused;
} sweep_cell;

typedef struct sweep_job {
    cli_list documents;
    char *text; /* the rows as lines */
    size_t bytes;
    sweep_cell *cells; /* [tolerances * balancers] */
} sweep_job;

static bool ready(const cli_options *options, cpb_error *error)
{
    rows_format format;
    const int sources = !!options->packs + !!options->sample + !!options->documents;
    if (sources > 1)
        return fail(error, "--documents, --packs and --sample each give documents; "
                           "accepted is one of them");
    if (!sources && !options->n_masks)
        return fail(error, "nothing to plan for; give --documents, --mask, --packs or "
                           "--sample");
    if (options->json && options->csv)
        return fail(error, "--json and --csv stand beside each other; accepted is one");
    if (options->sample && options->tokens < 0)
        return fail(error, "--tokens is missing; --sample needs the size of a pack");
    if (!schedulesweep_flags_fit(options, error) ||
        !sweepfile_format(options, &format, error))
        return false;
    return options->axes.ranks.n || fail(error, "--ranks is missing");
}

static size_t cells_of_job(const sweep *s)
{
    return s->axes->tolerance_ppm.n * s->axes->balancer.n;
}

static void free_job(void *slot)
{
    sweep_job *const job = slot;
    list_free(&job->documents);
    free(job->text);
    free(job->cells);
}

static bool has_documents(const sweep *s)
{
    return s->options->packs || s->options->sample || s->options->documents;
}

/* Hand the job its pack. */
static bool start_job(void *context, int64_t number, void *slot, cpb_error *error)
{
    sweep *const s = context;
    sweep_job *const job = slot;
    const int64_t pack = number / (int64_t)s->axes->ranks.n;
    while (!s->options->documents && has_documents(s) && s->packs.given <= pack)
        if (!packs_next(&s->packs, &s->pack, error))
            return false;
    if (!job->cells)
        job->cells = calloc(cells_of_job(s), sizeof *job->cells);
    if (!job->cells)
        return fail_memory(error);
    job->documents.n = 0;
    job->documents.total = 0;
    for (size_t i = 0; i < s->pack.n; i++)
        if (!list_add(&job->documents, s->pack.value[i], error))
            return false;
    return true;
}

static bool print_row(const sweep *s, int64_t pack, const cli_report *report,
                      FILE *stream)
{
    if (s->file.format == ROWS_CSV) {
        row_print_csv(stream, pack, report, &s->recipe);
        return true;
    }
    json_t *const object = row_to_json(pack, report, &s->recipe);
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
        cell->row = row_of(pack, &trial.report, &s->recipe);
        cell->row.profile = cell->row.chosen = ""; /* these go with the plan */
        good = print_row(s, pack, &trial.report, stream) || fail_memory(error);
    }
    trial_free(&trial);
    return good;
}

static bool run_cells(const sweep *s, int64_t number, const cli_batch *batch,
                      FILE *stream, sweep_job *job, cpb_error *error)
{
    const size_t n = cells_of_job(s), n_balancers = s->axes->balancer.n;
    const size_t ranks = (size_t)number % s->axes->ranks.n;
    for (size_t i = 0; i < n; i++) {
        cpb_options planner =
            s->planners[ranks * s->axes->tolerance_ppm.n + i / n_balancers];
        planner.balancer =
            cpb_balancer_name((size_t)s->axes->balancer.value[i % n_balancers]);
        job->cells[i] = (sweep_cell){0};
        if (number * (int64_t)n + (int64_t)i >= s->first &&
            !run_cell(s, number / (int64_t)s->axes->ranks.n, &planner, batch, stream,
                      &job->cells[i], error))
            return false;
    }
    return true;
}

static bool run_job(void *context, int64_t number, void *slot, cpb_error *error)
{
    const sweep *const s = context;
    sweep_job *const job = slot;
    cli_batch batch = {0};
    free(job->text);
    job->text = NULL;
    FILE *const stream = open_memstream(&job->text, &job->bytes);
    if (!stream)
        return fail_memory(error);
    bool good = batch_read(s->options, has_documents(s) ? &job->documents : NULL,
                           &batch, error) &&
                run_cells(s, number, &batch, stream, job, error);
    const bool full = ferror(stream);
    if ((fclose(stream) || full) && good)
        good = fail_memory(error);
    batch_free(&batch);
    return good;
}

static bool take_job(void *context, int64_t number, void *slot, cpb_error *error)
{
    sweep *const s = context;
    const sweep_job *const job = slot;
    const size_t n = cells_of_job(s);
    const size_t group = (size_t)number % s->axes->ranks.n * n;
    if (!sweepfile_write(&s->file, job->text, job->bytes, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        const sweep_cell *const cell = &job->cells[i];
        if (cell->there && !answer_add(&s->answer, &cell->row, error))
            return false;
        if (!cell->there && *cell->refused.message)
            answer_refuse(&s->answer, group + i, &cell->refused);
    }
    return true;
}

static void tick(void *context, int64_t taken)
{
    const sweep *const s = context;
    const int64_t first = s->first / (int64_t)cells_of_job(s);
    if (s->show_progress && taken > first)
        progress_show(&s->progress, first, taken);
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
    const cli_options *const options = s->options;
    s->n_packs = 1;
    if (axes_size(s->axes) > MOST_GROUPS)
        return fail(error,
                    "%zu combinations of ranks, tolerances and balancers; accepted are "
                    "up to %d",
                    axes_size(s->axes), MOST_GROUPS);
    if (options->documents) {
        if (!lengths_read(options->documents, CPB_MAX_TOKENS, &s->pack, error))
            return false;
        s->packs.hash = packs_hash(&s->pack);
    } else if (has_documents(s)) {
        if (!packs_open(options, &s->packs, error))
            return false;
        s->n_packs = s->packs.n;
    }
    return make_planners(s, error) &&
           recipe_write(options, s->packs.hash, &s->recipe, error) &&
           answer_create(s->axes, &s->planners[0].setup, &s->answer, error) &&
           sweepfile_open(options, &s->recipe, &s->answer, &s->file, error);
}

static int count_threads(const cli_options *options)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->threads > 0)
        return (int)options->threads;
    return cores > 0 && cores < 1024 ? (int)cores : 1;
}

static bool fail_interrupted(const sweep *s, cpb_error *error)
{
    if (s->options->output)
        return fail(error,
                    "interrupted; what was finished is in %.40s, and the same command "
                    "goes on from there",
                    s->options->output);
    return fail(error, "interrupted; with --output it could be gone on with");
}

static bool work(sweep *s, cpb_error *error)
{
    const pool_work jobs = {.context = s,
                            .first = s->file.next / (int64_t)cells_of_job(s),
                            .end = s->n_packs * (int64_t)s->axes->ranks.n,
                            .threads = count_threads(s->options),
                            .slot_bytes = sizeof(sweep_job),
                            .start = start_job,
                            .run = run_job,
                            .take = take_job,
                            .free_slot = free_job,
                            .tick = tick};
    s->first = s->file.next;
    s->progress = progress_start(jobs.end);
    s->show_progress =
        table_is_terminal(stderr) && (s->options->output || !table_is_terminal(stdout));
    const pool_end end = pool_run(&jobs, error);
    if (s->show_progress)
        progress_clear();
    return end == POOL_DONE || (end == POOL_INTERRUPTED && fail_interrupted(s, error));
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

static bool run(const cli_options *options, cpb_error *error)
{
    if (schedulesweep_asked(options))
        return schedulesweep_run(options, error);
    cli_axes axes = options->axes;
    sweep s = {.options = options, .axes = &axes};
    const int64_t memory = options->memory < 0 ? -1 : options->memory << 20;
    const bool good = axes_complete(&axes, error) && prepare(&s, error) &&
                      work(&s, error) && answer_end(&s.answer, error);
    if (good)
        print_refusals(&s.answer);
    const bool said = good && answer_print(&s.answer, memory, stderr, error);
    sweepfile_close(&s.file);
    answer_free(&s.answer);
    recipe_free(&s.recipe);
    free(s.planners);
    packs_close(&s.packs);
    list_free(&s.pack);
    axes_free_completion(&axes, &options->axes);
    return said;
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
        "put\non the ranks; the file of -o then appears when all is done.\n",
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
