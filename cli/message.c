// SPDX-License-Identifier: Apache-2.0
/* One line per failure, and the nearest name to a mistyped one. */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 400, LONGEST_NAME = 31 };

bool fail(cpb_error *error, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    error->at = -1;
    vsnprintf(error->message, sizeof error->message, format, values);
    va_end(values);
    return false;
}

bool fail_memory(cpb_error *error)
{
    return fail(error, "out of memory");
}

bool fail_at(cpb_error *error, const char *place)
{
    const cpb_error inner = *error;
    const int room = (int)sizeof error->message - 60;
    fail(error, "%.50s: %.*s", place, room, inner.message);
    error->at = inner.at;
    return false;
}

bool succeeded(cpb_status status)
{
    return status == CPB_OK;
}

/* Append `text` to line[used ..), odd bytes as \xNN; stops before `room` is passed. */
static size_t append_escaped(char *line, size_t used, size_t room, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        const bool odd = byte < 0x20 || byte > 0x7e;
        if (used + (odd ? 4 : 1) > room)
            break;
        if (odd) {
            line[used++] = '\\';
            line[used++] = 'x';
            line[used++] = digits[byte >> 4];
            line[used++] = digits[byte & 15];
        } else {
            line[used++] = (char)byte;
        }
    }
    return used;
}

int complain(const char *command, int exit_status, const char *sentence)
{
    char line[LINE_BYTES + 1];
    const size_t room = LINE_BYTES - 1; /* the newline */
    size_t used = append_escaped(line, 0, room, command ? "cpb " : "cpb");
    used = append_escaped(line, used, room, command ? command : "");
    used = append_escaped(line, used, room, ": ");
    used = append_escaped(line, used, room, sentence);
    line[used++] = '\n';
    fwrite(line, 1, used, stderr);
    return exit_status;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein distance, row by row. Both words are at most LONGEST_NAME long. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST_NAME + 1];
    const size_t n = strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            const size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(replaced, least(row[j], row[j + 1]) + 1);
        }
    }
    return row[n];
}

const char *nearest(const char *word, size_t n, const char *const *names)
{
    const size_t length = strlen(word);
    if (!length || length > LONGEST_NAME)
        return NULL;
    /* With more than half of it wrong, a word is no likely slip of the finger. */
    size_t best = length / 2 + 1;
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) > LONGEST_NAME)
            continue;
        const size_t d = distance(word, names[i]);
        if (d < best) {
            best = d;
            found = names[i];
        }
    }
    return found;
}
