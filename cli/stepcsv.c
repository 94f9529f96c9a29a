// SPDX-License-Identifier: Apache-2.0
/* A table of documents: one line each, columns by name. */
#include "csv.h"
#include "message.h"
#include "number.h"
#include "step.h"

#include <stdlib.h>
#include <string.h>

/* A file being read. */
typedef struct reader {
    cli_csv csv;
    step_column column[STEP_COLUMNS]; /* [n_columns] of each field */
    size_t n_columns;
    size_t room; /* documents that the columns have room for */
    cli_step *step;
    cpb_error *error;
} reader;

static bool add_column(reader *in, const char *name)
{
    size_t c = 0;
    while (c < STEP_COLUMNS && strcmp(step_column_names[c], name) != 0)
        c++;
    if (c == STEP_COLUMNS) {
        const char *const guess = nearest(name, STEP_COLUMNS, step_column_names);
        return fail(in->error, "unknown column \"%.40s\"%s%s%s", name,
                    guess ? "; did you mean " : "", guess ? guess : "",
                    guess ? "?" : "");
    }
    for (size_t i = 0; i < in->n_columns; i++)
        if (in->column[i] == (step_column)c)
            return fail(in->error, "column \"%s\" stands twice", name);
    in->column[in->n_columns++] = (step_column)c;
    return true;
}

static bool read_names(void *context)
{
    reader *const in = context;
    bool tokens = false;
    for (size_t i = 0; i < in->csv.n; i++) {
        if (!add_column(in, in->csv.field[i]))
            return false;
        tokens = tokens || in->column[i] == STEP_TOKENS;
    }
    return tokens || fail(in->error, "there is no column \"tokens\"");
}

static bool grow(reader *in)
{
    const size_t room = in->room ? 2 * in->room : 64;
    for (size_t i = 0; i < in->n_columns; i++) {
        int64_t **const column = &in->step->column[in->column[i]];
        int64_t *const grown = realloc(*column, room * sizeof *grown);
        if (!grown)
            return fail_memory(in->error);
        *column = grown;
    }
    in->room = room;
    return true;
}

/* Whether a document fits its numbers is for the library to say, but for what it takes in
 * 32 bits. No holder is an empty field or -1. */
static bool read_field(const reader *in, step_column c, const char *text,
                       int64_t *value)
{
    if (c == STEP_HOLDER && (!*text || !strcmp(text, "-1"))) {
        *value = -1;
        return true;
    }
    return number_read(step_column_names[c], text, c == STEP_HOLDER ? -1 : 0,
                       c == STEP_HOLDER ? CPB_MAX_RANKS - 1 : INT64_MAX, value,
                       in->error);
}

static bool read_row(void *context)
{
    reader *const in = context;
    cli_step *const step = in->step;
    if (in->csv.n != in->n_columns)
        return fail(in->error, "%zu fields, the first line has %zu", in->csv.n,
                    in->n_columns);
    if (step->n == CPB_MAX_DOCUMENTS)
        return fail(in->error, "more than %lld documents; accepted are up to that many",
                    (long long)CPB_MAX_DOCUMENTS);
    if ((size_t)step->n == in->room && !grow(in))
        return false;
    for (size_t i = 0; i < in->n_columns; i++)
        if (!read_field(in, in->column[i], in->csv.field[i],
                        &step->column[in->column[i]][step->n]))
            return false;
    step->n++;
    return true;
}

static bool read_rows(reader *in)
{
    return csv_each(&in->csv, read_names, read_row, in, in->error) &&
           (in->n_columns ? in->room || grow(in)
                          : fail(in->error, "there is no line of column names; the "
                                            "format stands in docs/formats.md"));
}

bool step_read_csv(const char *path, cli_step *step, cpb_error *error)
{
    reader in = {.step = step, .error = error};
    bool good = csv_open(path, &in.csv, error);
    if (good)
        good = read_rows(&in) || fail_at(error, path);
    csv_close(&in.csv);
    return good && step_narrow_holders(step, error);
}
