// SPDX-License-Identifier: Apache-2.0
/* Rows of a sweep as tables of members. */
#include "members.h"

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool get(const json_t *object, const char *where, const cli_member *member,
                void *row, cpb_error *error)
{
    char *const to = (char *)row + member->offset;
    if (member->type == MEMBER_WHOLE)
        return json_member_integer(object, where, member->name, 0, INT64_MAX,
                                   (int64_t *)(void *)to, error);
    if (member->type == MEMBER_REAL)
        return json_member_real(object, where, member->name, (double *)(void *)to,
                                error);
    const json_t *const text =
        json_member(object, where, member->name, JSON_STRING, error);
    if (text)
        *(const char **)(void *)to = json_string_value(text);
    return text;
}

bool members_get(const json_t *object, const char *where, size_t n,
                 const cli_member *members, void *row, cpb_error *error)
{
    for (size_t i = 0; i < n; i++)
        if (!(members[i].optional && !json_object_get(object, members[i].name)) &&
            !get(object, where, &members[i], row, error))
            return false;
    return true;
}

/* The value, NULL where it is none of its type. */
static json_t *value_of(const char *cell, member_type type)
{
    char *end;
    if (type == MEMBER_TEXT)
        return json_string(cell);
    if (!*cell || strspn(cell, "0123456789+-.eE") != strlen(cell))
        return NULL;
    errno = 0;
    json_t *const value = type == MEMBER_WHOLE ? json_integer(strtoll(cell, &end, 10))
                                               : json_real(strtod(cell, &end));
    if (!*end && !errno)
        return value;
    json_decref(value);
    return NULL;
}

bool members_type(size_t n, const cli_member *members, const char *name,
                  member_type *type)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(members[i].name, name)) {
            *type = members[i].type;
            return true;
        }
    return false;
}

json_t *members_cell(const char *name, const char *cell, member_type type,
                     cpb_error *error)
{
    static const char *const accepted[] = {[MEMBER_WHOLE] = "a whole number",
                                           [MEMBER_REAL] = "a number",
                                           [MEMBER_TEXT] = "UTF-8 text"};
    json_t *const value = value_of(cell, type);
    if (!value)
        fail(error, "%.40s is \"%.40s\"; accepted is %s", name, cell, accepted[type]);
    return value;
}
