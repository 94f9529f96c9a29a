// SPDX-License-Identifier: Apache-2.0
/* Rows of a sweep as tables of members: out of JSON objects and of cells of CSV. */
#ifndef CPB_CLI_MEMBERS_H
#define CPB_CLI_MEMBERS_H

#include "json.h"

/* int64_t >= 0; double; const char *, borrowed from the object. */
typedef enum member_type { MEMBER_WHOLE, MEMBER_REAL, MEMBER_TEXT } member_type;

typedef struct cli_member {
    const char *name;
    member_type type;
    bool optional;
    size_t offset;
} cli_member;

/* Read n members of an object to `row`; those that are optional may be missing. */
bool members_get(const json_t *object, const char *where, size_t n,
                 const cli_member *members, void *row, cpb_error *error);

/* The type of the member called `name`; false where there is none. */
bool members_type(size_t n, const cli_member *members, const char *name,
                  member_type *type);

/* The value of a cell of CSV under `name`; NULL with a sentence where it is none of this
 * type. */
json_t *members_cell(const char *name, const char *cell, member_type type,
                     cpb_error *error);

#endif
