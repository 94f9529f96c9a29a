// SPDX-License-Identifier: Apache-2.0
/* Lists of whole numbers as people give them: separated by whitespace or commas, on the
 * command line, in a file or from a pipe. */
#ifndef CPB_CLI_LIST_H
#define CPB_CLI_LIST_H

#include <cpb/cpb.h>
#include <stdio.h>

/* Starts as {0}. */
typedef struct cli_list {
    size_t n;
    size_t room;
    int64_t *value;
    int64_t total;
} cli_list;

/* What a list may hold, and what sentences call it. */
typedef struct list_rules {
    const char *item;  /* a single number */
    const char *items; /* many of them */
    int64_t low, high; /* of each number; 0 <= low, high < 2^58 */
    size_t most;       /* how many */
    int64_t most_total;
} list_rules;

/* Read a list; `name` says in sentences where it stands. */
bool list_read_text(const char *name, const char *text, const list_rules *rules,
                    cli_list *out, cpb_error *error);
bool list_read_stream(const char *name, FILE *stream, const list_rules *rules,
                      cli_list *out, cpb_error *error);
bool list_read_file(const char *path, const list_rules *rules, cli_list *out,
                    cpb_error *error);

bool list_add(cli_list *list, int64_t value, cpb_error *error);

/* Where the i-th of the values, which are distinct, stands, counted from the least. */
size_t list_ascending(const cli_list *list, size_t i);

void list_free(cli_list *list);

#endif
