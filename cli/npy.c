// SPDX-License-Identifier: Apache-2.0
/* .npy: a magic, a version, the length of a header, a header that is a Python
 * dictionary, the elements. Written as format 1.0, read as 1.0 and 2.0. */
#include "npy.h"

#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAGIC_BYTES = 6,
    PREAMBLE_BYTES = 10, /* magic, version and header length of format 1.0 */
    HEADER_BYTES = 128,  /* what is written, preamble included: a multiple of 64 */
    LONGEST_HEADER = 1 << 16,
    STEP = 1 << 16 /* elements of the first piece that is read */
};

static const char magic[] = "\x93NUMPY";

static const struct {
    const char *name;
    size_t bytes;
} types[] = {[CPB_INT64] = {"<i8", 8}, [CPB_INT32] = {"<i4", 4}};

size_t npy_element_bytes(cpb_index type)
{
    return types[type].bytes;
}

bool npy_write(cli_output *file, cpb_index type, int64_t n, const void *values,
               cpb_error *error)
{
    char header[HEADER_BYTES + 1];
    memcpy(header, magic, MAGIC_BYTES);
    header[6] = 1;
    header[7] = 0;
    header[8] = HEADER_BYTES - PREAMBLE_BYTES;
    header[9] = 0;
    const int used =
        snprintf(header + PREAMBLE_BYTES, sizeof header - PREAMBLE_BYTES,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRId64 ",), }",
                 types[type].name, n);
    const size_t end = PREAMBLE_BYTES + (size_t)used;
    memset(header + end, ' ', HEADER_BYTES - end - 1);
    header[HEADER_BYTES - 1] = '\n';
    return output_write(file, header, HEADER_BYTES, error) &&
           output_write(file, values, (size_t)n * types[type].bytes, error);
}

/* What a header says. */
typedef struct contents {
    size_t bytes; /* of one element */
    int64_t n;
} contents;

static const char *skip_spaces(const char *text)
{
    while (*text == ' ' || *text == '\n' || *text == '\t')
        text++;
    return text;
}

/* The value of `key` in the dictionary, or NULL. Keys cannot occur inside values, as
 * those are a type, a truth value and numbers. */
static const char *find_value(const char *header, const char *key)
{
    char quoted[24];
    for (const char *quote = "'\""; *quote; quote++) {
        snprintf(quoted, sizeof quoted, "%c%s%c", *quote, key, *quote);
        const char *const found = strstr(header, quoted);
        if (!found)
            continue;
        const char *const colon = skip_spaces(found + strlen(quoted));
        return *colon == ':' ? skip_spaces(colon + 1) : NULL;
    }
    return NULL;
}

static bool read_type(const char *header, contents *out, cpb_error *error)
{
    const char *const value = find_value(header, "descr");
    if (!value)
        return fail(error, "the .npy header names no type (descr)");
    const size_t length = strcspn(value, ",}");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const size_t name = strlen(types[i].name);
        if (length >= name + 2 && !strncmp(value + 1, types[i].name, name) &&
            *value == value[name + 1]) {
            out->bytes = types[i].bytes;
            return true;
        }
    }
    return fail(error,
                "the array has type %.*s; accepted are '<i4' and '<i8' (little-endian "
                "32- and 64-bit integers)",
                length < 40 ? (int)length : 40, value);
}

/* `(N,)`, `(1, N)` or `(1, N,)`. */
static bool parse_shape(const char *text, int64_t *n)
{
    long long size[2] = {1, 1};
    int dimensions = 0;
    if (*text++ != '(')
        return false;
    text = skip_spaces(text);
    while (*text != ')') {
        char *end;
        if (dimensions == 2 || *text < '0' || *text > '9')
            return false;
        errno = 0;
        size[dimensions++] = strtoll(text, &end, 10);
        if (errno)
            return false;
        text = skip_spaces(end);
        if (*text == ',')
            text = skip_spaces(text + 1);
        else if (*text != ')')
            return false;
    }
    if (!dimensions || (dimensions == 2 && size[0] != 1))
        return false;
    *n = size[dimensions - 1];
    return true;
}

static bool read_shape(const char *header, contents *out, cpb_error *error)
{
    const char *const value = find_value(header, "shape");
    if (!value)
        return fail(error, "the .npy header names no shape");
    const size_t length = strcspn(value, ")") + 1;
    if (!parse_shape(value, &out->n))
        return fail(error, "the array has shape %.*s; accepted are (N,) and (1, N)",
                    length < 40 ? (int)length : 40, value);
    if (out->n < 1 || out->n > 2 * CPB_MAX_TOKENS)
        return fail(error,
                    "the array has %" PRId64 " entries; accepted are 1 to %" PRId64,
                    out->n, 2 * CPB_MAX_TOKENS);
    return true;
}

/* One row in either order lies in memory the same way. */
static bool read_layout(const char *header, contents *out, cpb_error *error)
{
    const char *const order = find_value(header, "fortran_order");
    if (*skip_spaces(header) != '{')
        return fail(error, "the .npy header is no dictionary");
    if (!order || (strncmp(order, "False", 5) && strncmp(order, "True", 4)))
        return fail(error, "the .npy header does not say fortran_order True or False");
    return read_type(header, out, error) && read_shape(header, out, error);
}

static bool fail_truncated(FILE *stream, cpb_error *error, const char *what)
{
    if (ferror(stream))
        return fail(error, "cannot be read: %s", strerror(errno));
    return fail(error, "is truncated in the %s", what);
}

/* Leave the stream behind the header. */
static bool read_header(FILE *stream, contents *out, cpb_error *error)
{
    unsigned char start[PREAMBLE_BYTES + 2];
    if (fread(start, 1, PREAMBLE_BYTES, stream) < PREAMBLE_BYTES && ferror(stream))
        return fail_truncated(stream, error, "header");
    if (memcmp(start, magic, MAGIC_BYTES))
        return fail(error, "is no .npy file: it does not start with \\x93NUMPY");
    if (feof(stream))
        return fail_truncated(stream, error, "header");
    const unsigned version = start[6];
    if (version != 1 && version != 2)
        return fail(error, "is .npy format %u.%u; accepted are 1.0 and 2.0", version,
                    (unsigned)start[7]);
    size_t length = start[8] | (size_t)start[9] << 8;
    if (version == 2) {
        if (fread(start + PREAMBLE_BYTES, 1, 2, stream) < 2)
            return fail_truncated(stream, error, "header");
        length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    }
    if (length >= LONGEST_HEADER)
        return fail(error, "has a header of %zu bytes; accepted are up to %d", length,
                    LONGEST_HEADER - 1);

    char *const header = malloc(length + 1);
    if (!header)
        return fail_memory(error);
    const size_t got = fread(header, 1, length, stream);
    header[got] = '\0';
    const bool good = got == length ? read_layout(header, out, error)
                                    : fail_truncated(stream, error, "header");
    free(header);
    return good;
}

/* Spread 32-bit elements to 64 bits in place, from the end so that none is overwritten
 * before it is read. */
static void widen(int64_t *values, int64_t n)
{
    const unsigned char *const narrow = (const unsigned char *)values;
    for (int64_t i = n - 1; i >= 0; i--) {
        int32_t value;
        memcpy(&value, narrow + 4 * i, sizeof value);
        values[i] = value;
    }
}

/* The elements, allocated as they arrive: a header may promise more than there is. */
static bool read_elements(FILE *stream, const contents *layout, int64_t **values,
                          cpb_error *error)
{
    const size_t n = (size_t)layout->n;
    size_t got = 0, arrived = 0, asked = 0;
    while (arrived == asked && got < n) {
        const size_t room = 2 * got + STEP < n ? 2 * got + STEP : n;
        int64_t *const grown = realloc(*values, room * sizeof *grown);
        if (!grown)
            return fail_memory(error);
        *values = grown;
        asked = room - got;
        arrived =
            fread((char *)grown + got * layout->bytes, layout->bytes, asked, stream);
        got += arrived;
    }
    if (got < n)
        return fail_truncated(stream, error, "elements");
    if (fgetc(stream) != EOF)
        return fail(error, "has bytes behind its %zu elements", n);
    if (layout->bytes == 4)
        widen(*values, layout->n);
    return true;
}

bool npy_read(const char *path, int64_t *n, int64_t **values, cpb_error *error)
{
    contents layout = {0};
    *values = NULL;
    FILE *const stream = fopen(path, "rb");
    if (!stream)
        return fail(error, "cannot open %.40s: %s", path, strerror(errno));
    const bool good = read_header(stream, &layout, error) &&
                      read_elements(stream, &layout, values, error);
    fclose(stream);
    *n = layout.n;
    if (good)
        return true;
    free(*values);
    *values = NULL;
    return fail_at(error, path);
}
