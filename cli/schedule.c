// SPDX-License-Identifier: Apache-2.0
/* cpb schedule: documents of a step into micro-batches and groups. */
#include "command.h"
#include "figuretable.h"
#include "message.h"
#include "output.h"
#include "schedulefile.h"
#include "step.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool ready(const cli_options *options, cpb_error *error)
{
    if (!options->documents)
        return fail(error, "--documents is missing");
    if (options->ranks < 0)
        return fail(error, "--ranks is missing");
    if (options->budget < 0)
        return fail(error, "--budget is missing");
    if (options->runs && !options->json && !options->output)
        return fail(error, "--runs is for what --json and --output write");
    return !options->compare || !(options->json || options->output || options->row) ||
           fail(error, "--compare prints a table of every row; --json, --output and "
                       "--row are for one");
}

/* Hand the text of an object on: to `path`, or to standard output where that is NULL. */
static bool write_object(json_t *object, const char *path, cpb_error *error)
{
    char *const text = object ? json_text(object) : NULL;
    json_decref(object);
    if (!text)
        return fail_memory(error);
    const bool good = !path || output_file(path, text, strlen(text), error);
    if (!path)
        fputs(text, stdout);
    free(text);
    return good;
}

static void print_text(const cpb_schedule *schedule, const cpb_domain *domain)
{
    char a[TABLE_CELL_BYTES], b[TABLE_CELL_BYTES], c[TABLE_CELL_BYTES];
    const cpb_schedule_score *const score = cpb_schedule_score_of(schedule);
    printf("row        %s\n", cpb_schedule_row(schedule));
    printf("step       %s us, %.2f %% above the bound of %s us (%s)\n",
           table_decimals(figures_microseconds(score->time), 1, a), 100 * score->gap,
           table_decimals(figures_microseconds(score->bound), 1, b),
           domain->setup.profile.name);
    printf("documents  %s in the step, %s on several ranks, %s left over\n",
           table_thousands(cpb_schedule_n_documents(schedule) - score->left_over, a),
           table_thousands(score->split, b), table_thousands(score->left_over, c));
    printf("batches    %s, %s, %.2f ranks per token\n",
           table_count(score->micro_batches, "micro-batch", a),
           table_count(score->groups, "group", b), score->group_mean);
    printf("tokens     %s, at most %s of a rank in a micro-batch\n",
           table_thousands(score->tokens, a), table_thousands(score->tokens_max, b));
    printf("received   %s keys, at most %s of a rank; wire time at most %s us\n",
           table_thousands(score->received, a), table_thousands(score->received_max, b),
           table_decimals(figures_microseconds(score->wire), 1, c));
    printf("ranks      %.1f %% of the time at work; time %.1f %%, tokens %.1f %% above "
           "the mean\n",
           100 * score->busy, 100 * score->time_imbalance,
           100 * score->token_imbalance);
    printf("order      moved by %s places at most, %.1f on average; waited %s steps at "
           "most\n",
           table_thousands(score->moved_max, a), score->moved_mean,
           table_thousands(score->waited_max, b));
    printf("loss       %s tokens of a rank at most, %s on average\n",
           table_thousands(score->loss_max, a), table_decimals(score->loss_mean, 1, b));
    printf("replicas   %s; %s loss tokens at most, %s on average\n",
           table_thousands(score->replicas, a),
           table_thousands(score->replica_loss_max, b),
           table_decimals(score->replica_loss_mean, 1, c));
    printf("rerouted   %s tokens from where their loader holds them, %s bytes\n",
           table_thousands(score->rerouted, a),
           table_thousands(score->rerouted_bytes, b));
    printf("hash       %016" PRIx64 "\n", cpb_schedule_hash(schedule));
}

static void fill_row(cli_table *table, size_t row, const cpb_schedule *schedule)
{
    const cpb_schedule_score *const score = cpb_schedule_score_of(schedule);
    table_decimals(figures_microseconds(score->time), 1, table_cell(table, row, 1));
    table_decimals(100 * score->gap, 2, table_cell(table, row, 2));
    table_thousands(score->micro_batches, table_cell(table, row, 3));
    table_thousands(score->split, table_cell(table, row, 4));
    table_thousands(score->received, table_cell(table, row, 5));
    table_decimals(100 * score->busy, 1, table_cell(table, row, 6));
}

/* A table of every row; those that cannot keep the limits are left out. */
static bool compare(const cpb_documents *documents, cpb_domain *domain,
                    cpb_error *error)
{
    static const char *const titles[] = {
        "row", "step us", "above bound %", "batches", "split", "received", "busy %"};
    enum { COLUMNS = sizeof titles / sizeof *titles };
    size_t n = 0, row = 1;
    cli_table table;
    while (cpb_schedule_name(n))
        n++;
    bool good = table_create(n + 1, COLUMNS, &table) || fail_memory(error);
    for (size_t i = 0; good && i < COLUMNS; i++)
        strcpy(table_cell(&table, 0, i), titles[i]);
    for (size_t i = 0; good && i < n; i++) {
        cpb_schedule *schedule;
        domain->row = cpb_schedule_name(i);
        const cpb_status status =
            cpb_schedule_create(documents, domain, &schedule, error);
        good = status == CPB_OK || (i > 0 && status == CPB_UNSUPPORTED);
        if (status != CPB_OK)
            continue;
        strcpy(table_cell(&table, row, 0), domain->row);
        fill_row(&table, row++, schedule);
        cpb_schedule_free(schedule);
    }
    table.rows = row;
    if (good)
        table_print(&table, table_is_terminal(stdout), stdout);
    table_free(&table);
    return good;
}

/* Whether every group packs no more than a plan takes. */
static bool plans_fit(const cpb_schedule *schedule, const cpb_documents *documents,
                      cpb_error *error)
{
    for (int64_t g = 0; g < cpb_schedule_n_groups(schedule); g++) {
        int64_t tokens = 0;
        const cpb_group *const group = &cpb_schedule_groups(schedule)[g];
        for (int64_t i = 0; i < group->n_documents; i++)
            tokens += documents->tokens[cpb_schedule_documents(
                schedule)[group->first_document + i]];
        if (tokens > CPB_MAX_TOKENS)
            return fail(error,
                        "group %" PRId64 " packs %" PRId64
                        " tokens and a plan takes %" PRId64 ", so it has no --runs",
                        g, tokens, CPB_MAX_TOKENS);
    }
    return true;
}

static bool one(const cli_options *options, const cpb_documents *documents,
                const cpb_domain *domain, cpb_error *error)
{
    cpb_schedule *schedule;
    if (!succeeded(cpb_schedule_create(documents, domain, &schedule, error)))
        return false;
    bool good = !options->runs || plans_fit(schedule, documents, error);
    if (good && options->output)
        good = write_object(
            schedulefile_to_json(schedule, documents, domain, options->runs),
            options->output, error);
    if (good && options->json)
        good = write_object(schedule_to_json(schedule, domain, options->runs), NULL,
                            error);
    if (good && !options->json)
        print_text(schedule, domain);
    cpb_schedule_free(schedule);
    return good;
}

static bool run(const cli_options *options, cpb_error *error)
{
    cli_step step = {0};
    bool good = step_read(options, &step, error);
    const cpb_documents documents = step_documents(&step);
    if (good)
        good = options->compare ? compare(&documents, &step.domain, error)
                                : one(options, &documents, &step.domain, error);
    step_free(&step);
    return good;
}

const cli_command schedule_command = {
    .name = "schedule",
    .summary = "documents of a step into micro-batches and groups of ranks",
    .usage = "--documents LENGTHS --ranks R --budget TOKENS [FLAG ...]",
    .about =
        "Long documents go to as many ranks as the time of the step asks for, short "
        "ones stay\n"
        "whole. Times are those of the profile for one layer; the bound is below "
        "every\n"
        "schedule of these ranks, groups and budget.\n",
    .examples =
        "  cpb schedule --documents @lengths.txt --ranks 64 --budget 16384\n"
        "  cpb schedule --documents @lengths.txt --ranks 64 --budget 16384 --compare\n",
    .user = USED_BY_SCHEDULE,
    .ready = ready,
    .run = run,
};
