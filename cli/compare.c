// SPDX-License-Identifier: Apache-2.0
/* cpb compare: every balancer on the same packs, in one table. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "command.h"
#include "comparison.h"
#include "message.h"
#include "number.h"
#include "packs.h"
#include "setup.h"
#include "table.h"

#include <stdlib.h>

enum { BAR_WIDTH = 30 };

static bool ready(const cli_options *options, cpb_error *error)
{
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
    return options->ranks >= 0 || fail(error, "--ranks is missing");
}

static void show_progress(size_t done, size_t all)
{
    const size_t filled = done * BAR_WIDTH / all;
    fprintf(stderr, "\r[");
    for (size_t i = 0; i < BAR_WIDTH; i++)
        fputc(i < filled ? '#' : ' ', stderr);
    fprintf(stderr, "] %zu/%zu", done, all);
    if (done == all)
        fprintf(stderr, "\r%*s\r", BAR_WIDTH + 24, "");
    fflush(stderr);
}

/* One balancer on one batch. Rows that the library refuses are left out, the reason is
 * noted; only running out of memory ends the comparison. */
static bool add_row(const cli_options *options, const cli_batch *batch, size_t pack,
                    size_t balancer, comparison *to, cpb_error *error)
{
    cpb_options planner;
    cpb_plan *plan = NULL;
    const cpb_masks masks = batch_view(batch);
    if (!planner_options(options, &planner, error))
        return false;
    planner.balancer = cpb_balancer_name(balancer);
    const double start = number_clock();
    cpb_status status = cpb_plan_create(&masks, &planner, &plan, error);
    if (status != CPB_OK) {
        comparison_refuse(to, balancer, error);
        return status != CPB_NO_MEMORY;
    }
    cli_report report = {.plan = plan,
                         .batch = batch,
                         .setup = planner.setup,
                         .tolerance_ppm = planner.tolerance_ppm,
                         .combine = planner.combine,
                         .balancer = planner.balancer,
                         .chosen = cpb_plan_balancer(plan),
                         .plan_seconds = number_clock() - start};
    bool good = report_measure(&report, error);
    if (good && !report_judge(&report, options, error))
        comparison_refuse(to, balancer, error);
    else if (good)
        good = comparison_add(to, pack, balancer, &report, error);
    report_free(&report);
    cpb_plan_free(plan);
    return good;
}

static bool add_pack(const cli_options *options, const cli_batch *batch, size_t pack,
                     comparison *to, cpb_error *error)
{
    for (size_t b = 0; cpb_balancer_name(b); b++)
        if (!add_row(options, batch, pack, b, to, error))
            return false;
    return true;
}

/* Every pack by itself, its masks over its own documents. */
static bool add_packs(const cli_options *options, const cli_packs *packs,
                      comparison *to, cpb_error *error)
{
    const bool progress = packs->n > 1 && table_is_terminal(stderr);
    for (size_t p = 0; p < packs->n; p++) {
        cli_batch batch = {0};
        const bool good = batch_read(options, &packs->pack[p], &batch, error) &&
                          add_pack(options, &batch, p, to, error);
        batch_free(&batch);
        if (!good)
            return false;
        if (progress)
            show_progress(p + 1, packs->n);
    }
    return true;
}

static bool add_batch(const cli_options *options, comparison *to, cpb_error *error)
{
    cli_batch batch = {0};
    const bool good =
        batch_of(options, &batch, error) && add_pack(options, &batch, 0, to, error);
    batch_free(&batch);
    return good;
}

static bool read_packs(const cli_options *options, cli_packs *packs, cpb_error *error)
{
    if (options->packs)
        return packs_read(options->packs, packs, error);
    return !options->sample || packs_draw(options, packs, error);
}

static bool run(const cli_options *options, cpb_error *error)
{
    cli_packs packs = {0};
    comparison result = {0};
    const comparison_format format = options->json  ? COMPARISON_JSON
                                     : options->csv ? COMPARISON_CSV
                                                    : COMPARISON_TABLE;
    bool good = read_packs(options, &packs, error) &&
                comparison_create(packs.n ? packs.n : 1, format, &result, error);
    if (good)
        good = packs.n ? add_packs(options, &packs, &result, error)
                       : add_batch(options, &result, error);
    good = good && comparison_print(&result, error);
    comparison_free(&result);
    packs_free(&packs);
    return good;
}

const cli_command compare_command = {
    .name = "compare",
    .summary = "every balancer on the same documents, in one table",
    .usage = "(--documents LENGTHS | --mask MASK | --packs FILE | --sample FILE) "
             "--ranks W [FLAG ...]",
    .about =
        "Balancers that refuse the kernel, the transport or a cap are left out. Over "
        "several\n"
        "packs the table shows medians, then the worst.\n"
        "--sample builtin draws from the WLB-LLM (OSDI'25) length distribution as "
        "published with\nDistCA.\n",
    .examples = "  cpb compare --documents 16384,4096,8192,2048 --ranks 4\n"
                "  cpb compare --sample builtin --tokens 131072 --count 16 --ranks 8\n"
                "  cpb compare --packs packs.jsonl --mask window:4096 --ranks 8 "
                "--csv\n"
                "  find . -name '*.txt' -exec wc -w {} + | awk '$2 != \"total\" {print "
                "$1}' |\n"
                "    cpb compare --documents - --ranks 8\n",
    .user = USED_BY_COMPARE,
    .ready = ready,
    .run = run,
};
