// SPDX-License-Identifier: Apache-2.0
/* cpb score: measure a plan file, or anybody's order, against masks. */
#include "command.h"
#include "message.h"
#include "output.h"
#include "source.h"

static bool ready(const cli_options *options, cpb_error *error)
{
    if (!source_ready(options, error))
        return false;
    if (options->plan && options->order)
        return fail(error,
                    "--plan and --order stand beside each other; accepted is one");
    return options->plan || options->documents || options->n_masks ||
           fail(error, "nothing to measure against; give --documents or --mask");
}

static bool measure(const cli_options *options, cli_source *source, cli_report *report,
                    cpb_error *error)
{
    const cli_planfile *const file = &source->file;
    if (!source_read(options, source, error) ||
        !source_create_plan(options, source, error))
        return false;
    *report =
        (cli_report){.plan = source->plan,
                     .batch = source_batch(source),
                     .setup = source->setup,
                     .tolerance_ppm = source->tolerance_ppm,
                     .combine = source->combine,
                     .balancer = source->from_file ? file->balancer : source_foreign,
                     .chosen = source->from_file ? file->chosen : source_foreign,
                     .plan_seconds = file->plan_seconds};
    return succeeded(report_measure(report, error));
}

static bool run(const cli_options *options, cpb_error *error)
{
    cli_source source = {.from_file = false};
    cli_report report = {.plan = NULL};
    const bool good = measure(options, &source, &report, error) &&
                      report_judge(&report, options, error) &&
                      report_print(stdout, &report, options->json, error) &&
                      output_flush_standard(error);
    if (good)
        report_warn(&report, "score");
    report_free(&report);
    source_free(&source);
    return good;
}

const cli_command score_command = {
    .name = "score",
    .summary = "measure a plan, or anybody's order, against a mask",
    .usage = "(--plan FILE.json | --order FILE.npy --ranks W) [--documents LENGTHS | "
             "--mask MASK] [FLAG ...]",
    .about =
        "A plan file carries its masks and its cost; flags change those, never the "
        "runs.\n"
        "Of an order, rank r holds the entries from r*N/W up to (r+1)*N/W.\n",
    .examples = "  cpb score --plan plan.json\n"
                "  cpb score --plan plan.json --overlap none --nodes 2\n"
                "  cpb score --order order.npy --ranks 8 --documents @lengths.txt\n",
    .user = USED_BY_SCORE,
    .ready = ready,
    .run = run,
};
