// SPDX-License-Identifier: Apache-2.0
/* Files of rows, read one by one: CSV and JSON lines of a sweep, the array of a compare. */
#ifndef CPB_CLI_ROWS_H
#define CPB_CLI_ROWS_H

#include "row.h"

typedef enum rows_format { ROWS_CSV, ROWS_JSON } rows_format;

/* A file being read; starts as {0}. */
typedef struct cli_rows {
    const char *path; /* as given; sentences name it */
    FILE *file;
    rows_format format;
    int64_t line;  /* of the file, from 1 */
    int64_t whole; /* bytes of the lines read so far, each with its end */
    bool torn;     /* the last line has no end; it was not read */
    char *text;    /* [room] the line */
    size_t room;
    char *header;       /* the first line of CSV, cut into names */
    const char **names; /* [n_names] */
    size_t n_names;
    json_t *array;  /* of a compare, NULL for lines */
    size_t element; /* of the array, the next one */
    json_t *object; /* the row that was read last; its texts lie here */
    bool peeked;    /* rows_next() is to give it once more */
} cli_rows;

/* Open a file, "-" for standard input; the first byte tells its format. A file without a
 * whole line is good and has no rows. */
bool rows_open(const char *path, cli_rows *rows, cpb_error *error);

/* Read the next row as an object, NULL behind the last. It stays until the next call. */
bool rows_next(cli_rows *rows, const json_t **object, cpb_error *error);

/* Hand over every row that follows, in rows->object, until one is refused; that sentence
 * then tells where it lies. */
bool rows_each(cli_rows *rows,
               bool (*take)(void *context, const cli_rows *rows, cpb_error *error),
               void *context, cpb_error *error);

/* Refuse rows that another version made. */
bool rows_version(const char *version, cpb_error *error);

/* Whether the rows are of schedules, not of plans; the next row tells, and stays next. */
bool rows_are_schedules(cli_rows *rows, bool *schedules, cpb_error *error);

void rows_close(cli_rows *rows);

#endif
