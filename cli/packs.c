// SPDX-License-Identifier: Apache-2.0
/* Many packs of documents: from a file, or drawn. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "packs.h"

#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Documents per length, of 10,003: the WLB-LLM (OSDI'25) length distribution as
 * published with DistCA, rounded to its histogram. Uniform inside bins. */
static const struct {
    int64_t most; /* tokens; one more than the bin before is its least */
    uint64_t share;
} builtin[] = {{1024, 1600}, {2048, 1580}, {4096, 3200}, {8192, 3390},
               {16384, 100}, {32768, 45},  {65536, 35},  {131072, 53}};

enum { N_BINS = sizeof builtin / sizeof *builtin };

static const char builtin_name[] = "builtin";

void packs_free(cli_packs *packs)
{
    for (size_t i = 0; i < packs->n; i++)
        list_free(&packs->pack[i]);
    free(packs->pack);
    *packs = (cli_packs){0};
}

static cli_list *add_pack(cli_packs *packs)
{
    cli_list *const grown = realloc(packs->pack, (packs->n + 1) * sizeof *packs->pack);
    if (!grown)
        return NULL;
    packs->pack = grown;
    grown[packs->n] = (cli_list){0};
    return &grown[packs->n++];
}

static bool add_document(const json_t *value, size_t index, cli_list *pack,
                         cpb_error *error)
{
    const json_int_t length = json_integer_value(value);
    if (!json_is_integer(value) || length < 0 || length > CPB_MAX_TOKENS - pack->total)
        return fail(error,
                    "element %zu is no length; accepted are whole numbers from 0 and "
                    "totals up to %" PRId64,
                    index, CPB_MAX_TOKENS);
    return list_add(pack, length, error);
}

static bool read_line(const char *line, size_t n, cli_list *pack, cpb_error *error)
{
    json_error_t problem;
    json_t *const list = json_loadb(line, n, 0, &problem);
    if (!list)
        return fail(error, "column %d: no valid JSON: %.80s", problem.column,
                    problem.text);
    bool good = json_is_array(list) ||
                fail(error, "no JSON array of document lengths, such as [1024, 3072]");
    for (size_t i = 0; good && i < json_array_size(list); i++)
        good = add_document(json_array_get(list, i), i, pack, error);
    json_decref(list);
    return good && (pack->total > 0 || fail(error, "the pack holds 0 tokens"));
}

static bool is_blank(const char *line)
{
    return !line[strspn(line, " \t\r\n")];
}

static bool read_lines(FILE *stream, cli_packs *packs, int64_t *number,
                       cpb_error *error)
{
    char *line = NULL;
    size_t room = 0;
    bool good = true;
    ssize_t n;
    while (good && (n = getline(&line, &room, stream)) >= 0) {
        ++*number;
        if (is_blank(line) && (size_t)n == strlen(line))
            continue;
        cli_list *const pack = add_pack(packs);
        if (line[n - 1] == '\n')
            n--; /* so that a column at the end is one of this line */
        good = pack ? read_line(line, (size_t)n, pack, error) : fail_memory(error);
    }
    free(line);
    return good;
}

bool packs_read(const char *path, cli_packs *packs, cpb_error *error)
{
    char place[80];
    int64_t number = 0;
    FILE *const stream = fopen(path, "r");
    if (!stream)
        return fail(error, "cannot open %.40s: %s", path, strerror(errno));
    errno = 0;
    bool good = read_lines(stream, packs, &number, error);
    if (!good) {
        snprintf(place, sizeof place, "%.24s: line %" PRId64, path, number);
        fail_at(error, place);
    } else if (ferror(stream)) {
        good = fail(error, "cannot read %.40s: %s", path, strerror(errno));
    } else if (!packs->n) {
        good = fail(error,
                    "%.40s holds no packs; accepted is one JSON array of document "
                    "lengths per line",
                    path);
    }
    fclose(stream);
    return good;
}

/* splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
 * OOPSLA 2014. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int64_t draw_builtin(uint64_t *state)
{
    uint64_t total = 0;
    for (size_t i = 0; i < N_BINS; i++)
        total += builtin[i].share;
    uint64_t at = next_random(state) % total;
    size_t bin = 0;
    while (at >= builtin[bin].share)
        at -= builtin[bin++].share;
    const int64_t least = bin ? builtin[bin - 1].most + 1 : 1;
    const int64_t width = builtin[bin].most - least + 1;
    return least + (int64_t)(next_random(state) % (uint64_t)width);
}

/* A length from the file, or from the built-in shares where there is none. */
static int64_t draw(const cli_list *from, uint64_t *state)
{
    return from->n ? from->value[next_random(state) % from->n] : draw_builtin(state);
}

static bool fill(const cli_list *from, int64_t tokens, uint64_t *state, cli_list *pack,
                 cpb_error *error)
{
    while (pack->total < tokens) {
        const int64_t length = draw(from, state);
        const int64_t left = tokens - pack->total;
        if (!list_add(pack, length < left ? length : left, error))
            return false;
    }
    return true;
}

/* Empty documents would only draw the filling out. */
static void drop_empty(cli_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (list->value[i])
            list->value[n++] = list->value[i];
    list->n = n;
}

bool packs_draw(const cli_options *options, cli_packs *packs, cpb_error *error)
{
    cli_list from = {0};
    const int64_t count = options->count >= 0 ? options->count : 1;
    uint64_t state = options->seed >= 0 ? (uint64_t)options->seed : 0;
    bool good = true;
    if (strcmp(options->sample, builtin_name)) {
        good = lengths_read_file(options->sample, INT64_MAX / 2, &from, error);
        drop_empty(&from);
        if (good && !from.n)
            good = fail(error, "%.40s holds only empty documents", options->sample);
    }
    for (int64_t i = 0; good && i < count; i++) {
        cli_list *const pack = add_pack(packs);
        good = pack ? fill(&from, options->tokens, &state, pack, error)
                    : fail_memory(error);
    }
    list_free(&from);
    return good;
}
