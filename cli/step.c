// SPDX-License-Identifier: Apache-2.0
/* The documents of a step and its domain, from flags. */
#include "step.h"

#include "documents.h"
#include "message.h"
#include "number.h"
#include "setup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STAGES = 4096 };
static const int64_t most_total = INT64_C(1) << 58;

const char *const step_column_names[STEP_COLUMNS] = {"tokens", "cost",   "loss",
                                                     "holder", "waited", "place"};

static bool read_meet(const char *text, cpb_domain *domain, cpb_error *error)
{
    int64_t stages;
    if (!strncmp(text, "pipe:", 5)) {
        if (!number_read("--meet pipe", text + 5, 1, MOST_STAGES, &stages, error))
            return false;
        domain->meet = CPB_MEET_MICRO;
        domain->stages = (int32_t)stages;
        return true;
    }
    domain->meet = strcmp(text, "micro") ? CPB_MEET_STEP : CPB_MEET_MICRO;
    return !strcmp(text, "step") || !strcmp(text, "micro") ||
           fail(error, "--meet '%.40s' is none of step, micro, pipe:STAGES", text);
}

static bool read_groups(const char *text, cli_step *step, cpb_error *error)
{
    static const list_rules rules = {.item = "size",
                                     .items = "sizes of groups",
                                     .low = 1,
                                     .high = CPB_MAX_RANKS,
                                     .most = CPB_MAX_RANKS,
                                     .most_total = INT64_MAX};
    cli_list list = {0};
    cpb_domain *const domain = &step->domain;
    domain->sizes = strcmp(text, "any") ? CPB_SIZES_POWERS : CPB_SIZES_ANY;
    if (!strcmp(text, "powers") || !strcmp(text, "any"))
        return true;
    bool good = list_read_text("--groups", text, &rules, &list, error);
    step->size = good ? calloc(list.n + 1, sizeof *step->size) : NULL;
    if (good && !step->size)
        good = fail_memory(error);
    for (size_t i = 0; good && i < list.n; i++)
        step->size[i] = (int32_t)list.value[i];
    domain->sizes = CPB_SIZES_LIST;
    domain->size = step->size;
    domain->n_size = list.n;
    list_free(&list);
    return good;
}

static bool read_nodes(const cli_options *options, cpb_domain *domain, cpb_error *error)
{
    if (options->nodes < 0)
        return true;
    cpb_setup setup = cpb_setup_default();
    setup.nodes = (int32_t)options->nodes;
    domain->ranks_per_node = (int32_t)(options->ranks / options->nodes);
    return cpb_setup_check(&setup, (int32_t)options->ranks, error) == CPB_OK;
}

/* Limits that were said; the domain keeps its own otherwise. */
static void read_limits(const cli_options *options, cpb_domain *domain)
{
    const struct {
        int64_t said;
        int32_t *narrow;
        int64_t *wide;
    } limits[] = {
        {options->micro_least, &domain->micro_least, NULL},
        {options->micro_most, &domain->micro_most, NULL},
        {options->micro_multiple, &domain->micro_multiple, NULL},
        {options->multiple, NULL, &domain->token_multiple},
        {options->fixed, NULL, &domain->fixed},
        {options->window, NULL, &domain->window},
        {options->hold, NULL, &domain->hold},
        {options->token_bytes, NULL, &domain->token_bytes},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].said < 0)
            continue;
        if (limits[i].narrow)
            *limits[i].narrow = (int32_t)limits[i].said;
        else
            *limits[i].wide = limits[i].said;
    }
}

bool step_read_domain(const cli_options *options, cli_step *step, cpb_error *error)
{
    cpb_domain *const domain = &step->domain;
    *domain = cpb_domain_default();
    domain->ranks = (int32_t)options->ranks;
    domain->budget = options->budget;
    domain->one_size = options->one_size;
    domain->groups_only = options->groups_only;
    domain->setup.kernel = CPB_VARLEN;
    if (options->row)
        domain->row = options->row;
    read_limits(options, domain);
    return read_nodes(options, domain, error) &&
           (!options->meet || read_meet(options->meet, domain, error)) &&
           (!options->groups || read_groups(options->groups, step, error)) &&
           setup_apply(options, options->ranks, &domain->setup, error);
}

bool step_set_tokens(cli_step *step, const cli_list *tokens, cpb_error *error)
{
    int64_t *const column = calloc(tokens->n + 1, sizeof *column);
    if (!column)
        return fail_memory(error);
    if (tokens->n)
        memcpy(column, tokens->value, tokens->n * sizeof *column);
    free(step->column[STEP_TOKENS]);
    step->column[STEP_TOKENS] = column;
    step->n = (int64_t)tokens->n;
    return true;
}

static bool is_csv(const char *text)
{
    const size_t n = strlen(text);
    return *text == '@' && n > 5 && !strcmp(text + n - 4, ".csv");
}

bool step_read(const cli_options *options, cli_step *step, cpb_error *error)
{
    cli_list lengths = {0};
    if (!step_read_domain(options, step, error))
        return false;
    if (is_csv(options->documents))
        return step_read_csv(options->documents + 1, step, error);
    const bool good = lengths_read(options->documents, most_total, &lengths, error) &&
                      step_set_tokens(step, &lengths, error);
    list_free(&lengths);
    return good;
}

bool step_narrow_holders(cli_step *step, cpb_error *error)
{
    const int64_t *const column = step->column[STEP_HOLDER];
    if (!column)
        return true;
    step->holder = calloc((size_t)step->n + 1, sizeof *step->holder);
    for (int64_t d = 0; step->holder && d < step->n; d++)
        step->holder[d] = (int32_t)column[d];
    return step->holder || fail_memory(error);
}

cpb_documents step_documents(const cli_step *step)
{
    return (cpb_documents){.n = step->n,
                           .tokens = step->column[STEP_TOKENS],
                           .cost = step->column[STEP_COST],
                           .loss = step->column[STEP_LOSS],
                           .holder = step->holder,
                           .waited = step->column[STEP_WAITED],
                           .place = step->column[STEP_PLACE]};
}

void step_free(cli_step *step)
{
    for (size_t c = 0; c < STEP_COLUMNS; c++)
        free(step->column[c]);
    free(step->holder);
    free(step->size);
    *step = (cli_step){0};
}
