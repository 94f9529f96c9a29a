// SPDX-License-Identifier: Apache-2.0
/* Packs of documents, one after the other: from a file, or drawn. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "packs.h"

#include "json.h"
#include "message.h"

#include <errno.h>
#include <inttypes.h>
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

/* One number more into a hash, as plans are hashed. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

static uint64_t mix_list(uint64_t hash, const cli_list *list)
{
    hash = mix(hash, list->n);
    for (size_t i = 0; i < list->n; i++)
        hash = mix(hash, (uint64_t)list->value[i]);
    return hash;
}

uint64_t packs_hash(const cli_list *pack)
{
    return mix_list(0, pack);
}

void packs_close(cli_packs *packs)
{
    if (packs->file)
        fclose(packs->file);
    free(packs->text);
    list_free(&packs->from);
    *packs = (cli_packs){0};
}

static void empty(cli_list *list)
{
    list->n = 0;
    list->total = 0;
}

static bool add_document(const json_t *value, size_t index, cli_list *pack,
                         cpb_error *error)
{
    char text[JSON_SHOWN_BYTES];
    const json_int_t length = json_integer_value(value);
    if (!json_is_integer(value) || length < 0 || length > CPB_MAX_TOKENS - pack->total)
        return fail(error,
                    "element %zu is %s; accepted are whole numbers from 0 and totals "
                    "up to %" PRId64,
                    index, json_shown(value, text), CPB_MAX_TOKENS);
    return list_add(pack, length, error);
}

static bool read_line(const char *line, size_t n, cli_list *pack, cpb_error *error)
{
    json_error_t problem;
    json_t *const list = json_loadb(line, n, 0, &problem);
    if (!list)
        return fail(error, "column %d: no valid JSON: %.80s", problem.column,
                    problem.text);
    char text[JSON_SHOWN_BYTES];
    bool good = json_is_array(list) ||
                fail(error, "%s is no array of document lengths, such as [1024, 3072]",
                     json_shown(list, text));
    for (size_t i = 0; good && i < json_array_size(list); i++)
        good = add_document(json_array_get(list, i), i, pack, error);
    json_decref(list);
    return good && (pack->total > 0 ||
                    fail(error, "the pack holds 0 tokens; accepted are 1 to %" PRId64,
                         CPB_MAX_TOKENS));
}

static bool is_blank(const char *line)
{
    return !line[strspn(line, " \t\r\n")];
}

static bool fail_line(const cli_packs *packs, cpb_error *error)
{
    char place[80];
    snprintf(place, sizeof place, "%.24s: line %" PRId64, packs->path, packs->line);
    return fail_at(error, place);
}

/* The pack of the next line that is not blank; `there` tells whether there is one. */
static bool read_pack(cli_packs *packs, cli_list *pack, bool *there, cpb_error *error)
{
    ssize_t n;
    empty(pack);
    errno = 0;
    while ((n = getline(&packs->text, &packs->room, packs->file)) >= 0) {
        packs->line++;
        if (is_blank(packs->text) && (size_t)n == strlen(packs->text))
            continue;
        if (packs->text[n - 1] == '\n')
            n--; /* so that a column at the end is one of this line */
        *there = true;
        return read_line(packs->text, (size_t)n, pack, error) ||
               fail_line(packs, error);
    }
    *there = false;
    return feof(packs->file) ||
           fail(error, "cannot read %.40s: %s", packs->path, strerror(errno));
}

/* Count and hash all packs, and go back to the first. */
static bool read_through(cli_packs *packs, cpb_error *error)
{
    cli_list pack = {0};
    bool there = true, good = true;
    while ((good = read_pack(packs, &pack, &there, error)) && there) {
        packs->hash = mix_list(packs->hash, &pack);
        packs->n++;
    }
    list_free(&pack);
    if (good && !packs->n)
        good = fail(error,
                    "%.40s holds no packs; accepted is one JSON array of document "
                    "lengths per line",
                    packs->path);
    rewind(packs->file);
    packs->line = 0;
    return good;
}

/* A pipe cannot be read twice; a copy of what comes out of it can. */
static bool copy_pipe(cli_packs *packs, cpb_error *error)
{
    char bytes[1 << 14];
    size_t n;
    FILE *const copy = tmpfile();
    bool good = copy;
    while (good && (n = fread(bytes, 1, sizeof bytes, packs->file)) > 0)
        good = fwrite(bytes, 1, n, copy) == n;
    good = good && !ferror(packs->file) && !fflush(copy);
    if (!good)
        fail(error, "cannot copy %.40s: %s", packs->path, strerror(errno));
    if (copy) {
        fclose(packs->file);
        packs->file = copy;
        rewind(copy);
    }
    return good;
}

static bool open_file(const char *path, cli_packs *packs, cpb_error *error)
{
    packs->path = path;
    packs->file = fopen(path, "r");
    if (!packs->file)
        return fail(error, "cannot open %.40s: %s", path, strerror(errno));
    return (!fseek(packs->file, 0, SEEK_SET) || copy_pipe(packs, error)) &&
           read_through(packs, error);
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
static int64_t draw_length(cli_packs *packs)
{
    const cli_list *const from = &packs->from;
    return from->n ? from->value[next_random(&packs->state) % from->n]
                   : draw_builtin(&packs->state);
}

static bool draw_pack(cli_packs *packs, cli_list *pack, cpb_error *error)
{
    empty(pack);
    while (pack->total < packs->tokens) {
        const int64_t length = draw_length(packs);
        const int64_t left = packs->tokens - pack->total;
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

static bool open_sample(const cli_options *options, cli_packs *packs, cpb_error *error)
{
    packs->n = options->count >= 0 ? options->count : 1;
    packs->state = options->seed >= 0 ? (uint64_t)options->seed : 0;
    packs->tokens = options->tokens;
    if (!strcmp(options->sample, builtin_name))
        return true;
    if (!lengths_read_file(options->sample, INT64_MAX / 2, &packs->from, error))
        return false;
    drop_empty(&packs->from);
    packs->hash = mix_list(packs->hash, &packs->from);
    return packs->from.n ||
           fail(error, "%.40s holds only empty documents", options->sample);
}

bool packs_flags_fit(const cli_options *options, cpb_error *error)
{
    const int sources = !!options->packs + !!options->sample + !!options->documents;
    if (sources > 1)
        return fail(error, "--documents, --packs and --sample each give documents; "
                           "accepted is one of them");
    if (!sources && !options->n_masks)
        return fail(error, "nothing to plan for; give --documents, --mask, --packs or "
                           "--sample");
    if (options->json && options->csv)
        return fail(error, "--json and --csv stand beside each other; accepted is one");
    if (options->sample && options->tokens < 0)
        return fail(error, "--tokens is missing; --sample needs the size of a pack");
    return true;
}

bool packs_open(const cli_options *options, cli_packs *packs, cpb_error *error)
{
    return options->packs ? open_file(options->packs, packs, error)
                          : open_sample(options, packs, error);
}

bool packs_next(cli_packs *packs, cli_list *pack, cpb_error *error)
{
    bool there;
    packs->given++;
    if (!packs->file)
        return draw_pack(packs, pack, error);
    if (!read_pack(packs, pack, &there, error))
        return false;
    return there || fail(error, "%.40s holds fewer packs than before", packs->path);
}
