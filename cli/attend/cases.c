// SPDX-License-Identifier: Apache-2.0
/* Timings of this machine. */
#include "cases.h"

#include "../batch.h"
#include "../message.h"
#include "../output.h"
#include "conduct.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
    {"documents:", 4, 2048, 1, "contiguous"},
    {"documents:", 16, 512, 1, "contiguous"},
    {"documents:", 64, 128, 1, "contiguous"},
    {"documents-full:", 8, 1024, 1, "contiguous"},
    {"window:8192;n=512", 0, 0, 1, "contiguous"},
    {"causal:8192", 0, 0, 4, "head-tail"},
    {"window:8192;n=1024", 0, 0, 4, "contiguous"},
    {"documents:3000,900,400,2100,100,60,1632", 0, 0, 4, "frugal"},
    {"documents:3000,900,400,2100,100,60,1632", 0, 0, 4, "even"},
    {"documents:300,200,5000,150,1200,42,800,500", 0, 0, 4, "min-heap"},
};
enum { N_CASES = sizeof cases / sizeof *cases, TEXT_BYTES = 1024 };

static const char header[] = "what,kernel,pass,mask,runs,q_heads,kv_heads,head_dim,"
                             "us,note\n";

/* Lines of the file, and where they go. */
typedef struct writer {
    cli_output file;
    FILE *stream;
    char *bytes;
    size_t size;
    int64_t n;
} writer;

static void mask_text(size_t c, char text[TEXT_BYTES])
{
    size_t at = (size_t)snprintf(text, TEXT_BYTES, "%s", cases[c].mask);
    for (int32_t i = 0; i < cases[c].repeat && at < TEXT_BYTES; i++)
        at += (size_t)snprintf(text + at, TEXT_BYTES - at, "%s%" PRId64, i ? "," : "",
                               cases[c].length);
}

static void write_line(FILE *stream, size_t c, const cpb_options *planner,
                       const run_job *job, int32_t rank, run_pass pass)
{
    static const char *const passes[] = {"forward", "backward"};
    const cpb_model *const model = &planner->setup.model;
    const cpb_range *const runs = cpb_plan_runs(job->plan, rank);
    char text[TEXT_BYTES];
    mask_text(c, text);
    fprintf(stream, "attention,%s,%s,\"%s\",", kernel_names[planner->setup.kernel],
            passes[pass], text);
    for (size_t i = 0; i < cpb_plan_n_runs(job->plan, rank); i++)
        fprintf(stream, "%s%" PRId64 "-%" PRId64, i ? " " : "", runs[i].begin,
                runs[i].end);
    fprintf(stream, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%.3f,%s %d of %d\n",
            model->q_heads, model->kv_heads, model->head_dim,
            1e6 * job->results[rank].times[pass].compute, cases[c].balancer, (int)rank,
            (int)cases[c].ranks);
}

/* Run one case's plan and write a line per rank and pass. */
static bool time_plan(size_t c, const cpb_options *planner, run_job *job, writer *to,
                      cpb_error *error)
{
    const processes alone = {.n = 1};
    if (!conduct_run(&alone, job, 1, error))
        return false;
    for (int32_t r = 0; r < cases[c].ranks; r++)
        for (int pass = 0; pass <= job->backward; pass++, to->n++)
            write_line(to->stream, c, planner, job, r, (run_pass)pass);
    return true;
}

static bool time_case(size_t c, const cpb_options *given, run_job *job, writer *to,
                      cpb_error *error)
{
    cpb_options planner = *given;
    cli_batch batch = {0};
    cpb_mask *mask = NULL;
    cpb_plan *plan = NULL;
    char text[TEXT_BYTES];
    mask_text(c, text);
    planner.ranks = cases[c].ranks;
    planner.balancer = cases[c].balancer;
    bool good =
        succeeded(cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, error)) &&
        batch_add(&batch, mask, 1, error);
    if (good) {
        const cpb_masks masks = batch_view(&batch);
        good = succeeded(cpb_plan_create(&masks, &planner, &plan, error));
    }
    if (good) {
        job->plan = plan;
        job->dense.mask = mask;
        good = time_plan(c, &planner, job, to, error);
    }
    cpb_plan_free(plan);
    batch_free(&batch);
    return good;
}

static bool time_all(const cpb_options *planner, run_job *job, writer *to,
                     cpb_error *error)
{
    int32_t ranks = 0;
    for (size_t c = 0; c < N_CASES; c++)
        ranks = cases[c].ranks > ranks ? cases[c].ranks : ranks;
    job->results = calloc((size_t)ranks, sizeof *job->results);
    bool good = job->results || fail_memory(error);
    for (size_t c = 0; good && c < N_CASES; c++)
        good = time_case(c, planner, job, to, error);
    free(job->results);
    return good;
}

/* Steps of the bar. */
static int64_t steps_of_all(bool backward)
{
    int64_t ranks = 0;
    for (size_t c = 0; c < N_CASES; c++)
        ranks += cases[c].ranks;
    return ranks * RUN_REPEATS * BAR_STEPS * (backward ? 2 : 1);
}

bool cases_time(const cli_options *options, const cpb_options *planner, run_job *job,
                int64_t *n, cpb_error *error)
{
    writer to = {.n = 0};
    bool good = output_open(&to.file, options->timings, error);
    if (good) {
        to.stream = open_memstream(&to.bytes, &to.size);
        good = to.stream || fail_memory(error);
    }
    if (good) {
        job->only_timed = true;
        fputs(header, to.stream);
        bar_open(job->bar, job->bar->shown, steps_of_all(job->backward));
        good = time_all(planner, job, &to, error);
        bar_close(job->bar);
    }
    if (to.stream && fclose(to.stream) && good)
        good = fail_memory(error);
    good = good && output_write(&to.file, to.bytes, to.size, error) &&
           output_close(&to.file, error) && output_commit(&to.file, error);
    output_free(&to.file);
    free(to.bytes);
    *n = to.n;
    return good;
}
