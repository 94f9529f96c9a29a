// SPDX-License-Identifier: Apache-2.0
/* Profiles by name or from a JSON file. The tables list every number once; reading and
 * writing walk them. */
#include "profile.h"

#include "message.h"

#include <stdio.h>
#include <string.h>

/* A whole number of a struct. */
typedef struct number {
    const char *name;
    size_t offset;
    int64_t least; /* with 1, a number that is left out is 0 */
} number;

#define OF_MODEL(name)                                                                 \
    {                                                                                  \
#name, offsetof(cpb_model, name), 0                                            \
    }
#define OF_PASS(name)                                                                  \
    {                                                                                  \
#name, offsetof(cpb_pass, name), 0                                             \
    }
#define OF_PROFILE(name)                                                               \
    {                                                                                  \
#name, offsetof(cpb_profile, name), 0                                          \
    }
#define OF_BANDWIDTH(name)                                                             \
    {                                                                                  \
#name, offsetof(cpb_profile, name), 1                                          \
    }

static const number model_numbers[] = {OF_MODEL(q_heads), OF_MODEL(kv_heads),
                                       OF_MODEL(head_dim), OF_MODEL(element_bytes)};
static const number pass_numbers[] = {OF_PASS(full_tile), OF_PASS(partial_tile),
                                      OF_PASS(q_tile), OF_PASS(kv_tile)};
static const number profile_numbers[] = {OF_PROFILE(tile_q),
                                         OF_PROFILE(tile_k),
                                         OF_PROFILE(rows_at_once),
                                         OF_PROFILE(received_key),
                                         OF_PROFILE(token),
                                         OF_PROFILE(recurrent_token),
                                         OF_PROFILE(recurrent_run),
                                         OF_BANDWIDTH(net_bytes_per_us),
                                         OF_BANDWIDTH(link_bytes_per_us),
                                         OF_PROFILE(phase_latency),
                                         OF_PROFILE(peer_latency)};

enum {
    N_MODEL = sizeof model_numbers / sizeof *model_numbers,
    N_PASS = sizeof pass_numbers / sizeof *pass_numbers,
    N_PROFILE = sizeof profile_numbers / sizeof *profile_numbers,
    N_TILE_SIZES = 2, /* the first rows of profile_numbers */
    MOST_NAMES = 16
};

static void put_numbers(json_t *object, size_t n, const number *numbers,
                        const void *from, bool *good)
{
    for (size_t i = 0; i < n; i++) {
        int64_t value;
        memcpy(&value, (const char *)from + numbers[i].offset, sizeof value);
        if (value >= numbers[i].least)
            json_put(object, numbers[i].name, json_integer(value), good);
    }
}

static json_t *finish(json_t *object, bool good)
{
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *numbers_to_json(size_t n, const number *numbers, const void *from)
{
    json_t *const object = json_object();
    bool good = object;
    put_numbers(object, n, numbers, from, &good);
    return finish(object, good);
}

json_t *model_to_json(const cpb_model *model)
{
    return numbers_to_json(N_MODEL, model_numbers, model);
}

json_t *profile_to_json(const cpb_profile *profile)
{
    json_t *const object = json_object();
    bool good = object;
    json_put(object, "name", json_string(profile->name), &good);
    json_put(object, "model", model_to_json(&profile->model), &good);
    put_numbers(object, N_PROFILE, profile_numbers, profile, &good);
    json_put(object, "forward",
             numbers_to_json(N_PASS, pass_numbers, &profile->forward), &good);
    json_put(object, "backward",
             numbers_to_json(N_PASS, pass_numbers, &profile->backward), &good);
    return finish(object, good);
}

/* Fill the numbers that the object has; the others keep what they are. */
static bool get_numbers(const json_t *object, const char *where, size_t n,
                        const number *numbers, void *to, cpb_error *error)
{
    for (size_t i = 0; i < n; i++) {
        int64_t value;
        if (!json_object_get(object, numbers[i].name))
            continue;
        if (!json_member_integer(object, where, numbers[i].name, numbers[i].least,
                                 INT64_MAX, &value, error))
            return false;
        memcpy((char *)to + numbers[i].offset, &value, sizeof value);
    }
    return true;
}

/* Refuse members that are neither numbers of the table nor among `others`. */
static bool only_known(json_t *object, const char *where, size_t n,
                       const number *numbers, size_t n_others,
                       const char *const *others, cpb_error *error)
{
    const char *names[MOST_NAMES];
    for (size_t i = 0; i < n; i++)
        names[i] = numbers[i].name;
    for (size_t i = 0; i < n_others; i++)
        names[n + i] = others[i];
    return json_only(object, where, n + n_others, names, error);
}

static bool struct_from_json(json_t *object, const char *where, size_t n,
                             const number *numbers, void *to, cpb_error *error)
{
    return only_known(object, where, n, numbers, 0, NULL, error) &&
           get_numbers(object, where, n, numbers, to, error);
}

bool model_from_json(json_t *object, const char *where, cpb_model *model,
                     cpb_error *error)
{
    return struct_from_json(object, where, N_MODEL, model_numbers, model, error);
}

/* The object `key` inside a profile, where it is there. */
static bool nested(const json_t *object, const char *where, const char *key, size_t n,
                   const number *numbers, void *to, cpb_error *error)
{
    char place[64];
    if (!json_object_get(object, key))
        return true;
    snprintf(place, sizeof place, "%.40s%s%s", where, *where ? "." : "", key);
    json_t *const inner = json_member(object, where, key, JSON_OBJECT, error);
    return inner && struct_from_json(inner, place, n, numbers, to, error);
}

static bool read_name(const json_t *object, const char *where, cpb_profile *profile,
                      cpb_error *error)
{
    snprintf(profile->name, sizeof profile->name, "custom");
    if (!json_object_get(object, "name"))
        return true;
    const json_t *const name = json_member(object, where, "name", JSON_STRING, error);
    if (!name)
        return false;
    if (!json_string_length(name) || json_string_length(name) >= sizeof profile->name)
        return fail(error, "%s%sname has %zu bytes; accepted are 1 to %zu", where,
                    *where ? "." : "", json_string_length(name),
                    sizeof profile->name - 1);
    const char *const text = json_string_value(name);
    for (size_t i = 0; text[i]; i++)
        if ((unsigned char)text[i] < ' ')
            return fail(error, "%s%sname holds a control character at byte %zu", where,
                        *where ? "." : "", i);
    memcpy(profile->name, text, json_string_length(name) + 1);
    return true;
}

bool profile_from_json(json_t *object, const char *where, cpb_profile *profile,
                       cpb_error *error)
{
    static const char *const others[] = {"name", "model", "forward", "backward"};
    int64_t size;
    *profile = (cpb_profile){.model = cpb_setup_default().model};
    if (!json_is_object(object))
        return fail(error, "%s%sa profile is a JSON object", where, *where ? ": " : "");
    for (size_t i = 0; i < N_TILE_SIZES; i++)
        if (!json_member_integer(object, where, profile_numbers[i].name, 1, INT64_MAX,
                                 &size, error))
            return false;
    return only_known(object, where, N_PROFILE, profile_numbers, 4, others, error) &&
           read_name(object, where, profile, error) &&
           get_numbers(object, where, N_PROFILE, profile_numbers, profile, error) &&
           nested(object, where, "model", N_MODEL, model_numbers, &profile->model,
                  error) &&
           nested(object, where, "forward", N_PASS, pass_numbers, &profile->forward,
                  error) &&
           nested(object, where, "backward", N_PASS, pass_numbers, &profile->backward,
                  error);
}

bool profile_read(const char *text, cpb_profile *profile, cpb_error *error)
{
    if (*text != '@')
        return succeeded(cpb_profile_find(text, profile, error));
    json_t *const object = json_read(text + 1, error);
    if (!object)
        return false;
    const bool good =
        profile_from_json(object, "", profile, error) || fail_at(error, text + 1);
    json_decref(object);
    return good;
}
