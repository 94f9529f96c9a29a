// SPDX-License-Identifier: Apache-2.0
/* Files of rows, read one by one: CSV and JSON lines of a sweep, the array of a compare. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "rows.h"

#include "message.h"
#include "schedulerow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 128 };

void rows_close(cli_rows *rows)
{
    if (rows->file && rows->file != stdin)
        fclose(rows->file);
    json_decref(rows->object);
    json_decref(rows->array);
    free(rows->names);
    free(rows->header);
    free(rows->text);
    *rows = (cli_rows){0};
}

static bool fail_read(const cli_rows *rows, cpb_error *error)
{
    return fail(error, "cannot read %.40s: %s", rows->path,
                strerror(errno ? errno : EIO));
}

/* Put where the row lies before the sentence. */
static bool fail_row(const cli_rows *rows, cpb_error *error)
{
    char place[80];
    snprintf(place, sizeof place, "%.24s: %s %" PRId64, rows->path,
             rows->array ? "row" : "line", rows->line);
    return fail_at(error, place);
}

/* The next whole line into `text`; `there` tells whether there is one. */
static bool read_line(cli_rows *rows, bool *there, cpb_error *error)
{
    *there = false;
    if (rows->torn)
        return true; /* at its end, and the text stays for whoever asks */
    errno = 0;
    const ssize_t n = getline(&rows->text, &rows->room, rows->file);
    *there = n > 0 && rows->text[n - 1] == '\n';
    rows->torn = n > 0 && !*there;
    if (n < 0 && !feof(rows->file))
        return errno == ENOMEM ? fail_memory(error) : fail_read(rows, error);
    if (!*there)
        return true;
    rows->line++;
    rows->whole += n;
    if (strlen(rows->text) == (size_t)n)
        return true;
    fail(error, "a zero byte at byte %zu of the line", strlen(rows->text));
    return fail_row(rows, error);
}

static bool has_name(const cli_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->n_names; i++)
        if (!strcmp(rows->names[i], name))
            return true;
    return false;
}

/* The names of the columns. */
static bool read_header(cli_rows *rows, cpb_error *error)
{
    bool there;
    if (!read_line(rows, &there, error) || !there)
        return !there;
    rows->header = rows->text;
    rows->text = NULL;
    rows->room = 0;
    rows->names = calloc(MOST_COLUMNS, sizeof *rows->names);
    if (!rows->names)
        return fail_memory(error);
    rows->n_names = row_cells(rows->header, MOST_COLUMNS, rows->names);
    if (has_name(rows, "balancer") || has_name(rows, "row"))
        return true;
    fail(error, "no names of columns; accepted is what sweep or compare --json wrote");
    return fail_row(rows, error);
}

static bool read_array(cli_rows *rows, cpb_error *error)
{
    json_error_t problem;
    errno = 0;
    rows->array = json_loadf(rows->file, JSON_REJECT_DUPLICATES, &problem);
    if (!rows->array && ferror(rows->file))
        return fail_read(rows, error);
    return rows->array ||
           fail(error, "%.40s: line %d, column %d: no valid JSON: %.100s", rows->path,
                problem.line, problem.column, problem.text);
}

bool rows_open(const char *path, cli_rows *rows, cpb_error *error)
{
    rows->path = path;
    rows->file = strcmp(path, "-") ? fopen(path, "r") : stdin;
    if (!rows->file)
        return fail(error, "cannot open %.40s: %s", path, strerror(errno));
    errno = 0;
    const int first = getc(rows->file);
    if (first == EOF)
        return !ferror(rows->file) || fail_read(rows, error);
    ungetc(first, rows->file);
    if (first == '[')
        return read_array(rows, error);
    rows->format = first == '{' ? ROWS_JSON : ROWS_CSV;
    return rows->format == ROWS_JSON || read_header(rows, error);
}

static json_t *parse(cli_rows *rows, cpb_error *error)
{
    json_error_t problem;
    if (rows->format == ROWS_CSV)
        return row_split(rows->text, rows->n_names, rows->names,
                         has_name(rows, "balancer") ? row_type : schedulerow_type,
                         error);
    json_t *const object = json_loads(rows->text, JSON_REJECT_DUPLICATES, &problem);
    if (!object)
        fail(error, "column %d: no valid JSON: %.100s", problem.column, problem.text);
    return object;
}

bool rows_next(cli_rows *rows, const json_t **object, cpb_error *error)
{
    bool there;
    if (!rows->peeked) {
        json_decref(rows->object);
        rows->object = NULL;
    }
    *object = rows->object;
    if (rows->peeked) {
        rows->peeked = false;
        return true;
    }
    if (rows->array) {
        there = rows->element < json_array_size(rows->array);
        rows->object = json_incref(json_array_get(rows->array, rows->element++));
        rows->line = (int64_t)rows->element;
    } else if (!read_line(rows, &there, error)) {
        return false;
    } else if (there) {
        rows->object = parse(rows, error);
    }
    *object = rows->object;
    return !there || rows->object || fail_row(rows, error);
}

bool rows_each(cli_rows *rows,
               bool (*take)(void *context, const cli_rows *rows, cpb_error *error),
               void *context, cpb_error *error)
{
    const json_t *object;
    do {
        if (!rows_next(rows, &object, error))
            return false;
        if (object && !take(context, rows, error))
            return fail_row(rows, error);
    } while (object);
    return true;
}

bool rows_version(const char *version, cpb_error *error)
{
    return !strcmp(version, cpb_version()) ||
           fail(error, "made by version %.20s, this is %s; accepted is the same",
                version, cpb_version());
}

bool rows_are_schedules(cli_rows *rows, bool *schedules, cpb_error *error)
{
    const json_t *object;
    if (!rows_next(rows, &object, error))
        return false;
    rows->peeked = object;
    *schedules = json_object_get(object, "row") && !json_object_get(object, "balancer");
    return true;
}
