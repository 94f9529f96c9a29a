// SPDX-License-Identifier: Apache-2.0
/* A measured plan as one line of a file: CSV or a JSON object, out and in. */
#include "row.h"

#include "figures.h"
#include "message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define MEMBER(name, type, optional) {#name, MEMBER_##type, optional, offsetof(cli_row, name)}
/* clang-format on */

/* What is read back. */
static const cli_member members[] = {
    MEMBER(pack, WHOLE, true),         MEMBER(ranks, WHOLE, false),
    MEMBER(tokens, WHOLE, false),      MEMBER(tolerance, REAL, false),
    MEMBER(balancer, TEXT, false),     MEMBER(chosen, TEXT, false),
    MEMBER(profile, TEXT, false),      MEMBER(kernel, TEXT, false),
    MEMBER(transport, TEXT, false),    MEMBER(cost, TEXT, false),
    MEMBER(overlap, TEXT, false),      MEMBER(imbalance, REAL, false),
    MEMBER(gap, REAL, false),          MEMBER(receive_total, WHOLE, false),
    MEMBER(receive_max, WHOLE, false), MEMBER(runs_max, WHOLE, false),
    MEMBER(memory_max, WHOLE, false),  MEMBER(step_time, REAL, false),
    MEMBER(compute_mean, REAL, false), MEMBER(compute_max, REAL, false),
    MEMBER(plan_seconds, REAL, false), MEMBER(hash, TEXT, false),
    MEMBER(version, TEXT, false),      MEMBER(command, TEXT, false),
    MEMBER(sweep, TEXT, true)};

enum { N_MEMBERS = sizeof members / sizeof *members };

/* Mean and largest compute of the ranks, in microseconds: what every rank would take if
 * all took the same, and what the slowest one takes. Layers are waited for one by one. */
static void add_compute(const cli_measured *measured, int32_t ranks, int64_t weight,
                        cli_row *row)
{
    double sum = 0;
    int64_t most = 0;
    for (int32_t r = 0; r < ranks; r++) {
        const int64_t compute = measured->ranks[r].compute;
        sum += figures_microseconds(compute);
        most = compute > most ? compute : most;
    }
    row->compute_mean += (double)weight * sum / ranks;
    row->compute_max += (double)weight * figures_microseconds(most);
}

cli_row row_of(int64_t pack, const cli_report *report, const cli_recipe *recipe)
{
    const cpb_score *const score = &report->all.score;
    const int32_t ranks = cpb_plan_ranks(report->plan);
    cli_row row = {.pack = pack,
                   .ranks = ranks,
                   .tokens = cpb_plan_tokens(report->plan),
                   .tolerance = (double)report->tolerance_ppm / 1e6,
                   .balancer = report->balancer,
                   .chosen = report->chosen,
                   .profile = report->setup.profile.name,
                   .kernel = kernel_names[report->setup.kernel],
                   .transport = transport_names[report->setup.transport],
                   .cost = cost_names[report->setup.cost],
                   .overlap = overlap_names[report->setup.overlap],
                   .imbalance = score->imbalance,
                   .gap = score->gap,
                   .receive_total = score->receive_total,
                   .receive_max = score->receive_max,
                   .runs_max = score->runs_max,
                   .memory_max = score->memory_max,
                   .step_time = figures_microseconds(score->step_time),
                   .plan_seconds = report->plan_seconds,
                   .hash = "",
                   .version = cpb_version(),
                   .command = recipe->command,
                   .sweep = recipe->hash};
    if (!report->layers)
        add_compute(&report->all, ranks, 1, &row);
    for (size_t i = 0; report->layers && i < report->batch->n; i++)
        add_compute(&report->layers[i], ranks, report->batch->weight[i], &row);
    return row;
}

void row_print_csv_names(FILE *stream)
{
    fputs("pack,tolerance,", stream);
    report_print_csv_names(stream);
    fputs(",compute_mean,compute_max,version,sweep,command\n", stream);
}

void row_print_csv(FILE *stream, int64_t pack, const cli_report *report,
                   const cli_recipe *recipe)
{
    const cli_row row = row_of(pack, report, recipe);
    fprintf(stream, "%" PRId64 ",%.15g,", pack, row.tolerance);
    report_print_csv(stream, report);
    fprintf(stream, ",%.17g,%.17g,%s,%s,", row.compute_mean, row.compute_max,
            row.version, row.sweep);
    report_print_quoted(stream, row.command);
    fputc('\n', stream);
}

json_t *row_to_json(int64_t pack, const cli_report *report, const cli_recipe *recipe)
{
    const cli_row row = row_of(pack, report, recipe);
    json_t *const object = report_to_json(report);
    bool good = object;
    if (good && pack >= 0)
        json_put(object, "pack", json_integer((json_int_t)pack), &good);
    json_put(object, "compute_mean", json_real(row.compute_mean), &good);
    json_put(object, "compute_max", json_real(row.compute_max), &good);
    json_put(object, "version", json_string(row.version), &good);
    if (*row.sweep)
        json_put(object, "sweep", json_string(row.sweep), &good);
    json_put(object, "command", json_string(row.command), &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

bool row_from_json(const json_t *object, const char *where, cli_row *row,
                   cpb_error *error)
{
    char text[JSON_SHOWN_BYTES];
    *row = (cli_row){.sweep = ""};
    if (!json_is_object(object))
        return fail(error, "%s is no row; accepted is an object of sweep or compare",
                    json_shown(object, text));
    return members_get(object, where, N_MEMBERS, members, row, error);
}

bool row_type(const char *name, member_type *type)
{
    return members_type(N_MEMBERS, members, name, type);
}

json_t *row_split(char *line, size_t n_names, const char *const *names,
                  row_types *types, cpb_error *error)
{
    bool good = true;
    member_type type;
    json_t *const object = json_object();
    const char **const cells = calloc(n_names + 1, sizeof *cells);
    if (!object || !cells)
        good = fail_memory(error);
    const size_t n = good ? row_cells(line, n_names + 1, cells) : 0;
    if (good && n != n_names)
        good = fail(error, "%zu cells under %zu names", n, n_names);
    for (size_t i = 0; good && i < n; i++) {
        if (!types(names[i], &type))
            continue;
        json_t *const value = members_cell(names[i], cells[i], type, error);
        good = value;
        if (value && json_object_set_new(object, names[i], value))
            good = fail_memory(error);
    }
    free(cells);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* Cut the cell at `at`; returns where it ends, NULL where quotes do not close. */
static char *cut(char *at, const char **cell)
{
    char *to = at;
    *cell = at;
    if (*at != '"')
        return at + strcspn(at, ",");
    for (at++; *at && (*at != '"' || at[1] == '"'); at++) {
        at += *at == '"'; /* a doubled quote is one */
        *to++ = *at;
    }
    if (*at != '"')
        return NULL;
    *to = '\0';
    return at + 1;
}

size_t row_cells(char *line, size_t room, const char **cells)
{
    size_t n = 0;
    line[strcspn(line, "\r\n")] = '\0';
    while (n < room) {
        char *const end = cut(line, &cells[n]);
        if (!end || (*end && *end != ','))
            return 0;
        n++;
        if (!*end)
            return n;
        *end = '\0';
        line = end + 1;
    }
    return n;
}
