// SPDX-License-Identifier: Apache-2.0
/* The groups of a schedule file with their documents and plans, in. */
#include "message.h"
#include "runs.h"
#include "schedulefigures.h"
#include "schedulefile.h"

#include <stdlib.h>

enum { PLACE_BYTES = 48 };

static bool read_group(const json_t *object, const char *where, cpb_group *group,
                       cpb_error *error)
{
    int64_t micro_batch, first, ranks;
    double start, end;
    const json_t *documents;
    if (!json_member_integer(object, where, "micro_batch", 0, INT32_MAX, &micro_batch,
                             error) ||
        !json_member_integer(object, where, "first", 0, INT32_MAX, &first, error) ||
        !json_member_integer(object, where, "ranks", 0, INT32_MAX, &ranks, error) ||
        !json_member_real(object, where, "start", &start, error) ||
        !json_member_real(object, where, "end", &end, error) ||
        !(documents = json_member(object, where, "documents", JSON_ARRAY, error)))
        return false;
    *group = (cpb_group){.micro_batch = (int32_t)micro_batch,
                         .first = (int32_t)first,
                         .ranks = (int32_t)ranks,
                         .n_documents = (int64_t)json_array_size(documents),
                         .start = figures_picoseconds(start),
                         .end = figures_picoseconds(end)};
    return true;
}

static bool read_group_documents(cli_schedulefile *file, const json_t *list, size_t g,
                                 cpb_error *error)
{
    char where[PLACE_BYTES];
    const cpb_group *const group = &file->groups[g];
    snprintf(where, sizeof where, "schedule[%zu].documents", g);
    return json_integers(json_object_get(json_array_get(list, g), "documents"), where,
                         (size_t)group->n_documents,
                         file->documents + group->first_document, error);
}

/* The hash of its plan; null where it packs more than a plan takes. */
static bool read_plan(cli_schedulefile *file, const json_t *list, size_t g,
                      cpb_error *error)
{
    char where[PLACE_BYTES];
    const json_t *const plan = json_object_get(json_array_get(list, g), "plan");
    snprintf(where, sizeof where, "schedule[%zu].plan", g);
    return json_is_null(plan) || hash_read(plan, where, &file->plans[g], error);
}

/* Runs of the plans of all groups, where the first one has some. */
static bool read_all_runs(cli_schedulefile *file, const json_t *list, cpb_error *error)
{
    char where[PLACE_BYTES];
    size_t ranks = 0, n = (size_t)file->n_groups;
    if (!json_object_get(json_array_get(list, 0), "runs"))
        return true;
    for (size_t g = 0; g < n; g++)
        ranks += json_array_size(json_object_get(json_array_get(list, g), "runs"));
    file->first_run = calloc(ranks + 1, sizeof *file->first_run);
    if (!file->first_run)
        return fail_memory(error);
    int64_t *first = file->first_run;
    for (size_t g = 0; g < n; first += file->groups[g++].ranks) {
        snprintf(where, sizeof where, "schedule[%zu].runs", g);
        if (!runs_count(json_object_get(json_array_get(list, g), "runs"), where,
                        file->groups[g].ranks, first, error))
            return false;
    }
    cpb_range *runs = file->runs = calloc((size_t)*first + 1, sizeof *file->runs);
    if (!runs)
        return fail_memory(error);
    first = file->first_run;
    for (size_t g = 0; g < n; first += file->groups[g++].ranks) {
        snprintf(where, sizeof where, "schedule[%zu].runs", g);
        if (!runs_read(json_object_get(json_array_get(list, g), "runs"), where,
                       runs + *first, error))
            return false;
    }
    return true;
}

/* The groups first, then, once their number is known, what they hold. */
bool schedulefile_read_groups(cli_schedulefile *file, cpb_error *error)
{
    char where[PLACE_BYTES];
    int64_t listed = 0;
    const json_t *const list = json_object_get(file->root, "schedule");
    const size_t n = json_array_size(list);
    file->n_groups = (int64_t)n;
    file->groups = calloc(n + 1, sizeof *file->groups);
    file->plans = calloc(n + 1, sizeof *file->plans);
    if (!file->groups || !file->plans)
        return fail_memory(error);
    for (size_t g = 0; g < n; g++) {
        snprintf(where, sizeof where, "schedule[%zu]", g);
        if (!read_group(json_array_get(list, g), where, &file->groups[g], error))
            return false;
        file->groups[g].first_document = listed;
        listed += file->groups[g].n_documents;
    }
    file->documents = calloc((size_t)listed + 1, sizeof *file->documents);
    if (!file->documents)
        return fail_memory(error);
    for (size_t g = 0; g < n; g++)
        if (!read_group_documents(file, list, g, error) ||
            !read_plan(file, list, g, error))
            return false;
    return read_all_runs(file, list, error);
}
