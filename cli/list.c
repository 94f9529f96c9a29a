// SPDX-License-Identifier: Apache-2.0
/* Lists of whole numbers, read byte by byte: linear in the file and without holding it,
 * so that a wrong file is refused at its first wrong word. */
#include "list.h"

#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 40 };

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
    const list_rules *rules;
    cli_list *out;
    cpb_error *error;
} reader;

bool list_add(cli_list *list, int64_t value, cpb_error *error)
{
    if (list->n == list->room) {
        const size_t room = list->room ? 2 * list->room : 64;
        int64_t *const grown = realloc(list->value, room * sizeof *grown);
        if (!grown)
            return fail_memory(error);
        list->value = grown;
        list->room = room;
    }
    list->value[list->n++] = value;
    list->total += value;
    return true;
}

size_t list_ascending(const cli_list *list, size_t i)
{
    size_t at = 0;
    for (size_t below = list->n; below != i; at += below != i) {
        below = 0;
        for (size_t k = 0; k < list->n; k++)
            below += list->value[k] < list->value[at];
    }
    return at;
}

void list_free(cli_list *list)
{
    free(list->value);
    *list = (cli_list){0};
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
             "\"%s\" is no %s; accepted are whole numbers from %" PRId64 " to %" PRId64
             " separated by whitespace or commas",
             in->word, in->rules->item, in->rules->low, in->rules->high);
    return refuse(in, in->word_line, in->word_column, what);
}

static bool refuse_total(const reader *in, int64_t value)
{
    char what[160];
    snprintf(what, sizeof what,
             "\"%s\" takes the total to %" PRId64
             " tokens; accepted are up to %" PRId64,
             in->word, in->out->total + value, in->rules->most_total);
    return refuse(in, in->word_line, in->word_column, what);
}

static bool refuse_more(const reader *in)
{
    char what[160];
    snprintf(what, sizeof what, "more than %zu %s; accepted are up to that many",
             in->rules->most, in->rules->items);
    return refuse(in, in->word_line, in->word_column, what);
}

/* A word is complete: it must be a number of the list. */
static bool finish_word(reader *in)
{
    int64_t value = 0;
    in->word[in->used < WORD_BYTES ? in->used : WORD_BYTES] = '\0';
    for (size_t i = 0; i < in->used; i++) {
        const bool digit = i < WORD_BYTES && in->word[i] >= '0' && in->word[i] <= '9';
        if (digit)
            value = value * 10 + (in->word[i] - '0');
        if (!digit || value > in->rules->high)
            return refuse_word(in);
    }
    if (value < in->rules->low)
        return refuse_word(in);
    if (value > in->rules->most_total - in->out->total)
        return refuse_total(in, value);
    if (in->out->n == in->rules->most)
        return refuse_more(in);
    in->used = 0;
    in->comma = false;
    return list_add(in->out, value, in->error);
}

static bool take_comma(reader *in)
{
    char what[160];
    snprintf(what, sizeof what,
             "a comma without a %s before it; accepted are whole numbers separated by "
             "whitespace or commas",
             in->rules->item);
    if (in->comma || !in->out->n)
        return refuse(in, in->line, in->column, what);
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
                    "%.40s holds no %s; accepted are whole numbers separated by "
                    "whitespace or commas",
                    in->name, in->rules->items);
    return true;
}

/* From a stream or, where that is NULL, from a text. */
static bool read_list(const char *name, FILE *stream, const char *text,
                      const list_rules *rules, cli_list *out, cpb_error *error)
{
    reader in = {.name = name,
                 .stream = stream,
                 .text = text,
                 .line = 1,
                 .column = 1,
                 .rules = rules,
                 .out = out,
                 .error = error};
    return take_all(&in);
}

bool list_read_stream(const char *name, FILE *stream, const list_rules *rules,
                      cli_list *out, cpb_error *error)
{
    return read_list(name, stream, NULL, rules, out, error);
}

bool list_read_text(const char *name, const char *text, const list_rules *rules,
                    cli_list *out, cpb_error *error)
{
    return read_list(name, NULL, text, rules, out, error);
}

bool list_read_file(const char *path, const list_rules *rules, cli_list *out,
                    cpb_error *error)
{
    FILE *const stream = fopen(path, "r");
    if (!stream)
        return fail(error, "cannot open %.40s: %s", path, strerror(errno));
    const bool good = list_read_stream(path, stream, rules, out, error);
    fclose(stream);
    return good;
}
