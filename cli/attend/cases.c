// SPDX-License-Identifier: Apache-2.0
/* Timings of this machine. */
#include "cases.h"

#include "../batch.h"
#include "../message.h"
#include "../output.h"
#include "conduct.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* Whole sequences tell the prices of tiles apart; ranks of plans add received keys and
 * what cutting documents costs. 8,192 tokens each. */
static const struct {
    const char *mask;
    int32_t repeat; /* how often the lengths stand in the mask; 0: it has none */
    int64_t length;
    int32_t ranks;
    const char *balancer;
} cases[] = {
    {"causal:8192", 0, 0, 1, "contiguous"},
    {"documents:", 4, 2030, 1, "contiguous"},
    {"documents:", 16, 500, 1, "contiguous"},
    {"documents:", 72, 110, 1, "contiguous"},
    {"documents-full:", 8, 1000, 1, "contiguous"},
    {"window:8192;n=500", 0, 0, 1, "contiguous"},
    {"causal:8192", 0, 0, 3, "head-tail"},
    {"causal:8192", 0, 0, 4, "even"},
    {"window:8192;n=1000", 0, 0, 4, "contiguous"},
    {"documents:3000,900,400,2100,100,60,1632", 0, 0, 4, "frugal"},
    {"documents:3000,900,400,2100,100,60,1632", 0, 0, 4, "even"},
    {"documents:300,200,5000,150,1200,42,800,500", 0, 0, 4, "min-heap"},
};
enum { N_CASES = sizeof cases / sizeof *cases, MOST_RANKS = 4, TEXT_BYTES = 1024 };

/* What other programs take from caches and memory comes and goes, so all cases run in
 * turn, several times over; of a rank's times the least counts. */
enum { ROUNDS = 7 };

/* A case ready to run, and the processor seconds of its ranks. */
typedef struct timed_case {
    cli_batch batch; /* its mask */
    cpb_plan *plan;
    double least[MOST_RANKS][RUN_PASSES];
} timed_case;

static const char header[] = "what,kernel,pass,mask,runs,q_heads,kv_heads,head_dim,"
                             "us,note\n";

static void mask_text(size_t c, char text[TEXT_BYTES])
{
    size_t at = (size_t)snprintf(text, TEXT_BYTES, "%s", cases[c].mask);
    for (int32_t i = 0; i < cases[c].repeat && at < TEXT_BYTES; i++)
        at += (size_t)snprintf(text + at, TEXT_BYTES - at, "%s%" PRId64, i ? "," : "",
                               cases[c].length);
}

static void write_line(FILE *stream, size_t c, const timed_case *timed, int32_t rank,
                       run_pass pass, const cpb_options *planner)
{
    static const char *const passes[] = {"forward", "backward"};
    const cpb_model *const model = &planner->setup.model;
    const cpb_range *const runs = cpb_plan_runs(timed->plan, rank);
    char text[TEXT_BYTES];
    mask_text(c, text);
    fprintf(stream, "attention,%s,%s,\"%s\",", kernel_names[planner->setup.kernel],
            passes[pass], text);
    for (size_t i = 0; i < cpb_plan_n_runs(timed->plan, rank); i++)
        fprintf(stream, "%s%" PRId64 "-%" PRId64, i ? " " : "", runs[i].begin,
                runs[i].end);
    fprintf(stream, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%.3f,%s %d of %d\n",
            model->q_heads, model->kv_heads, model->head_dim,
            1e6 * timed->least[rank][pass], cases[c].balancer, (int)rank,
            (int)cases[c].ranks);
}

static bool prepare(size_t c, const cpb_options *given, timed_case *timed,
                    cpb_error *error)
{
    cpb_options planner = *given;
    cpb_mask *mask = NULL;
    char text[TEXT_BYTES];
    mask_text(c, text);
    planner.ranks = cases[c].ranks;
    planner.balancer = cases[c].balancer;
    if (!succeeded(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, error)) ||
        !batch_add(&timed->batch, mask, 1, error))
        return false;
    const cpb_masks masks = batch_view(&timed->batch);
    return succeeded(cpb_plan_create(&masks, &planner, &timed->plan, error));
}

/* Each rank once, alone. */
static bool run_round(size_t c, run_job *job, timed_case *timed, int round,
                      cpb_error *error)
{
    const processes alone = {.n = 1};
    job->plan = timed->plan;
    job->dense.mask = timed->batch.mask[0];
    if (!conduct_run(&alone, job, 1, error))
        return false;
    for (int32_t r = 0; r < cases[c].ranks; r++)
        for (int pass = 0; pass < RUN_PASSES; pass++) {
            const double seconds = job->results[r].times[pass].compute;
            double *const least = &timed->least[r][pass];
            *least = round ? fmin(*least, seconds) : seconds;
        }
    return true;
}

static bool time_all(const cpb_options *planner, run_job *job, timed_case *timed,
                     cpb_error *error)
{
    run_result results[MOST_RANKS] = {0};
    bool good = true;
    job->results = results;
    for (size_t c = 0; good && c < N_CASES; c++)
        good = prepare(c, planner, &timed[c], error);
    for (int round = 0; good && round < ROUNDS; round++)
        for (size_t c = 0; good && c < N_CASES; c++)
            good = run_round(c, job, &timed[c], round, error);
    job->results = NULL;
    return good;
}

/* A line per rank and pass; returns how many. */
static int64_t write_all(FILE *stream, const timed_case *timed,
                         const cpb_options *planner, bool backward)
{
    int64_t n = 0;
    fputs(header, stream);
    for (size_t c = 0; c < N_CASES; c++)
        for (int32_t r = 0; r < cases[c].ranks; r++)
            for (int pass = 0; pass <= backward; pass++, n++)
                write_line(stream, c, &timed[c], r, (run_pass)pass, planner);
    return n;
}

/* Steps of the bar. */
static int64_t steps_of_all(bool backward)
{
    int64_t ranks = 0;
    for (size_t c = 0; c < N_CASES; c++)
        ranks += cases[c].ranks;
    return ranks * ROUNDS * BAR_STEPS * (backward ? 2 : 1);
}

static bool write_file(cli_output *file, const timed_case *timed,
                       const cpb_options *planner, bool backward, int64_t *n,
                       cpb_error *error)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *const stream = open_memstream(&bytes, &size);
    if (!stream)
        return fail_memory(error);
    *n = write_all(stream, timed, planner, backward);
    const bool whole = !fclose(stream) || fail_memory(error);
    const bool good = whole && output_write(file, bytes, size, error) &&
                      output_close(file, error) && output_commit(file, error);
    free(bytes);
    return good;
}

/* A plan that runs alone computes in fresh memory. The C library would keep that of one
 * case for the next, where passes are 10 to 25 % faster. */
static void never_keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 17);
#endif
}

bool cases_time(const cli_options *options, const cpb_options *planner, run_job *job,
                int64_t *n, cpb_error *error)
{
    cli_output file = {0};
    timed_case *const timed = calloc(N_CASES, sizeof *timed);
    bool good =
        timed ? output_open(&file, options->timings, error) : fail_memory(error);
    if (good) {
        job->only_timed = true;
        never_keep_memory();
        bar_open(job->bar, job->bar->shown, steps_of_all(job->backward));
        good = time_all(planner, job, timed, error);
        bar_close(job->bar);
    }
    good = good && write_file(&file, timed, planner, job->backward, n, error);
    output_free(&file);
    for (size_t c = 0; timed && c < N_CASES; c++) {
        cpb_plan_free(timed[c].plan);
        batch_free(&timed[c].batch);
    }
    free(timed);
    return good;
}
