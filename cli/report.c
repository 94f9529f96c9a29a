// SPDX-License-Identifier: Apache-2.0
/* A plan with everything that plan, score and compare say about it. */
#include "report.h"

#include "figures.h"
#include "maskfile.h"
#include "message.h"
#include "profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Growth in tiles from which fragments deserve a warning, one part in: */
enum { WARNING_SHARE = 20 };

static cpb_status measure(const cli_report *report, const cpb_masks *masks,
                          cli_measured *measured, cpb_error *error)
{
    const size_t ranks = (size_t)cpb_plan_ranks(report->plan);
    measured->ranks = calloc(ranks, sizeof *measured->ranks);
    if (!measured->ranks) {
        fail_memory(error);
        return CPB_NO_MEMORY;
    }
    return cpb_score_plan(report->plan, masks, &report->setup, NULL, &measured->score,
                          measured->ranks, NULL, error);
}

cpb_status report_measure(cli_report *report, cpb_error *error)
{
    const cpb_masks masks = batch_view(report->batch);
    cpb_status status = measure(report, &masks, &report->all, error);
    if (masks.n == 1 || status != CPB_OK)
        return status;
    report->layers = calloc(masks.n, sizeof *report->layers);
    if (!report->layers) {
        fail_memory(error);
        return CPB_NO_MEMORY;
    }
    for (size_t i = 0; i < masks.n && status == CPB_OK; i++) {
        const cpb_masks one = {.n = 1, .mask = &masks.mask[i]};
        status = measure(report, &one, &report->layers[i], error);
    }
    return status;
}

void report_free(cli_report *report)
{
    free(report->all.ranks);
    for (size_t i = 0; report->layers && i < report->batch->n; i++)
        free(report->layers[i].ranks);
    free(report->layers);
    *report = (cli_report){0};
}

/* Tiles grow because tokens move in pieces below a tile: said once, with the growth. */
static bool warn_of_tiles(const cli_report *report, cpb_error *sentence)
{
    const cpb_score *const score = &report->all.score;
    const int64_t original = score->tiles - score->tiles_added;
    if (cpb_plan_promise(report->plan)->granularity != 1 || original <= 0 ||
        score->tiles_added <= original / WARNING_SHARE)
        return false;
    fail(sentence,
         "warning: documents are cut into pieces below a tile: tiles grow by %.1f %%",
         100.0 * (double)score->tiles_added / (double)original);
    return true;
}

static bool keeps_tolerance(const char *balancer)
{
    for (size_t i = 0; cpb_balancer_name(i); i++)
        if (strcmp(cpb_balancer_name(i), balancer) == 0)
            return cpb_balancer_keeps_tolerance(i);
    return false;
}

/* The bound proves that no plan of these sizes keeps the tolerance. */
static bool warn_of_impossible(const cli_report *report, cpb_error *sentence)
{
    const cpb_score *const score = &report->all.score;
    const double tolerance = (double)report->tolerance_ppm / 1e6;
    const double bound = (double)score->load_bound;
    if (!keeps_tolerance(report->chosen) || bound <= score->load_mean * (1 + tolerance))
        return false;
    fail(sentence,
         "warning: no plan of these sizes keeps the tolerance of %g %%: a load of "
         "%" PRId64 " is the least, %.3g %% above the mean",
         100 * tolerance, score->load_bound, 100 * (bound / score->load_mean - 1));
    return true;
}

/* What tolerances are relative to. */
static double fair_load(const cpb_score *score)
{
    const double bound = (double)score->load_bound;
    return score->load_mean > bound ? score->load_mean : bound;
}

bool measured_keeps(const cli_measured *measured, int64_t tolerance_ppm)
{
    const cpb_score *const score = &measured->score;
    return (double)score->load_max <=
           fair_load(score) * (1 + (double)tolerance_ppm / 1e6) * (1 + 1e-12);
}

double measured_excess(const cli_measured *measured)
{
    const double fair = fair_load(&measured->score);
    return fair > 0 ? (double)measured->score.load_max / fair : 1;
}

/* The mask whose loads miss the tolerance, of several that are balanced together only
 * their sum; NULL: none. */
static const cli_measured *missing_tolerance(const cli_report *report)
{
    const bool apart = report->layers && report->combine == CPB_COMBINE_LAYERS;
    const cli_measured *const list = apart ? report->layers : &report->all;
    for (size_t i = 0; i < (apart ? report->batch->n : 1); i++)
        if (!measured_keeps(&list[i], report->tolerance_ppm))
            return &list[i];
    return NULL;
}

/* The balancer searches for the tolerance, and nothing proves that no plan keeps it. `auto`
 * gives balance away for time, and its score says so. */
static bool warn_of_miss(const cli_report *report, cpb_error *sentence)
{
    const cli_measured *const missing = missing_tolerance(report);
    if (!keeps_tolerance(report->balancer) || !missing)
        return false;
    fail(sentence,
         "warning: the plan of %s misses the tolerance of %g %%: its largest load is "
         "%.3g %% above the mean",
         report->balancer, (double)report->tolerance_ppm / 1e4,
         100 * missing->score.imbalance);
    return true;
}

static bool warning(const cli_report *report, cpb_error *sentence)
{
    return warn_of_tiles(report, sentence) || warn_of_impossible(report, sentence) ||
           warn_of_miss(report, sentence);
}

bool report_judge(const cli_report *report, const cli_options *options,
                  cpb_error *error)
{
    cpb_error sentence;
    const int32_t peers = report->all.score.peers_max;
    if (options->peers >= 0 && peers > options->peers)
        return fail(error,
                    "the plan of %s lets a rank talk to %" PRId32
                    " others; --peers accepts up to %" PRId64,
                    report->chosen, peers, options->peers);
    if (options->strict && warning(report, &sentence))
        return fail(error, "--strict refuses a plan with a %s", sentence.message);
    return true;
}

void report_warn(const cli_report *report, const char *command)
{
    cpb_error sentence;
    if (warning(report, &sentence))
        complain(command, EXIT_DONE, sentence.message);
}

static json_t *number_or_null(int64_t value)
{
    return value < 0 ? json_null() : json_integer(value);
}

static void put_promise(json_t *object, const cli_report *report, bool *good)
{
    const cpb_promise *const promise = cpb_plan_promise(report->plan);
    json_put(object, "sizes", json_string(sizes_names[promise->sizes]), good);
    json_put(object, "cap", number_or_null(promise->cap), good);
    json_put(object, "tolerance", json_real((double)report->tolerance_ppm / 1e6), good);
    json_put(object, "combine", json_string(combine_names[report->combine]), good);
    json_put(object, "algorithm", json_integer(promise->algorithm), good);
    json_put(object, "chunk", json_integer(promise->chunk), good);
    json_put(object, "granularity",
             json_string(promise->granularity == 1 ? "token" : "chunk"), good);
}

static void put_setup(json_t *object, const cpb_setup *setup, int32_t ranks, bool *good)
{
    json_put(object, "kernel", json_string(kernel_names[setup->kernel]), good);
    json_put(object, "transport", json_string(transport_names[setup->transport]), good);
    json_put(object, "cost", json_string(cost_names[setup->cost]), good);
    json_put(object, "overlap", json_string(overlap_names[setup->overlap]), good);
    json_put(object, "backward", json_boolean(setup->backward), good);
    json_put(object, "nodes", json_integer(setup->nodes), good);
    json_put(object, "speeds", speeds_to_json(setup->speeds, ranks), good);
    json_put(object, "model", model_to_json(&setup->model), good);
    json_put(object, "profile", json_string(setup->profile.name), good);
}

static void put_measured(json_t *object, const cli_measured *measured, size_t ranks,
                         bool *good)
{
    figures_put(object, &measured->score, good);
    json_put(object, "pairs",
             json_list(ranks, &measured->ranks->pairs, sizeof *measured->ranks), good);
    json_put(object, "loads",
             json_list(ranks, &measured->ranks->load, sizeof *measured->ranks), good);
}

json_t *report_masks_to_json(const cli_report *report)
{
    bool good = true;
    json_t *const list = json_array();
    const size_t ranks = (size_t)cpb_plan_ranks(report->plan);
    for (size_t i = 0; i < report->batch->n; i++) {
        json_t *const layer =
            maskfile_to_json(report->batch->mask[i], report->batch->weight[i]);
        if (report->layers) {
            json_t *const figures = json_object();
            put_measured(figures, &report->layers[i], ranks, &good);
            json_put(layer, "figures", figures, &good);
        }
        json_push(list, layer, &good);
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

json_t *report_to_json(const cli_report *report)
{
    char hash[17];
    json_t *const object = json_object();
    bool good = object;
    const cpb_plan *const plan = report->plan;
    snprintf(hash, sizeof hash, "%016" PRIx64, cpb_plan_hash(plan));
    json_put(object, "tokens", json_integer(cpb_plan_tokens(plan)), &good);
    json_put(object, "padding", json_integer(cpb_plan_padding(plan)), &good);
    json_put(object, "ranks", json_integer(cpb_plan_ranks(plan)), &good);
    json_put(object, "balancer", json_string(report->balancer), &good);
    json_put(object, "chosen", json_string(report->chosen), &good);
    put_promise(object, report, &good);
    put_setup(object, &report->setup, cpb_plan_ranks(plan), &good);
    put_measured(object, &report->all, (size_t)cpb_plan_ranks(plan), &good);
    json_put(object, "plan_seconds", json_real(report->plan_seconds), &good);
    json_put(object, "hash", json_string(hash), &good);
    if (report->layers)
        json_put(object, "masks", report_masks_to_json(report), &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

bool report_print(FILE *stream, const cli_report *report, bool json, cpb_error *error)
{
    if (!json)
        return report_print_summary(stream, report, error);
    json_t *const object = report_to_json(report);
    char *const text = object ? json_text(object) : NULL;
    json_decref(object);
    if (!text)
        return fail_memory(error);
    fputs(text, stream);
    free(text);
    return true;
}

void report_print_csv_names(FILE *stream)
{
    fputs("balancer,chosen,tokens,padding,ranks,sizes,algorithm,chunk,granularity,"
          "kernel,transport,cost,overlap,backward,nodes,profile",
          stream);
    figures_print_names(stream);
    fputs(",plan_seconds,hash", stream);
}

void report_print_quoted(FILE *stream, const char *text)
{
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

void report_print_csv(FILE *stream, const cli_report *report)
{
    const cpb_plan *const plan = report->plan;
    const cpb_promise *const promise = cpb_plan_promise(plan);
    const cpb_setup *const setup = &report->setup;
    fprintf(stream, "%s,%s,%" PRId64 ",%" PRId64 ",%" PRId32 ",%s,%" PRId32 ",%" PRId64,
            report->balancer, report->chosen, cpb_plan_tokens(plan),
            cpb_plan_padding(plan), cpb_plan_ranks(plan), sizes_names[promise->sizes],
            promise->algorithm, promise->chunk);
    fprintf(stream, ",%s,%s,%s,%s,%s,%s,%" PRId32 ",",
            promise->granularity == 1 ? "token" : "chunk", kernel_names[setup->kernel],
            transport_names[setup->transport], cost_names[setup->cost],
            overlap_names[setup->overlap], setup->backward ? "true" : "false",
            setup->nodes);
    report_print_quoted(stream, setup->profile.name);
    figures_print(stream, &report->all.score);
    fprintf(stream, ",%.9f,%016" PRIx64, report->plan_seconds, cpb_plan_hash(plan));
}
