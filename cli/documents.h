// SPDX-License-Identifier: Apache-2.0
/* Document lengths: a list on the command line, a file, or standard input. */
#ifndef CPB_CLI_DOCUMENTS_H
#define CPB_CLI_DOCUMENTS_H

#include <cpb/cpb.h>

/* Document lengths; starts as {0}. */
typedef struct cli_lengths {
    size_t n;
    size_t room;
    int64_t *length;
    int64_t total;
} cli_lengths;

/* Read `L1,L2,...`, `@FILE` or `-`: whole numbers separated by whitespace or commas.
 * `most_total` is the largest sum. */
bool lengths_read(const char *text, int64_t most_total, cli_lengths *out,
                  cpb_error *error);

/* Read the lengths in a file; the sum may be anything up to 2^62. */
bool lengths_read_file(const char *path, int64_t most_total, cli_lengths *out,
                       cpb_error *error);

bool lengths_add(cli_lengths *list, int64_t length, cpb_error *error);

void lengths_free(cli_lengths *list);

#endif
