// SPDX-License-Identifier: Apache-2.0
/* A schedule of a sweep as one line of a file. */
#include "schedulerow.h"

#include "message.h"
#include "schedulefigures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define MEMBER(name, type) {#name, MEMBER_##type, false, offsetof(cli_schedulerow, name)}
/* clang-format on */

/* Before the figures, and behind them. */
static const cli_member before[] = {
    MEMBER(pack, WHOLE),   MEMBER(documents, WHOLE), MEMBER(ranks, WHOLE),
    MEMBER(budget, WHOLE), MEMBER(row, TEXT),        MEMBER(chosen, TEXT),
    MEMBER(meet, TEXT),    MEMBER(profile, TEXT),
};
static const cli_member behind[] = {
    MEMBER(plan_seconds, REAL), MEMBER(hash, TEXT),    MEMBER(version, TEXT),
    MEMBER(sweep, TEXT),        MEMBER(command, TEXT),
};

enum {
    N_BEFORE = sizeof before / sizeof *before,
    N_BEHIND = sizeof behind / sizeof *behind
};

static void put(json_t *object, size_t n, const cli_member *members,
                const cli_schedulerow *row, bool *good)
{
    for (size_t i = 0; i < n; i++) {
        const void *const at = (const char *)row + members[i].offset;
        json_put(object, members[i].name,
                 members[i].type == MEMBER_WHOLE ? json_integer(*(const int64_t *)at)
                 : members[i].type == MEMBER_REAL
                     ? json_real(*(const double *)at)
                     : json_string(*(const char *const *)at),
                 good);
    }
}

static json_t *to_json(const cli_schedulerow *row)
{
    json_t *const object = json_object();
    bool good = object;
    put(object, N_BEFORE, before, row, &good);
    schedulefigures_put(object, &row->score, &good);
    put(object, N_BEHIND, behind, row, &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* The values of an object between commas. */
static void print_csv(FILE *stream, json_t *object)
{
    const char *key, *comma = "";
    json_t *value;
    json_object_foreach(object, key, value)
    {
        fputs(comma, stream);
        if (!strcmp(key, "command") || !strcmp(key, "profile"))
            report_print_quoted(stream, json_string_value(value));
        else if (json_is_string(value))
            fputs(json_string_value(value), stream);
        else if (!strcmp(key, "plan_seconds"))
            fprintf(stream, "%.9f", json_real_value(value));
        else if (json_is_real(value))
            fprintf(stream, "%.17g", json_real_value(value));
        else
            fprintf(stream, "%" PRId64, (int64_t)json_integer_value(value));
        comma = ",";
    }
    fputc('\n', stream);
}

bool schedulerow_print(FILE *stream, const cli_schedulerow *row, bool json)
{
    json_t *const object = to_json(row);
    char *const text =
        object && json ? json_dumps(object, JSON_REAL_PRECISION(17)) : NULL;
    if (text)
        fprintf(stream, "%s\n", text);
    else if (object && !json)
        print_csv(stream, object);
    const bool good = object && (text || !json);
    free(text);
    json_decref(object);
    return good;
}

void schedulerow_print_names(FILE *stream)
{
    for (size_t i = 0; i < N_BEFORE; i++)
        fprintf(stream, "%s,", before[i].name);
    for (size_t i = 0; schedulefigures_name(i); i++)
        fprintf(stream, "%s,", schedulefigures_name(i));
    for (size_t i = 0; i < N_BEHIND; i++)
        fprintf(stream, "%s%c", behind[i].name, i + 1 < N_BEHIND ? ',' : '\n');
}

bool schedulerow_from_json(const json_t *object, const char *where,
                           cli_schedulerow *row, cpb_error *error)
{
    char text[JSON_SHOWN_BYTES];
    *row = (cli_schedulerow){0};
    if (!json_is_object(object))
        return fail(error, "%s is no row; accepted is an object of sweep",
                    json_shown(object, text));
    return members_get(object, where, N_BEFORE, before, row, error) &&
           schedulefigures_get(object, &row->score, error) &&
           members_get(object, where, N_BEHIND, behind, row, error);
}

bool schedulerow_type(const char *name, member_type *type)
{
    if (members_type(N_BEFORE, before, name, type) ||
        members_type(N_BEHIND, behind, name, type))
        return true;
    for (size_t i = 0; schedulefigures_name(i); i++)
        if (!strcmp(schedulefigures_name(i), name)) {
            *type = schedulefigures_is_real(i) ? MEMBER_REAL : MEMBER_WHOLE;
            return true;
        }
    return false;
}
