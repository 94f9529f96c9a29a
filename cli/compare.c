// SPDX-License-Identifier: Apache-2.0
/* cpb compare: every balancer on the same packs, in one table. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "command.h"
#include "comparison.h"
#include "curve.h"
#include "message.h"
#include "packs.h"
#include "progress.h"
#include "setup.h"
#include "table.h"
#include "trial.h"

static bool ready(const cli_options *options, cpb_error *error)
{
    return packs_flags_fit(options, error) &&
           (options->ranks >= 0 || fail(error, "--ranks is missing"));
}

/* One balancer on one batch. Rows that the library refuses are left out, the reason is
 * noted; only running out of memory ends the comparison. */
static bool add_row(const cli_options *options, const cpb_options *planner,
                    const cli_batch *batch, size_t pack, size_t balancer,
                    comparison *to, cpb_error *error)
{
    cli_trial trial;
    const trial_end end = trial_run(options, planner, batch, &trial, error);
    bool good = end != TRIAL_FAILED;
    if (end == TRIAL_REFUSED)
        comparison_refuse(to, balancer, error);
    else if (end == TRIAL_MEASURED)
        good = comparison_add(to, pack, balancer, &trial.report, error);
    trial_free(&trial);
    return good;
}

static bool add_pack(const cli_options *options, const cli_batch *batch, size_t pack,
                     comparison *to, cpb_error *error)
{
    cpb_options planner;
    if (!planner_options(options, &planner, error))
        return false;
    for (size_t b = 0; (planner.balancer = cpb_balancer_name(b)); b++)
        if (!add_row(options, &planner, batch, pack, b, to, error))
            return false;
    return true;
}

/* Every pack by itself, its masks over its own documents. */
static bool add_packs(const cli_options *options, cli_packs *packs, comparison *to,
                      cpb_error *error)
{
    const bool progress = packs->n > 1 && table_is_terminal(stderr);
    cli_progress bar = progress_start(packs->n);
    cli_list pack = {0};
    bool good = true;
    for (int64_t p = 0; good && p < packs->n; p++) {
        cli_batch batch = {0};
        good = packs_next(packs, &pack, error) &&
               batch_read(options, &pack, &batch, error) &&
               add_pack(options, &batch, (size_t)p, to, error);
        batch_free(&batch);
        if (good && progress)
            progress_show(&bar, 0, p + 1);
    }
    list_free(&pack);
    return good;
}

static bool add_batch(const cli_options *options, comparison *to, cpb_error *error)
{
    cli_batch batch = {0};
    const bool good =
        batch_of(options, &batch, error) && add_pack(options, &batch, 0, to, error);
    batch_free(&batch);
    return good;
}

static bool run(const cli_options *options, cpb_error *error)
{
    if (options->curve)
        return curve_run(options, error);
    cli_packs packs = {0};
    cli_recipe recipe = {0};
    comparison result = {0};
    const comparison_format format = options->json  ? COMPARISON_JSON
                                     : options->csv ? COMPARISON_CSV
                                                    : COMPARISON_TABLE;
    const bool many = options->packs || options->sample;
    bool good =
        recipe_write_command(options, &recipe, error) &&
        (!many || packs_open(options, &packs, error)) &&
        comparison_create(many ? (size_t)packs.n : 1, format, &recipe, &result, error);
    if (good)
        good = many ? add_packs(options, &packs, &result, error)
                    : add_batch(options, &result, error);
    good = good && comparison_print(&result, error);
    comparison_free(&result);
    recipe_free(&recipe);
    packs_close(&packs);
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
        "published with\nDistCA.\n"
        "--curve: frugal alone, on one pack, at tolerances from 0 to 100 % and "
        "--tolerance;\neach row has the best plan found that keeps its tolerance.\n",
    .examples = "  cpb compare --documents 16384,4096,8192,2048 --ranks 4\n"
                "  cpb compare --sample builtin --tokens 131072 --count 16 --ranks 8\n"
                "  cpb compare --packs packs.jsonl --mask window:4096 --ranks 8 "
                "--csv\n"
                "  cpb compare --documents @lengths.txt --ranks 16 --nodes 2 --curve\n"
                "  find . -name '*.txt' -exec wc -w {} + | awk '$2 != \"total\" {print "
                "$1}' |\n"
                "    cpb compare --documents - --ranks 8\n",
    .user = USED_BY_COMPARE,
    .ready = ready,
    .run = run,
};
