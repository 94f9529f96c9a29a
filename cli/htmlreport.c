// SPDX-License-Identifier: Apache-2.0
/* cpb report: a sweep or a comparison as one page. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "command.h"
#include "html.h"
#include "message.h"
#include "output.h"
#include "page.h"
#include "page_schedules.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char about_hash[] =
    "<p>The hash is over version, command and data: equal hashes, equal rows.</p>\n";

static bool is_page(const char *name)
{
    const char *const dot = strrchr(name, '.');
    return dot && (!strcmp(dot, ".html") || !strcmp(dot, ".htm"));
}

static bool ready(const cli_options *options, cpb_error *error)
{
    if (!options->file)
        return fail(error, "the file of rows is missing; sweep -o and compare --json "
                           "write one");
    if (!options->output)
        return fail(error, "--output is missing");
    return is_page(options->output) || output_is_direct(options->output) ||
           fail(error, "--output is \"%.40s\"; accepted are names that end in .html",
                options->output);
}

static void print_head(FILE *stream, const cli_rowset *set)
{
    char count[TABLE_CELL_BYTES];
    const cli_answer *const answer = &set->answer;
    fprintf(stream, "<h1>Which ranks, which balancer</h1>\n<p>%s on ",
            table_count(answer->n_packs, "pack", count));
    for (size_t i = 0; i < set->axes.ranks.n; i++)
        fprintf(stream, "%s%" PRId64, i ? ", " : "", set->axes.ranks.value[i]);
    fprintf(stream, " ranks with %s, modelled under profile ",
            table_count((int64_t)set->axes.balancer.n, "balancer", count));
    html_text(stream, set->shared.profile);
    fputs(".</p>\n", stream);
    if (set->list.unfinished >= 0)
        fprintf(stream,
                "<p>The file ends within pack %" PRId64 ", which is left out.</p>\n",
                set->list.unfinished);
}

static bool print_answer(FILE *stream, const cli_rowset *set, cpb_error *error)
{
    char *text = NULL;
    size_t bytes;
    FILE *const answer = open_memstream(&text, &bytes);
    if (!answer)
        return fail_memory(error);
    answer_print_choice(&set->answer, -1, answer);
    const bool good = !fclose(answer) || fail_memory(error);
    if (good) {
        fputs("<pre>", stream);
        html_text(stream, text);
        fputs("</pre>\n", stream);
    }
    free(text);
    return good;
}

typedef struct fact {
    const char *name, *value;
} fact;

/* How it was made. */
static void print_facts(FILE *stream, size_t n, const fact *facts)
{
    fputs("<h2>How it was made</h2>\n<dl>\n", stream);
    for (size_t i = 0; i < n; i++) {
        if (!*facts[i].value)
            continue;
        fprintf(stream, "<dt>%s</dt><dd>", facts[i].name);
        html_text(stream, facts[i].value);
        fputs("</dd>\n", stream);
    }
    fputs("</dl>\n", stream);
}

static void print_origin(FILE *stream, const cli_rowset *set)
{
    const cli_row *const row = &set->shared;
    const fact facts[] = {{"command", row->command},    {"version", row->version},
                          {"hash", row->sweep},         {"profile", row->profile},
                          {"kernel", row->kernel},      {"transport", row->transport},
                          {"cost balanced", row->cost}, {"overlap", row->overlap}};
    print_facts(stream, sizeof facts / sizeof *facts, facts);
    if (*row->sweep)
        fputs(about_hash, stream);
}

static bool print_plans(FILE *stream, const void *of, cpb_error *error)
{
    const cli_rowset *const set = of;
    html_begin(stream, "cpbalance report");
    print_head(stream, set);
    if (!print_answer(stream, set, error) || !page_plots(stream, set, error) ||
        !page_packs(stream, set, error) || !page_table(stream, set, error))
        return false;
    print_origin(stream, set);
    html_end(stream);
    return true;
}

static bool print_schedules(FILE *stream, const void *of, cpb_error *error)
{
    const cli_scheduleset *const set = of;
    const cli_schedulerow *const row = &set->shared;
    const fact facts[] = {{"command", row->command},
                          {"version", row->version},
                          {"hash", row->sweep},
                          {"profile", row->profile}};
    html_begin(stream, "cpbalance report");
    if (!page_schedule_head(stream, set, error) ||
        !page_schedule_plots(stream, set, error) ||
        !page_schedule_table(stream, set, error))
        return false;
    print_facts(stream, sizeof facts / sizeof *facts, facts);
    fputs(about_hash, stream);
    html_end(stream);
    return true;
}

/* Writes the page of a set of rows. */
typedef bool print_page(FILE *stream, const void *set, cpb_error *error);

/* The whole page in memory, to be freed. */
static bool make_page(print_page *print, const void *set, char **text, size_t *bytes,
                      cpb_error *error)
{
    FILE *const stream = open_memstream(text, bytes);
    if (!stream)
        return fail_memory(error);
    const bool good = print(stream, set, error);
    const bool full = ferror(stream);
    return ((!fclose(stream) && !full) || fail_memory(error)) && good;
}

/* The page of what the file holds, rows of plans or of schedules. */
static bool make(const char *path, char **text, size_t *bytes, cpb_error *error)
{
    cli_rows rows = {0};
    cli_rowset plans = {0};
    cli_scheduleset schedules = {0};
    bool of_schedules = false;
    bool good = rows_open(path, &rows, error) &&
                rows_are_schedules(&rows, &of_schedules, error);
    if (good && of_schedules)
        good = scheduleset_read(&rows, &schedules, error) &&
               make_page(print_schedules, &schedules, text, bytes, error);
    else if (good)
        good = rowset_read(&rows, &plans, error) &&
               make_page(print_plans, &plans, text, bytes, error);
    rows_close(&rows);
    rowset_free(&plans);
    scheduleset_free(&schedules);
    return good;
}

static bool run(const cli_options *options, cpb_error *error)
{
    char *text = NULL;
    size_t bytes = 0;
    const bool good = make(options->file, &text, &bytes, error) &&
                      output_file(options->output, text, bytes, error);
    free(text);
    return good;
}

const cli_command report_command = {
    .name = "report",
    .summary = "a sweep or a comparison as one page to share",
    .usage = "ROWS -o REPORT.html",
    .about =
        "Reads what sweep -o or compare --json wrote (- is standard input) and writes\n"
        "one HTML file that needs nothing else: the answer, a table, plots, and the\n"
        "median and the worst pack of the answer, planned again where the command of\n"
        "the rows still finds its data.\n",
    .examples = "  cpb sweep --sample builtin --tokens 65536 --count 20 --ranks 4,8 -o "
                "rows.csv\n"
                "  cpb report rows.csv -o report.html\n"
                "  cpb compare --documents 5000,300,12000 --ranks 8 --json |\n"
                "    cpb report - -o report.html\n",
    .user = USED_BY_REPORT,
    .ready = ready,
    .run = run,
};
