// SPDX-License-Identifier: Apache-2.0
/* JSON in and out. */
#include "json.h"

#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seventeen digits: enough for every double to come back as it was. */
enum { REAL_DIGITS = 17, TEXT_START = 4096 };

json_t *json_read(const char *path, cpb_error *error)
{
    json_error_t problem;
    FILE *const stream = fopen(path, "r");
    if (!stream) {
        fail(error, "cannot open %.40s: %s", path, strerror(errno));
        return NULL;
    }
    errno = 0;
    json_t *const read = json_loadf(stream, JSON_REJECT_DUPLICATES, &problem);
    if (!read && ferror(stream))
        fail(error, "cannot read %.40s: %s", path, strerror(errno ? errno : EIO));
    else if (!read)
        fail(error, "%.40s: line %d, column %d: no valid JSON: %.100s", path,
             problem.line, problem.column, problem.text);
    fclose(stream);
    return read;
}

static const char *type_name(json_type type)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",    [JSON_ARRAY] = "a list",
        [JSON_STRING] = "a string",     [JSON_INTEGER] = "a whole number",
        [JSON_REAL] = "a real number",  [JSON_TRUE] = "true or false",
        [JSON_FALSE] = "true or false", [JSON_NULL] = "null"};
    return names[type];
}

const char *json_shown(const json_t *value, char text[JSON_SHOWN_BYTES])
{
    if (!value)
        return "missing";
    char *const dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    snprintf(text, JSON_SHOWN_BYTES, "%s", dump ? dump : "?");
    free(dump);
    return text;
}

static bool fail_member(cpb_error *error, const char *where, const char *key,
                        const json_t *value, const char *accepted)
{
    char text[JSON_SHOWN_BYTES];
    const char *const dot = *where ? "." : "";
    if (!value)
        return fail(error, "%.60s%s%.40s is missing; accepted is %s", where, dot, key,
                    accepted);
    return fail(error, "%.60s%s%.40s is %s; accepted is %s", where, dot, key,
                json_shown(value, text), accepted);
}

static bool same_type(const json_t *value, json_type type)
{
    if (type == JSON_TRUE)
        return json_is_boolean(value);
    return json_typeof(value) == type;
}

json_t *json_member(const json_t *object, const char *where, const char *key,
                    json_type type, cpb_error *error)
{
    json_t *const value = json_object_get(object, key);
    if (value && same_type(value, type))
        return value;
    fail_member(error, where, key, value, type_name(type));
    return NULL;
}

bool json_member_integer(const json_t *object, const char *where, const char *key,
                         int64_t low, int64_t high, int64_t *value, cpb_error *error)
{
    char accepted[100];
    const json_t *const found = json_object_get(object, key);
    *value = json_integer_value(found);
    if (json_is_integer(found) && *value >= low && *value <= high)
        return true;
    if (low == INT64_MIN)
        snprintf(accepted, sizeof accepted, "a whole number");
    else if (high == INT64_MAX)
        snprintf(accepted, sizeof accepted, "a whole number from %" PRId64 " on", low);
    else
        snprintf(accepted, sizeof accepted,
                 "a whole number from %" PRId64 " to %" PRId64, low, high);
    return fail_member(error, where, key, found, accepted);
}

bool json_member_real(const json_t *object, const char *where, const char *key,
                      double *value, cpb_error *error)
{
    const json_t *const found = json_object_get(object, key);
    *value = json_number_value(found);
    return json_is_number(found) ||
           fail_member(error, where, key, found, type_name(JSON_REAL));
}

bool json_member_choice(const json_t *object, const char *where, const char *key,
                        size_t n, const char *const *names, int64_t *value,
                        cpb_error *error)
{
    char accepted[100] = "";
    const json_t *const found = json_object_get(object, key);
    for (size_t i = 0; i < n; i++) {
        if (json_is_string(found) && !strcmp(json_string_value(found), names[i])) {
            *value = (int64_t)i;
            return true;
        }
        const size_t used = strlen(accepted);
        snprintf(accepted + used, sizeof accepted - used, "%s%s", i ? " or " : "",
                 names[i]);
    }
    return fail_member(error, where, key, found, accepted);
}

bool json_integers(const json_t *array, const char *where, size_t n, int64_t *values,
                   cpb_error *error)
{
    char text[JSON_SHOWN_BYTES];
    if (!json_is_array(array) || json_array_size(array) != n)
        return fail(error, "%.60s is %s; accepted is a list of %zu whole numbers",
                    where, json_shown(array, text), n);
    for (size_t i = 0; i < n; i++) {
        const json_t *const value = json_array_get(array, i);
        if (!json_is_integer(value))
            return fail(error, "%.60s[%zu] is %s; accepted is a whole number", where, i,
                        json_shown(value, text));
        values[i] = json_integer_value(value);
    }
    return true;
}

bool json_only(json_t *object, const char *where, size_t n, const char *const *names,
               cpb_error *error)
{
    const char *key, *unknown = NULL;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < n; i++)
            known = known || !strcmp(key, names[i]);
        if (!known && !unknown)
            unknown = key;
    }
    if (!unknown)
        return true;
    const char *const guess = nearest(unknown, n, names);
    return fail(error, "%.60s%s%.40s is not known%s%s", where, *where ? "." : "",
                unknown, guess ? "; did you mean " : "", guess ? guess : "");
}

void json_put(json_t *object, const char *key, json_t *value, bool *good)
{
    if (json_object_set_new(object, key, value))
        *good = false;
}

void json_push(json_t *array, json_t *value, bool *good)
{
    if (json_array_append_new(array, value))
        *good = false;
}

json_t *json_list(size_t n, const int64_t *values, size_t stride)
{
    bool good = true;
    json_t *const list = json_array();
    const char *next = (const char *)values;
    for (size_t i = 0; i < n && list && good; i++, next += stride) {
        int64_t value;
        memcpy(&value, next, sizeof value);
        json_push(list, json_integer(value), &good);
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

/* A text that grows. */
typedef struct growing {
    char *text;
    size_t used, room;
} growing;

static int append(const char *bytes, size_t n, void *context)
{
    growing *const to = context;
    if (to->room - to->used <= n) {
        const size_t room = 2 * (to->room + n) + TEXT_START;
        char *const grown = realloc(to->text, room);
        if (!grown)
            return -1;
        to->text = grown;
        to->room = room;
    }
    memcpy(to->text + to->used, bytes, n);
    to->used += n;
    to->text[to->used] = '\0';
    return 0;
}

static int append_text(growing *to, const char *text)
{
    return append(text, strlen(text), to);
}

static int append_member(growing *to, const char *key, const json_t *value, bool first)
{
    return append_text(to, first ? "{\n  \"" : ",\n  \"") || append_text(to, key) ||
           append_text(to, "\": ") ||
           json_dump_callback(value, append, to,
                              JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
}

char *json_text(json_t *object)
{
    growing to = {0};
    int failed = 0;
    bool first = true;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        failed = failed || append_member(&to, key, value, first);
        first = false;
    }
    if (!failed && !append_text(&to, "\n}\n"))
        return to.text;
    free(to.text);
    return NULL;
}

bool json_print_list(const json_t *array, cpb_error *error)
{
    const size_t n = json_array_size(array);
    fputs("[\n", stdout);
    for (size_t i = 0; i < n; i++) {
        char *const text =
            json_dumps(json_array_get(array, i), JSON_REAL_PRECISION(17));
        if (!text)
            return fail_memory(error);
        printf("%s%s\n", text, i + 1 < n ? "," : "");
        free(text);
    }
    fputs("]\n", stdout);
    return true;
}
