// SPDX-License-Identifier: Apache-2.0
/* Document lengths: a list on the command line, a file, or standard input. */
#include "documents.h"

#include <string.h>

enum { MOST_DOCUMENTS = 1 << 26 };

static list_rules lengths(int64_t most_total)
{
    return (list_rules){.item = "length",
                        .items = "document lengths",
                        .low = 0,
                        .high = CPB_MAX_TOKENS,
                        .most = MOST_DOCUMENTS,
                        .most_total = most_total};
}

bool lengths_read_file(const char *path, int64_t most_total, cli_list *out,
                       cpb_error *error)
{
    const list_rules rules = lengths(most_total);
    return list_read_file(path, &rules, out, error);
}

bool lengths_read(const char *text, int64_t most_total, cli_list *out, cpb_error *error)
{
    const list_rules rules = lengths(most_total);
    if (*text == '@')
        return list_read_file(text + 1, &rules, out, error);
    return strcmp(text, "-")
               ? list_read_text("--documents", text, &rules, out, error)
               : list_read_stream("standard input", stdin, &rules, out, error);
}
