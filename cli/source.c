// SPDX-License-Identifier: Apache-2.0
/* What score and check look at: a plan file, or an order by anybody. */
#include "source.h"

#include "message.h"
#include "npy.h"
#include "setup.h"

#include <inttypes.h>
#include <stdlib.h>

const char source_foreign[] = "foreign";

bool source_ready(const cli_options *options, cpb_error *error)
{
    if (!options->plan && !options->order)
        return fail(error,
                    "nothing to look at; give --plan FILE.json or --order FILE.npy");
    return options->plan || options->ranks >= 0 ||
           fail(error, "--ranks is missing; an order does not say how many there are");
}

const cli_batch *source_batch(const cli_source *source)
{
    return source->own_masks ? &source->file.batch : &source->batch;
}

static bool read_plan_file(const cli_options *options, cli_source *source,
                           cpb_error *error)
{
    cli_planfile *const file = &source->file;
    if (!planfile_read(options->plan, file, error))
        return false;
    if (options->ranks >= 0 && options->ranks != file->ranks)
        return fail(error, "--ranks is %" PRId64 " but %.40s is for %" PRId32 " ranks",
                    options->ranks, options->plan, file->ranks);
    source->from_file = true;
    source->setup = file->setup;
    source->promise = file->promise;
    source->tolerance_ppm = file->tolerance_ppm;
    source->combine = file->combine;
    return true;
}

bool source_read(const cli_options *options, cli_source *source, cpb_error *error)
{
    source->setup = cpb_setup_default();
    source->tolerance_ppm = cpb_options_default().tolerance_ppm;
    source->combine = cpb_options_default().combine;
    if (options->plan && !read_plan_file(options, source, error))
        return false;
    if (options->order &&
        !npy_read(options->order, &source->n_order, &source->order, error))
        return false;
    if (options->tolerance_ppm >= 0)
        source->tolerance_ppm = options->tolerance_ppm;
    promise_apply(options, &source->promise);
    source->own_masks = options->plan && !options->documents && !options->n_masks;
    const bool given = options->documents || options->n_masks;
    return (!given || batch_of(options, &source->batch, error)) &&
           setup_apply(options, source->from_file ? source->file.ranks : options->ranks,
                       &source->setup, error);
}

/* The same runs under another promise. */
static bool remake(cli_source *source, cpb_error *error)
{
    cpb_plan *const plan = source->plan;
    const int32_t ranks = cpb_plan_ranks(plan);
    int64_t *const first = calloc((size_t)ranks + 1, sizeof *first);
    if (!first)
        return fail_memory(error);
    for (int32_t r = 0; r < ranks; r++)
        first[r + 1] = first[r] + (int64_t)cpb_plan_n_runs(plan, r);
    cpb_plan *remade = NULL;
    const bool good = succeeded(cpb_plan_create_runs(
        cpb_plan_tokens(plan), cpb_plan_padding(plan), ranks, first,
        cpb_plan_runs(plan, 0), &source->promise, NULL, &remade, error));
    free(first);
    cpb_plan_free(plan);
    source->plan = remade;
    return good;
}

static bool create_from_order(const cli_options *options, cli_source *source,
                              cpb_error *error)
{
    const cli_batch *const batch = source_batch(source);
    const int64_t tokens = batch->n ? batch_tokens(batch) : source->n_order;
    if (source->n_order < tokens)
        return fail(error,
                    "%.40s has %" PRId64 " entries but the mask has %" PRId64
                    " tokens; accepted are at least as many entries",
                    options->order, source->n_order, tokens);
    if (!succeeded(cpb_plan_create_order(tokens, source->n_order, source->order,
                                         (int32_t)options->ranks, NULL, &source->plan,
                                         error)))
        return fail_at(error, options->order);
    source->promise = *cpb_plan_promise(source->plan);
    promise_apply(options, &source->promise);
    return remake(source, error);
}

bool source_create_plan(const cli_options *options, cli_source *source,
                        cpb_error *error)
{
    const cli_planfile *const file = &source->file;
    if (!source->from_file)
        return create_from_order(options, source, error);
    return succeeded(cpb_plan_create_runs(file->tokens, file->padding, file->ranks,
                                          file->first, file->runs, &source->promise,
                                          NULL, &source->plan, error)) ||
           fail_at(error, options->plan);
}

void source_free(cli_source *source)
{
    planfile_free(&source->file);
    free(source->order);
    batch_free(&source->batch);
    cpb_plan_free(source->plan);
    *source = (cli_source){0};
}
