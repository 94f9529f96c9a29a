// SPDX-License-Identifier: Apache-2.0
/* Tables as CSV (RFC 4180): fields between commas, quoted where they hold one. */
#ifndef CPB_CLI_CSV_H
#define CPB_CLI_CSV_H

#include <cpb/cpb.h>

/* A file being read row by row. Starts as {0}. */
typedef struct cli_csv {
    char *bytes; /* [size + 1] the file; fields point into it */
    size_t size;
    size_t at;     /* of the next row */
    int64_t line;  /* where the row begins, from 1; 0 before the first */
    int64_t lines; /* before `at` */
    size_t n;
    size_t room;
    char **field; /* [n] of the row at hand, zero-terminated */
} cli_csv;

/* Read a whole file of at most 64 MiB. */
bool csv_open(const char *path, cli_csv *csv, cpb_error *error);

/* Go to the next row that is not empty. `*more` is false behind the last one. */
bool csv_next(cli_csv *csv, bool *more, cpb_error *error);

/* Hand the first row to `names` and every other one to `row`, with `context`; their
 * sentences get the line. */
bool csv_each(cli_csv *csv, bool (*names)(void *context), bool (*row)(void *context),
              void *context, cpb_error *error);

void csv_close(cli_csv *csv);

#endif
