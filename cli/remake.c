// SPDX-License-Identifier: Apache-2.0
/* The plan that a row measured, made again from the command of the row. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "remake.h"

#include "message.h"
#include "packs.h"
#include "setup.h"

#include <math.h>
#include <popt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void remake_free(cli_remake *made)
{
    cpb_plan_free(made->plan);
    batch_free(&made->batch);
    options_free(&made->options);
    free(made->words);
    *made = (cli_remake){0};
}

/* What a value reads, NULL where it is no name of a file. */
static const char *name_of(const cli_said *said)
{
    const char *const text = said->text ? said->text : "";
    const char *const behind = text + strspn(text, "0123456789*");
    if (!strcmp(said->name, "packs") || !strcmp(said->name, "sample"))
        return text;
    return *behind == '@' ? behind + 1 : NULL;
}

/* A pipe was read, and is not there any more; waiting for one would never end. */
static bool reads_files(const cli_options *options, cpb_error *error)
{
    struct stat what;
    for (size_t i = 0; i < options->n_said; i++) {
        const cli_said *const said = &options->said[i];
        const char *const name = name_of(said);
        if ((said->text && !strcmp(said->text, "-")) ||
            (name && !stat(name, &what) && !S_ISREG(what.st_mode)))
            return fail(error, "--%s %.40s is no file that could be read again",
                        said->name, said->text);
    }
    return true;
}

bool remake_read(const char *command, cli_remake *made, cpb_error *error)
{
    int n;
    if (poptParseArgvString(command, &n, &made->words) || n < 2)
        return fail(error, "the command is none: %.60s", command);
    const char *const name = made->words[1];
    const bool sweep = !strcmp(name, "sweep");
    if (!sweep && strcmp(name, "compare"))
        return fail(error, "\"%.40s\" is no command that writes rows", name);
    char **const words = calloc((size_t)n, sizeof *words);
    if (!words)
        return fail_memory(error);
    for (int i = 1; i < n; i++)
        words[i - 1] = (char *)(uintptr_t)made->words[i];
    const int status = options_read(sweep ? "sweep" : "compare",
                                    sweep ? USED_BY_SWEEP : USED_BY_COMPARE, n - 1,
                                    words, &made->options, error);
    free(words);
    return status == EXIT_DONE && reads_files(&made->options, error);
}

/* The masks of pack number `pack`. */
static bool read_pack(int64_t pack, cli_remake *made, cpb_error *error)
{
    cli_packs packs = {0};
    cli_list documents = {0};
    if (!made->options.packs && !made->options.sample)
        return batch_of(&made->options, &made->batch, error);
    bool good =
        packs_open(&made->options, &packs, error) &&
        (pack < packs.n || fail(error, "there are fewer packs than there were"));
    while (good && packs.given <= pack)
        good = packs_next(&packs, &documents, error);
    good = good && batch_read(&made->options, &documents, &made->batch, error);
    list_free(&documents);
    packs_close(&packs);
    return good;
}

bool remake(const cli_row *row, uint64_t hash, cli_remake *made, cpb_error *error)
{
    cpb_options planner;
    if (!remake_read(row->command, made, error) || !read_pack(row->pack, made, error))
        return false;
    made->options.ranks = row->ranks;
    made->options.tolerance_ppm = llround(row->tolerance * 1e6);
    if (!planner_options(&made->options, &planner, error))
        return false;
    planner.balancer = row->balancer;
    made->setup = planner.setup;
    const cpb_masks masks = batch_view(&made->batch);
    if (!succeeded(cpb_plan_create(&masks, &planner, &made->plan, error)))
        return false;
    return cpb_plan_hash(made->plan) == hash ||
           fail(error, "the same command makes another plan now: its data changed");
}
