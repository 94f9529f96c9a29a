// SPDX-License-Identifier: Apache-2.0
/* JSON in and out: typed members with sentences that say where, and one layout. */
#ifndef CPB_CLI_JSON_H
#define CPB_CLI_JSON_H

#include <cpb/cpb.h>
#include <jansson.h>

/* Read a file that holds one JSON value without duplicate keys; NULL with line and
 * column in the sentence. */
json_t *json_read(const char *path, cpb_error *error);

enum { JSON_SHOWN_BYTES = 41 };

/* `value` as people would write it, cut, for a sentence; "missing" for NULL. */
const char *json_shown(const json_t *value, char text[JSON_SHOWN_BYTES]);

/* Member `key` of an object, which must be there and of its type. `where` names the
 * object in sentences and may be "". */
json_t *json_member(const json_t *object, const char *where, const char *key,
                    json_type type, cpb_error *error);
bool json_member_integer(const json_t *object, const char *where, const char *key,
                         int64_t low, int64_t high, int64_t *value, cpb_error *error);
bool json_member_real(const json_t *object, const char *where, const char *key,
                      double *value, cpb_error *error);
/* One of names[0 .. n); `value` is its index. */
bool json_member_choice(const json_t *object, const char *where, const char *key,
                        size_t n, const char *const *names, int64_t *value,
                        cpb_error *error);

/* Integers of an array of exactly n elements. */
bool json_integers(const json_t *array, const char *where, size_t n, int64_t *values,
                   cpb_error *error);

/* Refuse members of an object that are not among names[0 .. n). */
bool json_only(json_t *object, const char *where, size_t n, const char *const *names,
               cpb_error *error);

/* Set a member; a NULL value (out of memory) or a failed set clears *good. */
void json_put(json_t *object, const char *key, json_t *value, bool *good);

/* Append to an array, in the same way. */
void json_push(json_t *array, json_t *value, bool *good);

/* [n] integers as an array, NULL when memory ends. `stride` is in bytes, so that a
 * member of an array of structs can be listed. */
json_t *json_list(size_t n, const int64_t *values, size_t stride);

/* The text of an object with one member per line, ending in a newline; the caller frees
 * it. NULL when memory ends. */
char *json_text(json_t *object);

/* Print an array on standard output, one element per line, so that it reads as a table
 * does. */
bool json_print_list(const json_t *array, cpb_error *error);

#endif
