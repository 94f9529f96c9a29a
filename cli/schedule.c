// SPDX-License-Identifier: Apache-2.0
/* cpb schedule: documents of a step into micro-batches and groups. */
#include "command.h"
#include "documents.h"
#include "figures.h"
#include "message.h"
#include "number.h"
#include "output.h"
#include "setup.h"
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
    return !options->compare || !(options->json || options->output || options->row) ||
           fail(error, "--compare prints a table of every row; --json, --output and "
                       "--row are for one");
}

static bool read_meet(const char *text, cpb_domain *domain, cpb_error *error)
{
    int64_t stages;
    if (!strncmp(text, "pipe:", 5)) {
        if (!number_read("--meet pipe", text + 5, 1, 4096, &stages, error))
            return false;
        domain->meet = CPB_MEET_MICRO;
        domain->stages = (int32_t)stages;
        return true;
    }
    domain->meet = strcmp(text, "micro") ? CPB_MEET_STEP : CPB_MEET_MICRO;
    return !strcmp(text, "step") || !strcmp(text, "micro") ||
           fail(error, "--meet '%.40s' is none of step, micro, pipe:STAGES", text);
}

/* `sizes` holds a list and is the caller's to free. */
static bool read_groups(const char *text, cpb_domain *domain, int32_t **sizes,
                        cpb_error *error)
{
    static const list_rules rules = {.item = "size",
                                     .items = "sizes of groups",
                                     .low = 1,
                                     .high = CPB_MAX_RANKS,
                                     .most = CPB_MAX_RANKS,
                                     .most_total = INT64_MAX};
    cli_list list = {0};
    domain->sizes = strcmp(text, "any") ? CPB_SIZES_POWERS : CPB_SIZES_ANY;
    if (!strcmp(text, "powers") || !strcmp(text, "any"))
        return true;
    bool good = list_read_text("--groups", text, &rules, &list, error);
    *sizes = good ? calloc(list.n + 1, sizeof **sizes) : NULL;
    if (good && !*sizes)
        good = fail_memory(error);
    for (size_t i = 0; good && i < list.n; i++)
        (*sizes)[i] = (int32_t)list.value[i];
    domain->sizes = CPB_SIZES_LIST;
    domain->size = *sizes;
    domain->n_size = list.n;
    list_free(&list);
    return good;
}

static bool read_domain(const cli_options *options, cpb_domain *domain, int32_t **sizes,
                        cpb_error *error)
{
    *domain = cpb_domain_default();
    domain->ranks = (int32_t)options->ranks;
    domain->budget = options->budget;
    domain->setup.kernel = CPB_VARLEN;
    if (options->nodes >= 0) {
        if (options->ranks % options->nodes)
            return fail(error, "%" PRId64 " nodes do not divide %" PRId64 " ranks",
                        options->nodes, options->ranks);
        domain->ranks_per_node = (int32_t)(options->ranks / options->nodes);
    }
    if (options->row)
        domain->row = options->row;
    if (options->meet && !read_meet(options->meet, domain, error))
        return false;
    if (options->groups && !read_groups(options->groups, domain, sizes, error))
        return false;
    if (options->micro_most >= 0)
        domain->micro_most = (int32_t)options->micro_most;
    if (options->fixed >= 0)
        domain->fixed = options->fixed;
    return setup_apply(options, options->ranks, &domain->setup, error);
}

/* Figures of the score that JSON holds, each under its own name. */
static void put_score(json_t *object, const cpb_schedule_score *score, bool *good)
{
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {
        {"micro_batches", score->micro_batches},
        {"groups", score->groups},
        {"tokens", score->tokens},
        {"left_over", score->left_over},
        {"split", score->split},
        {"tokens_max", score->tokens_max},
        {"padding", score->padding},
        {"received", score->received},
        {"received_max", score->received_max},
        {"moved_max", score->moved_max},
        {"loss_max", score->loss_max},
    };
    const struct {
        const char *name;
        double value;
    } ratios[] = {
        {"step_time", figures_microseconds(score->time)},
        {"bound", figures_microseconds(score->bound)},
        {"wire_time", figures_microseconds(score->wire)},
        {"gap", score->gap},
        {"group_mean", score->group_mean},
        {"busy", score->busy},
        {"time_imbalance", score->time_imbalance},
        {"token_imbalance", score->token_imbalance},
        {"moved_mean", score->moved_mean},
        {"loss_mean", score->loss_mean},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_put(object, counts[i].name, json_integer(counts[i].value), good);
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++)
        json_put(object, ratios[i].name, json_real(ratios[i].value), good);
}

static json_t *group_to_json(const cpb_schedule *schedule, const cpb_group *group)
{
    json_t *const object = json_object();
    bool good = object;
    json_put(object, "micro_batch", json_integer(group->micro_batch), &good);
    json_put(object, "first", json_integer(group->first), &good);
    json_put(object, "ranks", json_integer(group->ranks), &good);
    json_put(object, "start", json_real(figures_microseconds(group->start)), &good);
    json_put(object, "end", json_real(figures_microseconds(group->end)), &good);
    json_put(object, "documents",
             json_list((size_t)group->n_documents,
                       cpb_schedule_documents(schedule) + group->first_document,
                       sizeof(int64_t)),
             &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* Documents that are not in the step, with the reason. */
static json_t *left_to_json(const cpb_schedule *schedule)
{
    json_t *const list = json_array();
    bool good = list;
    for (int64_t d = 0; d < cpb_schedule_n_documents(schedule); d++)
        if (cpb_schedule_placements(schedule)[d].left != CPB_LEFT_NOT)
            json_push(list, json_pack("{s:I,s:s}", "document", d, "reason", "empty"),
                      &good);
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *to_json(const cpb_schedule *schedule, const cpb_domain *domain)
{
    char hash[17];
    json_t *const object = json_object();
    json_t *const groups = json_array();
    bool good = object && groups;
    snprintf(hash, sizeof hash, "%016" PRIx64, cpb_schedule_hash(schedule));
    json_put(object, "ranks", json_integer(domain->ranks), &good);
    json_put(object, "budget", json_integer(domain->budget), &good);
    json_put(object, "row", json_string(domain->row), &good);
    json_put(object, "chosen", json_string(cpb_schedule_row(schedule)), &good);
    json_put(object, "meet",
             json_string(domain->meet == CPB_MEET_STEP ? "step" : "micro"), &good);
    json_put(object, "stages", json_integer(domain->stages), &good);
    json_put(object, "profile", json_string(domain->setup.profile.name), &good);
    put_score(object, cpb_schedule_score_of(schedule), &good);
    json_put(object, "left", left_to_json(schedule), &good);
    for (int64_t g = 0; g < cpb_schedule_n_groups(schedule); g++)
        json_push(groups, group_to_json(schedule, &cpb_schedule_groups(schedule)[g]),
                  &good);
    json_put(object, "schedule", groups, &good);
    json_put(object, "hash", json_string(hash), &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static bool write_file(const char *path, const char *text, cpb_error *error)
{
    cli_output file = {0};
    const bool good = output_open(&file, path, error) &&
                      output_write(&file, text, strlen(text), error) &&
                      output_close(&file, error) && output_commit(&file, error);
    output_free(&file);
    return good;
}

/* The file and, with --json, standard output. */
static bool write_json(const cli_options *options, const cpb_schedule *schedule,
                       const cpb_domain *domain, cpb_error *error)
{
    json_t *const object = to_json(schedule, domain);
    char *const text = object ? json_text(object) : NULL;
    json_decref(object);
    if (!text)
        return fail_memory(error);
    const bool good = !options->output || write_file(options->output, text, error);
    if (good && options->json)
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
    printf("batches    %d micro-batches, %s groups, %.2f ranks per token\n",
           score->micro_batches, table_thousands(score->groups, a), score->group_mean);
    printf("tokens     %s, at most %s of a rank in a micro-batch\n",
           table_thousands(score->tokens, a), table_thousands(score->tokens_max, b));
    printf("received   %s keys, at most %s of a rank\n",
           table_thousands(score->received, a),
           table_thousands(score->received_max, b));
    printf("ranks      %.1f %% of the time at work\n", 100 * score->busy);
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

static bool one(const cli_options *options, const cpb_documents *documents,
                const cpb_domain *domain, cpb_error *error)
{
    cpb_schedule *schedule;
    if (!succeeded(cpb_schedule_create(documents, domain, &schedule, error)))
        return false;
    bool good = true;
    if (options->json || options->output)
        good = write_json(options, schedule, domain, error);
    if (good && !options->json)
        print_text(schedule, domain);
    cpb_schedule_free(schedule);
    return good;
}

static bool run(const cli_options *options, cpb_error *error)
{
    cli_list lengths = {0};
    cpb_domain domain;
    int32_t *sizes = NULL;
    bool good = read_domain(options, &domain, &sizes, error) &&
                lengths_read(options->documents, INT64_C(1) << 58, &lengths, error);
    const cpb_documents documents = {.n = (int64_t)lengths.n, .tokens = lengths.value};
    if (good)
        good = options->compare ? compare(&documents, &domain, error)
                                : one(options, &documents, &domain, error);
    list_free(&lengths);
    free(sizes);
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
