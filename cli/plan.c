// SPDX-License-Identifier: Apache-2.0
/* cpb plan: make a plan, say what it is like, write it down. */
#include "command.h"
#include "message.h"
#include "npy.h"
#include "number.h"
#include "planfile.h"
#include "setup.h"

#include <stdlib.h>
#include <string.h>

enum { ORDER, INVERSE, PLAN, N_OUTPUTS };

/* What one run owns. */
typedef struct state {
    cli_batch batch;
    cpb_plan *plan;
    cli_report report;
    cli_output outputs[N_OUTPUTS];
} state;

static bool ready(const cli_options *options, cpb_error *error)
{
    if (!options->documents && !options->n_masks)
        return fail(error, "nothing to plan for; give --documents or --mask");
    return options->ranks >= 0 || fail(error, "--ranks is missing");
}

static bool make(const cli_options *options, state *s, cpb_error *error)
{
    cpb_options planner;
    if (!planner_options(options, &planner, error) ||
        !batch_of(options, &s->batch, error))
        return false;
    const cpb_masks masks = batch_view(&s->batch);
    const double start = number_clock();
    if (!succeeded(cpb_plan_create(&masks, &planner, &s->plan, error)))
        return false;
    s->report = (cli_report){.plan = s->plan,
                             .batch = &s->batch,
                             .setup = planner.setup,
                             .tolerance_ppm = planner.tolerance_ppm,
                             .combine = planner.combine,
                             .balancer = planner.balancer,
                             .chosen = cpb_plan_balancer(s->plan),
                             .plan_seconds = number_clock() - start};
    return succeeded(report_measure(&s->report, error));
}

/* Two arrays of the same length share one buffer, one after the other. */
static bool write_arrays(const cli_options *options, state *s, cpb_error *error)
{
    const cpb_index type = options->dtype == CPB_INT32 ? CPB_INT32 : CPB_INT64;
    const int64_t n = cpb_plan_tokens(s->plan) + cpb_plan_padding(s->plan);
    if (!options->order && !options->inverse)
        return true;
    void *const values = malloc((size_t)n * npy_element_bytes(type));
    bool good = values || fail_memory(error);
    if (good && options->order) {
        cpb_order_write(s->plan, type, values, NULL);
        good = output_open(&s->outputs[ORDER], options->order, error) &&
               npy_write(&s->outputs[ORDER], type, n, values, error);
    }
    if (good && options->inverse) {
        cpb_order_write(s->plan, type, NULL, values);
        good = output_open(&s->outputs[INVERSE], options->inverse, error) &&
               npy_write(&s->outputs[INVERSE], type, n, values, error);
    }
    free(values);
    return good;
}

static bool write_plan(const cli_options *options, state *s, cpb_error *error)
{
    if (!options->plan)
        return true;
    json_t *const object = planfile_to_json(&s->report);
    char *const text = object ? json_text(object) : NULL;
    json_decref(object);
    const bool good = (text || fail_memory(error)) &&
                      output_open(&s->outputs[PLAN], options->plan, error) &&
                      output_write(&s->outputs[PLAN], text, strlen(text), error);
    free(text);
    return good;
}

static bool close_outputs(state *s, cpb_error *error)
{
    for (size_t i = 0; i < N_OUTPUTS; i++)
        if (s->outputs[i].open && !output_close(&s->outputs[i], error))
            return false;
    return true;
}

static bool commit_outputs(state *s, cpb_error *error)
{
    for (size_t i = 0; i < N_OUTPUTS; i++)
        if (!output_commit(&s->outputs[i], error))
            return false;
    return true;
}

/* Files get their names only once everything else has worked. */
static bool write_all(const cli_options *options, state *s, cpb_error *error)
{
    return write_arrays(options, s, error) && write_plan(options, s, error) &&
           close_outputs(s, error) &&
           report_print(stdout, &s->report, options->json, error) &&
           output_flush_standard(error) && commit_outputs(s, error);
}

/* Two results under one name would leave only the later one. */
static bool names_differ(const cli_options *options, cpb_error *error)
{
    const char *const names[N_OUTPUTS] = {options->order, options->inverse,
                                          options->plan};
    for (size_t i = 0; i < N_OUTPUTS; i++)
        for (size_t j = 0; j < i; j++)
            if (names[i] && names[j] && !strcmp(names[i], names[j]) &&
                !output_is_direct(names[i]))
                return fail(error,
                            "two of --order, --inverse and --plan name the same file, "
                            "\"%.40s\"",
                            names[i]);
    return true;
}

static bool run(const cli_options *options, cpb_error *error)
{
    state s = {.plan = NULL};
    const bool good = names_differ(options, error) && make(options, &s, error) &&
                      report_judge(&s.report, options, error) &&
                      write_all(options, &s, error);
    if (good)
        report_warn(&s.report, "plan");
    for (size_t i = 0; i < N_OUTPUTS; i++)
        output_free(&s.outputs[i]);
    report_free(&s.report);
    cpb_plan_free(s.plan);
    batch_free(&s.batch);
    return good;
}

const cli_command plan_command = {
    .name = "plan",
    .summary = "make a plan, say what it is like, write it down",
    .usage = "(--documents LENGTHS | --mask MASK) --ranks W [FLAG ...]",
    .about = NULL,
    .examples = "  cpb plan --documents 1024,3072,512 --ranks 4\n"
                "  cpb plan --documents @lengths.txt --ranks 8 --order order.npy "
                "--inverse inverse.npy\n"
                "  cpb plan --mask 'window:32768;n=4096' --ranks 8 --balancer ptrr "
                "--plan plan.json\n"
                "  cpb plan --documents 8192,8192 --mask documents --mask 3*window:512 "
                "--ranks 4 --json\n",
    .user = USED_BY_PLAN,
    .ready = ready,
    .run = run,
};
