// SPDX-License-Identifier: Apache-2.0
/* CSV: quotes are taken off in place, so a row costs no copy. */
#include "csv.h"

#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 26, BLOCK_BYTES = 1 << 16 };

static bool read_all(FILE *stream, const char *path, cli_csv *csv, cpb_error *error)
{
    size_t room = 0, got;
    do {
        if (csv->size + BLOCK_BYTES + 1 > room) {
            room = 2 * (csv->size + BLOCK_BYTES + 1);
            char *const grown = realloc(csv->bytes, room);
            if (!grown)
                return fail_memory(error);
            csv->bytes = grown;
        }
        got = fread(csv->bytes + csv->size, 1, BLOCK_BYTES, stream);
        csv->size += got;
        if (csv->size > MOST_BYTES)
            return fail(error,
                        "%.40s has more than %d bytes; accepted are up to that "
                        "many",
                        path, MOST_BYTES);
    } while (got);
    csv->bytes[csv->size] = '\0';
    return !ferror(stream) ||
           fail(error, "cannot read %.40s: %s", path, strerror(errno));
}

bool csv_open(const char *path, cli_csv *csv, cpb_error *error)
{
    FILE *const stream = fopen(path, "r");
    if (!stream)
        return fail(error, "cannot open %.40s: %s", path, strerror(errno));
    const bool good = read_all(stream, path, csv, error);
    fclose(stream);
    return good;
}

static bool refuse(const cli_csv *csv, const char *what, cpb_error *error)
{
    return fail(error, "line %lld: %s", (long long)csv->lines + 1, what);
}

static bool add_field(cli_csv *csv, char *field, cpb_error *error)
{
    if (csv->n == csv->room) {
        const size_t room = csv->room ? 2 * csv->room : 16;
        char **const grown = realloc(csv->field, room * sizeof *grown);
        if (!grown)
            return fail_memory(error);
        csv->field = grown;
        csv->room = room;
    }
    csv->field[csv->n++] = field;
    return true;
}

/* The byte at the reader; zero at the end, and no field holds a zero. */
static char here(const cli_csv *csv)
{
    return csv->bytes[csv->at];
}

static bool ends_field(char byte)
{
    return byte == ',' || byte == '\n' || byte == '\r' || !byte;
}

/* Move a quoted field over its opening quote; `*end` is where its last byte went. */
static bool take_quoted(cli_csv *csv, char **end, cpb_error *error)
{
    char *to = *end;
    csv->at++;
    while (here(csv) != '"' || csv->bytes[csv->at + 1] == '"') {
        if (!here(csv))
            return refuse(csv, "a quote is opened and never closed", error);
        csv->lines += here(csv) == '\n';
        csv->at += here(csv) == '"'; /* two stand for one */
        *to++ = csv->bytes[csv->at++];
    }
    csv->at++;
    *end = to;
    return ends_field(here(csv)) || refuse(csv, "text follows a closing quote", error);
}

/* One field, and the comma or the line's end behind it. */
static bool take_field(cli_csv *csv, bool *last, cpb_error *error)
{
    char *const begin = csv->bytes + csv->at;
    char *end = begin;
    if (*begin == '"') {
        if (!take_quoted(csv, &end, error))
            return false;
    } else {
        while (!ends_field(here(csv)))
            csv->at++;
        end = csv->bytes + csv->at;
    }
    const char byte = here(csv);
    if (!byte && csv->at < csv->size)
        return refuse(csv, "a zero byte; this is no text", error);
    if (byte == '\r' && csv->bytes[csv->at + 1] == '\n')
        csv->at++;
    else if (byte == '\r')
        return refuse(csv, "a carriage return that ends no line", error);
    csv->at += csv->at < csv->size;
    csv->lines += byte && byte != ',';
    *last = byte != ',';
    *end = '\0';
    return add_field(csv, begin, error);
}

bool csv_next(cli_csv *csv, bool *more, cpb_error *error)
{
    bool last = false;
    while (here(csv) == '\n' ||
           (here(csv) == '\r' && csv->bytes[csv->at + 1] == '\n')) {
        csv->lines += here(csv) == '\n';
        csv->at++;
    }
    csv->n = 0;
    csv->line = csv->lines + 1;
    *more = csv->at < csv->size;
    while (*more && !last)
        if (!take_field(csv, &last, error))
            return false;
    return true;
}

bool csv_each(cli_csv *csv, bool (*names)(void *context), bool (*row)(void *context),
              void *context, cpb_error *error)
{
    bool more, first = true;
    char place[40];
    while (csv_next(csv, &more, error)) {
        if (!more)
            return true;
        if (!(first ? names(context) : row(context))) {
            snprintf(place, sizeof place, "line %lld", (long long)csv->line);
            return fail_at(error, place);
        }
        first = false;
    }
    return false;
}

void csv_close(cli_csv *csv)
{
    free(csv->field);
    free(csv->bytes);
    *csv = (cli_csv){0};
}
