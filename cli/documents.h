// SPDX-License-Identifier: Apache-2.0
/* Document lengths: a list on the command line, a file, or standard input. */
#ifndef CPB_CLI_DOCUMENTS_H
#define CPB_CLI_DOCUMENTS_H

#include "list.h"

/* Read `L1,L2,...`, `@FILE` or `-`: whole numbers separated by whitespace or commas.
 * `most_total` is the largest sum. */
bool lengths_read(const char *text, int64_t most_total, cli_list *out,
                  cpb_error *error);

/* Read the lengths in a file; the sum may be anything up to 2^62. */
bool lengths_read_file(const char *path, int64_t most_total, cli_list *out,
                       cpb_error *error);

#endif
