// SPDX-License-Identifier: Apache-2.0
/* The file that a sweep appends to: what is in it already, and its next rows. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "sweepfile.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_COLUMNS = 128 };

static bool ends_in(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n > m && !strcmp(name + n - m, end);
}

bool sweepfile_format(const cli_options *options, rows_format *format, cpb_error *error)
{
    const char *const name = options->output;
    *format = options->json ? ROWS_JSON : ROWS_CSV;
    if (options->json || options->csv || !name || output_is_direct(name))
        return true;
    *format = ends_in(name, ".csv") ? ROWS_CSV : ROWS_JSON;
    return ends_in(name, ".csv") || ends_in(name, ".jsonl") ||
           fail(error,
                "--output is \"%.40s\"; accepted are names that end in .csv or .jsonl, "
                "or --csv or --json beside it",
                name);
}

/* What every row says of how it was made. */
typedef struct origin {
    const char *version, *command, *sweep;
} origin;

static const cli_member origin_members[] = {
    {"version", MEMBER_TEXT, false, offsetof(origin, version)},
    {"command", MEMBER_TEXT, false, offsetof(origin, command)},
    {"sweep", MEMBER_TEXT, true, offsetof(origin, sweep)},
};

/* Whether a row is of this very sweep; if not, in what it differs. */
static bool is_ours(const json_t *object, const cli_recipe *recipe, cpb_error *error)
{
    origin row = {.sweep = ""};
    if (!members_get(object, "", sizeof origin_members / sizeof *origin_members,
                     origin_members, &row, error))
        return false;
    if (!*row.sweep)
        return fail(error, "not made by cpb sweep");
    if (!rows_version(row.version, error))
        return false;
    if (strcmp(row.command, recipe->command))
        return fail(error, "made by another command: %.200s", row.command);
    return !strcmp(row.sweep, recipe->hash) ||
           fail(error, "made by this command from other data");
}

/* Take a row that is there: those are of the first combinations, in order. */
static bool take_row(void *sweepfile, const cli_rows *rows, cpb_error *error)
{
    cli_sweepfile *const file = sweepfile;
    int64_t at;
    void *const context = file->rows->context;
    if (!is_ours(rows->object, file->recipe, error) ||
        !file->rows->read(context, rows->object, &at, error))
        return false;
    if (at < file->next)
        return fail(error, "a row that does not belong behind the ones before");
    file->next = at + 1;
    return file->rows->take(context, error);
}

/* The first line of CSV, to be freed; NULL when memory ends. */
static char *column_names(const cli_sweepfile *file, size_t *bytes)
{
    char *names = NULL;
    FILE *const stream = open_memstream(&names, bytes);
    if (stream)
        file->rows->print_names(stream);
    if (stream && !fclose(stream))
        return names;
    free(names);
    return NULL;
}

static bool fail_start(const cli_rows *rows, cpb_error *error)
{
    return fail(
        error,
        "%.40s: line 1: not how a sweep of version %s begins; the file stays as "
        "it is",
        rows->path, cpb_version());
}

/* Whether there are exactly the columns that this version writes. */
static bool columns_fit(const cli_rows *rows, const cli_sweepfile *file,
                        cpb_error *error)
{
    size_t bytes;
    const char *cells[MOST_COLUMNS];
    char *const names = column_names(file, &bytes);
    if (!names)
        return fail_memory(error);
    const size_t n = row_cells(names, MOST_COLUMNS, cells);
    bool same = n == rows->n_names;
    for (size_t i = 0; same && i < n; i++)
        same = !strcmp(cells[i], rows->names[i]);
    free(names);
    return same || fail_start(rows, error);
}

/* A file that ends in its first line: whether that is the beginning of one of ours, and
 * no text of somebody who ends no lines. */
static bool torn_fits(const cli_rows *rows, const cli_sweepfile *file, cpb_error *error)
{
    size_t bytes;
    char *const names = column_names(file, &bytes);
    const char *const start = file->format == ROWS_JSON ? file->rows->start : names;
    if (!names)
        return fail_memory(error);
    const size_t n = strlen(start), torn = strlen(rows->text);
    const bool same = !strncmp(start, rows->text, torn < n ? torn : n);
    free(names);
    return same || fail_start(rows, error);
}

static bool take_lines(cli_rows *rows, cli_sweepfile *file, cpb_error *error)
{
    if (rows->array)
        return fail_start(rows, error);
    if (rows->names && !columns_fit(rows, file, error))
        return false;
    file->started = rows->names || file->format == ROWS_JSON;
    if (!rows_each(rows, take_row, file, error))
        return false;
    if (!rows->whole)
        return !rows->torn || torn_fits(rows, file, error);
    return rows->format == file->format ||
           fail(error, "%.40s holds %s; accepted is %s", rows->path,
                rows->format == ROWS_CSV ? "CSV" : "JSON lines",
                file->format == ROWS_CSV ? "CSV" : "JSON lines");
}

static bool take_file(const cli_options *options, cli_sweepfile *file, cpb_error *error)
{
    cli_rows rows = {0};
    const bool good = rows_open(options->output, &rows, error) &&
                      take_lines(&rows, file, error) &&
                      output_cut(&file->output, rows.whole, error);
    rows_close(&rows);
    return good;
}

bool sweepfile_open(const cli_options *options, const cli_recipe *recipe,
                    const sweepfile_rows *rows, cli_sweepfile *file, cpb_error *error)
{
    bool regular;
    file->rows = rows;
    file->recipe = recipe;
    if (!sweepfile_format(options, &file->format, error) ||
        !output_open_append(&file->output, options->output, &regular, error))
        return false;
    file->started = file->format == ROWS_JSON;
    return !regular || take_file(options, file, error);
}

static bool write_names(cli_sweepfile *file, cpb_error *error)
{
    size_t bytes;
    char *const names = column_names(file, &bytes);
    const bool good = names || fail_memory(error);
    file->started = good && output_write(&file->output, names, bytes, error);
    free(names);
    return file->started;
}

bool sweepfile_write(cli_sweepfile *file, const char *lines, size_t bytes,
                     cpb_error *error)
{
    struct stat before;
    if (!bytes)
        return true;
    if (!file->started && !write_names(file, error))
        return false;
    const bool known = !fstat(file->output.descriptor, &before);
    if (output_write(&file->output, lines, bytes, error))
        return true;
    /* What was written of them would be read as torn; it is as well not there. */
    if (known && S_ISREG(before.st_mode) &&
        ftruncate(file->output.descriptor, before.st_size))
        fail_at(error, "a torn line is left");
    return false;
}

void sweepfile_close(cli_sweepfile *file)
{
    struct stat now;
    if (file->output.open && !fstat(file->output.descriptor, &now) &&
        S_ISREG(now.st_mode) && !now.st_size &&
        strcmp(file->output.path, "standard output"))
        unlink(file->output.path);
    output_free(&file->output);
}
