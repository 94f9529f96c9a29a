// SPDX-License-Identifier: Apache-2.0
/* Document lengths, read byte by byte: linear in the file and without holding it, so
 * that a wrong file is refused at its first wrong word. */
#include "documents.h"

#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 40, MOST_DOCUMENTS = 1 << 26 };

/* Where the reader is. */
typedef struct reader {
    const char *name;               /* of the source, for sentences */
    FILE *stream;                   /* or NULL */
    const char *text;               /* next character, where there is no stream */
    int64_t line, column;           /* of the next character, from 1 */
    int64_t word_line, word_column; /* of the word being read */
    size_t used;                    /* bytes of the word, also those not kept */
    char word[WORD_BYTES + 1];
    bool comma; /* a comma stands before the next word */
    int64_t most_total;
    cli_lengths *out;
    cpb_error *error;
} reader;

bool lengths_add(cli_lengths *list, int64_t length, cpb_error *error)
{
    if (list->n == list->room) {
        const size_t room = list->room ? 2 * list->room : 64;
        int64_t *const grown = realloc(list->length, room * sizeof *grown);
        if (!grown)
            return fail_memory(error);
        list->length = grown;
        list->room = room;
    }
    list->length[list->n++] = length;
    list->total += length;
    return true;
}

void lengths_free(cli_lengths *list)
{
    free(list->length);
    *list = (cli_lengths){0};
}

static bool refuse(const reader *in, int64_t line, int64_t column, const char *what)
{
    return fail(in->error, "%.40s: line %" PRId64 ", column %" PRId64 ": %s", in->name,
                line, column, what);
}

static bool refuse_word(const reader *in)
{
    char what[160];
    snprintf(what, sizeof what,
             "\"%s\" is no length; accepted are whole numbers from 0 to %" PRId64
             " separated by whitespace or commas",
             in->word, CPB_MAX_TOKENS);
    return refuse(in, in->word_line, in->word_column, what);
}

static bool refuse_total(const reader *in, int64_t length)
{
    char what[160];
    snprintf(what, sizeof what,
             "\"%s\" takes the total to %" PRId64
             " tokens; accepted are up to %" PRId64,
             in->word, in->out->total + length, in->most_total);
    return refuse(in, in->word_line, in->word_column, what);
}

/* A word is complete: it must be a length. */
static bool finish_word(reader *in)
{
    int64_t length = 0;
    in->word[in->used < WORD_BYTES ? in->used : WORD_BYTES] = '\0';
    for (size_t i = 0; i < in->used; i++) {
        const bool digit = i < WORD_BYTES && in->word[i] >= '0' && in->word[i] <= '9';
        if (digit)
            length = length * 10 + (in->word[i] - '0');
        if (!digit || length > CPB_MAX_TOKENS)
            return refuse_word(in);
    }
    if (length > in->most_total - in->out->total)
        return refuse_total(in, length);
    if (in->out->n == MOST_DOCUMENTS)
        return refuse(in, in->word_line, in->word_column,
                      "more than 67108864 documents; accepted are up to that many");
    in->used = 0;
    in->comma = false;
    return lengths_add(in->out, length, in->error);
}

static bool take_comma(reader *in)
{
    if (in->comma || !in->out->n)
        return refuse(in, in->line, in->column,
                      "a comma without a length before it; accepted are whole numbers "
                      "separated by whitespace or commas");
    in->comma = true;
    return true;
}

static void take_word_byte(reader *in, char byte)
{
    if (!in->used) {
        in->word_line = in->line;
        in->word_column = in->column;
    }
    if (in->used < WORD_BYTES)
        in->word[in->used] = byte ? byte : '?'; /* a zero would hide the rest */
    in->used++;
}

static bool take_byte(reader *in, char byte)
{
    const bool space = byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r' ||
                       byte == '\f' || byte == '\v';
    const bool ends = space || byte == ',';
    if (ends && in->used && !finish_word(in))
        return false;
    if (byte == ',' && !take_comma(in))
        return false;
    if (!ends)
        take_word_byte(in, byte);
    in->column++;
    if (byte == '\n') {
        in->line++;
        in->column = 1;
    }
    return in->used <= WORD_BYTES || finish_word(in);
}

static int next_byte(reader *in)
{
    if (in->stream)
        return getc(in->stream);
    return *in->text ? (unsigned char)*in->text++ : EOF;
}

static bool take_all(reader *in)
{
    for (int byte = next_byte(in); byte != EOF; byte = next_byte(in))
        if (!take_byte(in, (char)byte))
            return false;
    if (in->stream && ferror(in->stream))
        return fail(in->error, "cannot read %.40s: %s", in->name, strerror(errno));
    if (in->used && !finish_word(in))
        return false;
    if (in->comma)
        return refuse(in, in->line, in->column,
                      "ends behind a comma: the list is truncated");
    if (!in->out->n)
        return fail(in->error,
                    "%.40s holds no document lengths; accepted are whole "
                    "numbers separated by whitespace or commas",
                    in->name);
    return true;
}

bool lengths_read_file(const char *path, int64_t most_total, cli_lengths *out,
                       cpb_error *error)
{
    FILE *const stream = fopen(path, "r");
    if (!stream)
        return fail(error, "cannot open %.40s: %s", path, strerror(errno));
    reader in = {.name = path,
                 .stream = stream,
                 .line = 1,
                 .column = 1,
                 .most_total = most_total,
                 .out = out,
                 .error = error};
    const bool good = take_all(&in);
    fclose(stream);
    return good;
}

bool lengths_read(const char *text, int64_t most_total, cli_lengths *out,
                  cpb_error *error)
{
    if (*text == '@')
        return lengths_read_file(text + 1, most_total, out, error);
    const bool standard = !strcmp(text, "-");
    reader in = {.name = standard ? "standard input" : "--documents",
                 .stream = standard ? stdin : NULL,
                 .text = text,
                 .line = 1,
                 .column = 1,
                 .most_total = most_total,
                 .out = out,
                 .error = error};
    return take_all(&in);
}
