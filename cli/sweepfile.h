// SPDX-License-Identifier: Apache-2.0
/* The file that a sweep appends to: what is in it already, and its next rows. */
#ifndef CPB_CLI_SWEEPFILE_H
#define CPB_CLI_SWEEPFILE_H

#include "output.h"
#include "rows.h"

/* The rows of one kind of sweep, and how they are read back. */
typedef struct sweepfile_rows {
    const char *start;                 /* how a JSON line begins */
    void (*print_names)(FILE *stream); /* the first line of CSV */
    /* Read a row that is there already: `at` becomes the combination, over all packs, that
     * it is of, or -1 where it is of none. */
    bool (*read)(void *context, const json_t *object, int64_t *at, cpb_error *error);
    /* Add the row that was read last to the answer. */
    bool (*take)(void *context, cpb_error *error);
    void *context;
} sweepfile_rows;

/* Starts as {0}. */
typedef struct cli_sweepfile {
    const sweepfile_rows *rows;
    const cli_recipe *recipe; /* of the sweep */
    cli_output output;
    rows_format format;
    bool started; /* the names of the columns are there, or it needs none */
    int64_t next; /* the first combination, over all packs, that has no row yet */
} cli_sweepfile;

/* The format that the flags ask for: --json, --csv, or what the name ends in. */
bool sweepfile_format(const cli_options *options, rows_format *format,
                      cpb_error *error);

/* Open the file of -o, or standard output. Rows that are there are read and taken; a torn
 * last line is cut off. Refuses a file that another version, command or data made. */
bool sweepfile_open(const cli_options *options, const cli_recipe *recipe,
                    const sweepfile_rows *rows, cli_sweepfile *file, cpb_error *error);

/* Append whole lines; what fails in the middle leaves none of them. */
bool sweepfile_write(cli_sweepfile *file, const char *lines, size_t bytes,
                     cpb_error *error);

void sweepfile_close(cli_sweepfile *file);

#endif
