// SPDX-License-Identifier: Apache-2.0
/* How results were made: the command in one form, and a hash of it and all it reads. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "recipe.h"

#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Flags that say where results go, not what they are. */
static bool is_silent(const char *name)
{
    static const char *const silent[] = {"output", "json", "csv", "threads", "memory"};
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
        if (!strcmp(name, silent[i]))
            return true;
    return false;
}

/* A word of a shell on one line: what ends lines is white space like any other. */
static void print_word(FILE *stream, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_./,:=@+%";
    if (*word && !word[strspn(word, plain)]) {
        fputs(word, stream);
        return;
    }
    fputc('\'', stream);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\'", stream); /* out, a quote, and in again */
        fputc((unsigned char)*word < ' ' ? ' ' : *word, stream);
    }
    fputc('\'', stream);
}

static void print_flag(FILE *stream, const cli_said *said)
{
    fprintf(stream, " --%s", said->name);
    if (!said->text)
        return;
    fputc(' ', stream);
    print_word(stream, said->text);
}

/* In the order of the table; a flag that repeats keeps the order given. */
static void print_command(FILE *stream, const cli_options *options)
{
    size_t last = 0;
    for (size_t i = 0; i < options->n_said; i++)
        if (options->said[i].flag > last)
            last = options->said[i].flag;
    fprintf(stream, "cpb %s", options->command);
    for (size_t flag = 0; flag <= last; flag++)
        for (size_t i = 0; i < options->n_said; i++)
            if (options->said[i].flag == flag && !is_silent(options->said[i].name))
                print_flag(stream, &options->said[i]);
}

/* FNV-1a over bytes. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
    const unsigned char *const byte = bytes;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
    return hash;
}

static bool hash_file(uint64_t *hash, const char *path, cpb_error *error)
{
    char bytes[1 << 14];
    size_t n;
    FILE *const file = fopen(path, "r");
    if (!file)
        return fail(error, "cannot open %.40s: %s", path, strerror(errno));
    errno = 0;
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
        *hash = hash_bytes(*hash, bytes, n);
    const bool good =
        !ferror(file) || fail(error, "cannot read %.40s: %s", path, strerror(errno));
    fclose(file);
    return good;
}

/* The file that a value names: `@FILE`, or `WEIGHT*@FILE`; NULL where it names none. */
static const char *file_of(const cli_said *said)
{
    if (!said->text || !strcmp(said->name, "documents"))
        return NULL; /* their lengths are in the hash of the data */
    const char *const text = said->text + strspn(said->text, "0123456789*");
    return *text == '@' ? text + 1 : NULL;
}

bool recipe_write_command(const cli_options *options, cli_recipe *recipe,
                          cpb_error *error)
{
    size_t bytes;
    FILE *const stream = open_memstream(&recipe->command, &bytes);
    if (!stream)
        return fail_memory(error);
    print_command(stream, options);
    const bool written = !ferror(stream);
    return !fclose(stream) && written ? true : fail_memory(error);
}

bool recipe_write(const cli_options *options, uint64_t data, cli_recipe *recipe,
                  cpb_error *error)
{
    if (!recipe_write_command(options, recipe, error))
        return false;
    uint64_t hash = UINT64_C(14695981039346656037);
    hash = hash_bytes(hash, cpb_version(), strlen(cpb_version()));
    hash = hash_bytes(hash, recipe->command, strlen(recipe->command));
    hash = (hash ^ data) * UINT64_C(1099511628211);
    for (size_t i = 0; i < options->n_said; i++)
        if (file_of(&options->said[i]) &&
            !hash_file(&hash, file_of(&options->said[i]), error))
            return false;
    snprintf(recipe->hash, sizeof recipe->hash, "%016" PRIx64, hash);
    return true;
}

void recipe_free(cli_recipe *recipe)
{
    free(recipe->command);
    *recipe = (cli_recipe){0};
}
