// SPDX-License-Identifier: Apache-2.0
/* What a schedule is made for, as the members of a schedule file. */
#include "figuretable.h"
#include "message.h"
#include "profile.h"
#include "step.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define LIMIT(name, type) {#name, FIGURE_##type, offsetof(cpb_domain, name)}
/* clang-format on */

/* Numbers of the domain. Whether they fit together is for the library to say. */
static const figure_row limits[] = {
    LIMIT(ranks, WHOLE_32),       LIMIT(ranks_per_node, WHOLE_32),
    LIMIT(budget, WHOLE),         LIMIT(micro_least, WHOLE_32),
    LIMIT(micro_most, WHOLE_32),  LIMIT(micro_multiple, WHOLE_32),
    LIMIT(token_multiple, WHOLE), LIMIT(fixed, WHOLE),
    LIMIT(stages, WHOLE_32),      LIMIT(window, WHOLE),
    LIMIT(hold, WHOLE),           LIMIT(token_bytes, WHOLE)};

enum { N_LIMITS = sizeof limits / sizeof *limits };

const char *const step_meet_names[] = {
    [CPB_MEET_STEP] = "step", [CPB_MEET_MICRO] = "micro"};
static const char *const size_names[] = {
    [CPB_SIZES_POWERS] = "powers", [CPB_SIZES_ANY] = "any"};

static json_t *sizes_to_json(const cpb_domain *domain)
{
    bool good = true;
    if (domain->sizes != CPB_SIZES_LIST)
        return json_string(size_names[domain->sizes]);
    json_t *const list = json_array();
    for (size_t i = 0; list && i < domain->n_size; i++)
        json_push(list, json_integer(domain->size[i]), &good);
    if (list && good)
        return list;
    json_decref(list);
    return NULL;
}

void step_put_domain(json_t *object, const cpb_domain *domain, bool *good)
{
    const cpb_setup *const setup = &domain->setup;
    figuretable_put(object, N_LIMITS, limits, domain, good);
    json_put(object, "sizes", sizes_to_json(domain), good);
    json_put(object, "one_size", json_boolean(domain->one_size), good);
    json_put(object, "groups_only", json_boolean(domain->groups_only), good);
    json_put(object, "meet", json_string(step_meet_names[domain->meet]), good);
    json_put(object, "row", json_string(domain->row), good);
    json_put(object, "overlap", json_string(overlap_names[setup->overlap]), good);
    json_put(object, "backward", json_boolean(setup->backward), good);
    json_put(object, "model", model_to_json(&setup->model), good);
    json_put(object, "profile", json_string(setup->profile.name), good);
}

static json_t *holders_to_json(const cpb_documents *documents)
{
    bool good = true;
    json_t *const list = json_array();
    for (int64_t d = 0; list && d < documents->n; d++)
        json_push(list, json_integer(documents->holder[d]), &good);
    if (list && good)
        return list;
    json_decref(list);
    return NULL;
}

json_t *step_documents_to_json(const cpb_documents *documents)
{
    const int64_t *const column[STEP_COLUMNS] = {[STEP_TOKENS] = documents->tokens,
                                                 [STEP_COST] = documents->cost,
                                                 [STEP_LOSS] = documents->loss,
                                                 [STEP_WAITED] = documents->waited,
                                                 [STEP_PLACE] = documents->place};
    json_t *const object = json_object();
    bool good = object;
    for (size_t c = 0; c < STEP_COLUMNS; c++)
        if (column[c])
            json_put(object, step_column_names[c],
                     json_list((size_t)documents->n, column[c], sizeof(int64_t)),
                     &good);
    if (documents->holder)
        json_put(object, step_column_names[STEP_HOLDER], holders_to_json(documents),
                 &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static bool read_column(const json_t *documents, step_column c, cli_step *step,
                        cpb_error *error)
{
    char where[32];
    const json_t *const list = json_object_get(documents, step_column_names[c]);
    if (!list && c != STEP_TOKENS)
        return true;
    if (c == STEP_TOKENS)
        step->n = (int64_t)json_array_size(list);
    snprintf(where, sizeof where, "documents.%s", step_column_names[c]);
    step->column[c] = calloc((size_t)step->n + 1, sizeof *step->column[c]);
    return step->column[c]
               ? json_integers(list, where, (size_t)step->n, step->column[c], error)
               : fail_memory(error);
}

static bool read_documents(const json_t *root, cli_step *step, cpb_error *error)
{
    json_t *const documents = json_member(root, "", "documents", JSON_OBJECT, error);
    if (!documents ||
        !json_only(documents, "documents", STEP_COLUMNS, step_column_names, error))
        return false;
    for (size_t c = 0; c < STEP_COLUMNS; c++)
        if (!read_column(documents, (step_column)c, step, error))
            return false;
    const int64_t *const holder = step->column[STEP_HOLDER];
    for (int64_t d = 0; holder && d < step->n; d++)
        if (holder[d] < -1 || holder[d] >= CPB_MAX_RANKS)
            return fail(error, "documents.holder[%lld] is %lld; accepted are -1 .. %d",
                        (long long)d, (long long)holder[d], CPB_MAX_RANKS - 1);
    return step_narrow_holders(step, error);
}

static bool read_sizes(const json_t *root, cli_step *step, cpb_error *error)
{
    const json_t *const value = json_object_get(root, "sizes");
    const size_t n = json_array_size(value);
    int64_t choice;
    if (!json_is_array(value)) {
        if (!json_member_choice(root, "", "sizes", 2, size_names, &choice, error))
            return false;
        step->domain.sizes = (cpb_group_sizes)choice;
        return true;
    }
    step->size = calloc(n + 1, sizeof *step->size);
    if (!step->size)
        return fail_memory(error);
    for (size_t i = 0; i < n; i++) {
        const json_int_t size = json_integer_value(json_array_get(value, i));
        if (size < 1 || size > CPB_MAX_RANKS)
            return fail(error, "sizes[%zu] is no size of a group from 1 to %d", i,
                        CPB_MAX_RANKS);
        step->size[i] = (int32_t)size;
    }
    step->domain.sizes = CPB_SIZES_LIST;
    step->domain.size = step->size;
    step->domain.n_size = n;
    return true;
}

static bool read_switch(const json_t *root, const char *key, bool *value,
                        cpb_error *error)
{
    const json_t *const found = json_member(root, "", key, JSON_TRUE, error);
    *value = json_is_true(found);
    return found;
}

static bool read_setup(const json_t *root, cpb_setup *setup, cpb_error *error)
{
    int64_t overlap;
    const json_t *const name = json_member(root, "", "profile", JSON_STRING, error);
    json_t *const numbers =
        name ? json_member(root, "", "profile_numbers", JSON_OBJECT, error) : NULL;
    json_t *const model =
        numbers ? json_member(root, "", "model", JSON_OBJECT, error) : NULL;
    if (!model ||
        !profile_from_json(numbers, "profile_numbers", &setup->profile, error) ||
        !model_from_json(model, "model", &setup->model, error) ||
        !json_member_choice(root, "", "overlap", N_OVERLAPS, overlap_names, &overlap,
                            error))
        return false;
    setup->overlap = (cpb_overlap)overlap;
    return !strcmp(json_string_value(name), setup->profile.name) ||
           fail(error, "profile is \"%.40s\" but profile_numbers.name is \"%.40s\"",
                json_string_value(name), setup->profile.name);
}

static bool read_domain(const json_t *root, cli_step *step, cpb_error *error)
{
    cpb_domain *const domain = &step->domain;
    int64_t meet;
    *domain = cpb_domain_default();
    domain->setup.kernel = CPB_VARLEN;
    const json_t *const row = json_member(root, "", "row", JSON_STRING, error);
    if (!row || !figuretable_get(root, "", N_LIMITS, limits, domain, error) ||
        !json_member_choice(root, "", "meet", 2, step_meet_names, &meet, error) ||
        !read_switch(root, "one_size", &domain->one_size, error) ||
        !read_switch(root, "groups_only", &domain->groups_only, error) ||
        !read_switch(root, "backward", &domain->setup.backward, error))
        return false;
    domain->row = json_string_value(row);
    domain->meet = (cpb_meet)meet;
    return read_sizes(root, step, error) && read_setup(root, &domain->setup, error);
}

bool step_from_json(const json_t *root, cli_step *step, cpb_error *error)
{
    return read_domain(root, step, error) && read_documents(root, step, error);
}
