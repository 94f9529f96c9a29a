// SPDX-License-Identifier: Apache-2.0
/* The plan file, out and in. */
#include "planfile.h"

#include "figures.h"
#include "maskfile.h"
#include "message.h"
#include "profile.h"
#include "runs.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE_BYTES = 40 };

json_t *planfile_to_json(const cli_report *report)
{
    json_t *const object = json_object();
    json_t *const figures = report_to_json(report);
    bool good = object && figures;
    json_put(object, "version", json_integer(CPB_PLAN_VERSION), &good);
    good = good && !json_object_update(object, figures);
    json_decref(figures);
    json_put(object, "masks", report_masks_to_json(report), &good);
    json_put(object, "profile_numbers", profile_to_json(&report->setup.profile), &good);
    json_put(object, "runs", runs_to_json(report->plan), &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* A reader of one group of members. */
typedef bool read_group(cli_planfile *file, cpb_error *error);

static bool read_version(cli_planfile *file, cpb_error *error)
{
    const json_t *const version = json_object_get(file->root, "version");
    if (json_is_array(json_object_get(file->root, "schedule")))
        return fail(error, "is a schedule file; say --schedule instead of --plan");
    if (!json_is_integer(version))
        return fail(error, "is no plan file: it states no version");
    if (json_integer_value(version) != CPB_PLAN_VERSION)
        return fail(error, "is a plan file of version %" PRId64 "; accepted is %d",
                    (int64_t)json_integer_value(version), CPB_PLAN_VERSION);
    return true;
}

static bool read_sizes(cli_planfile *file, cpb_error *error)
{
    int64_t ranks;
    const bool good =
        json_member_integer(file->root, "", "tokens", 1, CPB_MAX_TOKENS, &file->tokens,
                            error) &&
        json_member_integer(file->root, "", "padding", 0, CPB_MAX_TOKENS,
                            &file->padding, error) &&
        json_member_integer(file->root, "", "ranks", 1, CPB_MAX_RANKS, &ranks, error);
    file->ranks = good ? (int32_t)ranks : 0;
    return good;
}

static bool read_names(cli_planfile *file, cpb_error *error)
{
    const json_t *const balancer =
        json_member(file->root, "", "balancer", JSON_STRING, error);
    const json_t *const chosen =
        balancer ? json_member(file->root, "", "chosen", JSON_STRING, error) : NULL;
    file->balancer = json_string_value(balancer);
    file->chosen = json_string_value(chosen);
    return chosen &&
           json_member_real(file->root, "", "plan_seconds", &file->plan_seconds, error);
}

static bool read_cap(cli_planfile *file, cpb_error *error)
{
    if (json_is_null(json_object_get(file->root, "cap"))) {
        file->promise.cap = -1;
        return true;
    }
    return json_member_integer(file->root, "", "cap", 0, INT64_MAX, &file->promise.cap,
                               error);
}

static bool read_tolerance(cli_planfile *file, cpb_error *error)
{
    double tolerance;
    if (!json_member_real(file->root, "", "tolerance", &tolerance, error))
        return false;
    if (!(tolerance >= 0 && tolerance <= 1000))
        return fail(error, "tolerance is %g; accepted are 0 to 1000", tolerance);
    file->tolerance_ppm = llround(tolerance * 1e6);
    return true;
}

static bool read_promise(cli_planfile *file, cpb_error *error)
{
    static const char *const granularities[] = {"chunk", "token"};
    cpb_promise *const promise = &file->promise;
    int64_t sizes, algorithm, granularity;
    if (!json_member_choice(file->root, "", "sizes", N_SIZES, sizes_names, &sizes,
                            error) ||
        !read_cap(file, error) || !read_tolerance(file, error) ||
        !json_member_integer(file->root, "", "algorithm", 0, INT32_MAX, &algorithm,
                             error) ||
        !json_member_integer(file->root, "", "chunk", 1, INT64_MAX, &promise->chunk,
                             error) ||
        !json_member_choice(file->root, "", "granularity", 2, granularities,
                            &granularity, error))
        return false;
    promise->sizes = (cpb_sizes)sizes;
    promise->algorithm = (int32_t)algorithm;
    promise->tolerance_ppm = file->tolerance_ppm;
    promise->granularity = granularity ? 1 : promise->chunk;
    return true;
}

static bool read_choices(cli_planfile *file, cpb_error *error)
{
    int64_t kernel, transport, cost, overlap, combine;
    if (!json_member_choice(file->root, "", "kernel", N_KERNELS, kernel_names, &kernel,
                            error) ||
        !json_member_choice(file->root, "", "transport", N_TRANSPORTS, transport_names,
                            &transport, error) ||
        !json_member_choice(file->root, "", "cost", N_COSTS, cost_names, &cost,
                            error) ||
        !json_member_choice(file->root, "", "overlap", N_OVERLAPS, overlap_names,
                            &overlap, error) ||
        !json_member_choice(file->root, "", "combine", N_COMBINES, combine_names,
                            &combine, error))
        return false;
    file->combine = (cpb_combine)combine;
    file->setup.kernel = (cpb_kernel)kernel;
    file->setup.transport = (cpb_transport)transport;
    file->setup.cost = (cpb_cost)cost;
    file->setup.overlap = (cpb_overlap)overlap;
    return true;
}

static bool read_profile(cli_planfile *file, cpb_error *error)
{
    const json_t *const name =
        json_member(file->root, "", "profile", JSON_STRING, error);
    json_t *const numbers =
        name ? json_member(file->root, "", "profile_numbers", JSON_OBJECT, error)
             : NULL;
    if (!numbers ||
        !profile_from_json(numbers, "profile_numbers", &file->setup.profile, error))
        return false;
    return !strcmp(json_string_value(name), file->setup.profile.name) ||
           fail(error, "profile is \"%.40s\" but profile_numbers.name is \"%.40s\"",
                json_string_value(name), file->setup.profile.name);
}

/* They belong to the file, the setup borrows them. */
static bool read_speeds(cli_planfile *file, cpb_error *error)
{
    if (!speeds_from_json(json_object_get(file->root, "speeds"), file->ranks,
                          &file->speeds, error))
        return false;
    file->setup.speeds = file->speeds.speed;
    return true;
}

static bool read_setup(cli_planfile *file, cpb_error *error)
{
    int64_t nodes;
    const json_t *const backward =
        json_member(file->root, "", "backward", JSON_TRUE, error);
    json_t *const model =
        backward ? json_member(file->root, "", "model", JSON_OBJECT, error) : NULL;
    if (!model || !read_choices(file, error) ||
        !json_member_integer(file->root, "", "nodes", 0, CPB_MAX_RANKS, &nodes,
                             error) ||
        !model_from_json(model, "model", &file->setup.model, error))
        return false;
    file->setup.backward = json_is_true(backward);
    file->setup.nodes = (int32_t)nodes;
    return read_profile(file, error);
}

static bool read_hash(cli_planfile *file, cpb_error *error)
{
    const json_t *const hash = json_member(file->root, "", "hash", JSON_STRING, error);
    return hash && hash_read(hash, "hash", &file->hash, error);
}

static bool read_runs(cli_planfile *file, cpb_error *error)
{
    const json_t *const lists = json_member(file->root, "", "runs", JSON_ARRAY, error);
    if (!lists)
        return false;
    file->first = calloc((size_t)file->ranks + 1, sizeof *file->first);
    if (!file->first)
        return fail_memory(error);
    if (!runs_count(lists, "runs", file->ranks, file->first, error))
        return false;
    file->runs = calloc((size_t)file->first[file->ranks] + 1, sizeof *file->runs);
    return file->runs ? runs_read(lists, "runs", file->runs, error)
                      : fail_memory(error);
}

static bool read_stated(const cli_planfile *file, const json_t *object,
                        const char *where, cli_stated *stated, cpb_error *error)
{
    char place[PLACE_BYTES];
    const size_t ranks = (size_t)file->ranks;
    stated->pairs = calloc(ranks, sizeof *stated->pairs);
    stated->loads = calloc(ranks, sizeof *stated->loads);
    if (!stated->pairs || !stated->loads)
        return fail_memory(error);
    if (!figures_get(object, where, &stated->score, &stated->step_us, error))
        return false;
    snprintf(place, sizeof place, "%.30s%spairs", where, *where ? "." : "");
    if (!json_integers(json_object_get(object, "pairs"), place, ranks, stated->pairs,
                       error))
        return false;
    snprintf(place, sizeof place, "%.30s%sloads", where, *where ? "." : "");
    return json_integers(json_object_get(object, "loads"), place, ranks, stated->loads,
                         error);
}

static bool read_masks(cli_planfile *file, cpb_error *error)
{
    char place[PLACE_BYTES];
    const json_t *const list = json_member(file->root, "", "masks", JSON_ARRAY, error);
    const size_t n = json_array_size(list);
    if (!list)
        return false;
    if (!n)
        return fail(error, "masks is empty; accepted is at least one mask");
    for (size_t i = 0; i < n; i++) {
        snprintf(place, sizeof place, "masks[%zu]", i);
        if (!maskfile_add(json_array_get(list, i), place, 1, NULL, &file->batch, error))
            return false;
    }
    if (n == 1)
        return true;
    file->layers = calloc(n, sizeof *file->layers);
    if (!file->layers)
        return fail_memory(error);
    for (size_t i = 0; i < n; i++) {
        snprintf(place, sizeof place, "masks[%zu]", i);
        const json_t *const figures =
            json_member(json_array_get(list, i), place, "figures", JSON_OBJECT, error);
        snprintf(place, sizeof place, "masks[%zu].figures", i);
        if (!figures || !read_stated(file, figures, place, &file->layers[i], error))
            return false;
    }
    return true;
}

static bool read_all(cli_planfile *file, cpb_error *error)
{
    static read_group *const groups[] = {read_version, read_sizes, read_names,
                                         read_promise, read_setup, read_speeds,
                                         read_hash,    read_runs,  read_masks};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (!groups[i](file, error))
            return false;
    return read_stated(file, file->root, "", &file->all, error);
}

bool planfile_read(const char *path, cli_planfile *file, cpb_error *error)
{
    file->root = json_read(path, error);
    return file->root && (read_all(file, error) || fail_at(error, path));
}

static void stated_free(cli_stated *stated)
{
    free(stated->pairs);
    free(stated->loads);
}

void planfile_free(cli_planfile *file)
{
    for (size_t i = 0; file->layers && i < file->batch.n; i++)
        stated_free(&file->layers[i]);
    free(file->layers);
    stated_free(&file->all);
    batch_free(&file->batch);
    free(file->first);
    free(file->runs);
    speeds_free(&file->speeds);
    json_decref(file->root);
    *file = (cli_planfile){0};
}
