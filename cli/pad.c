// SPDX-License-Identifier: Apache-2.0
/* cpb pad: what stacks that demand a multiple of each document pay for it.
 *
 * Their rule: each document is padded to a multiple of 2W, so that head-tail inside
 * each document gives every rank two equal pieces; both cumulative lengths go along. */
#include "command.h"
#include "documents.h"
#include "json.h"
#include "message.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>

/* What the answer is made of. */
typedef struct padding {
    int64_t multiple;
    int64_t ranks;
    cli_list given;
    cli_list padded;
    int64_t wasted;      /* tokens */
    int64_t equal_sizes; /* tokens that cpbalance pads the whole pack by */
} padding;

static bool ready(const cli_options *options, cpb_error *error)
{
    if (!options->documents)
        return fail(error, "--documents is missing");
    return options->ranks >= 0 || fail(error, "--ranks is missing");
}

static int64_t next_multiple(int64_t value, int64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static bool compute(const cli_options *options, padding *p, cpb_error *error)
{
    p->ranks = options->ranks;
    p->multiple = options->multiple >= 0 ? options->multiple : 2 * options->ranks;
    if (!lengths_read(options->documents, CPB_MAX_TOKENS, &p->given, error))
        return false;
    if (!p->given.total)
        return fail(error,
                    "--documents: the total is 0 tokens; accepted are 1 to %" PRId64,
                    CPB_MAX_TOKENS);
    for (size_t i = 0; i < p->given.n; i++)
        if (!list_add(&p->padded, next_multiple(p->given.value[i], p->multiple), error))
            return false;
    p->wasted = p->padded.total - p->given.total;
    p->equal_sizes = next_multiple(p->given.total, p->ranks) - p->given.total;
    return true;
}

static double share(const padding *p)
{
    return (double)p->wasted / (double)p->padded.total;
}

static json_t *cumulative(const cli_list *list)
{
    bool good = true;
    int64_t sum = 0;
    json_t *const array = json_array();
    json_push(array, json_integer(0), &good);
    for (size_t i = 0; i < list->n && good; i++)
        json_push(array, json_integer(sum += list->value[i]), &good);
    if (good)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *to_json(const padding *p)
{
    json_t *const object = json_object();
    bool good = object;
    json_put(object, "ranks", json_integer(p->ranks), &good);
    json_put(object, "multiple", json_integer(p->multiple), &good);
    json_put(object, "documents",
             json_list(p->given.n, p->given.value, sizeof *p->given.value), &good);
    json_put(object, "padded",
             json_list(p->padded.n, p->padded.value, sizeof *p->padded.value), &good);
    json_put(object, "cu_seqlens", cumulative(&p->given), &good);
    json_put(object, "cu_seqlens_padded", cumulative(&p->padded), &good);
    json_put(object, "tokens", json_integer(p->given.total), &good);
    json_put(object, "tokens_padded", json_integer(p->padded.total), &good);
    json_put(object, "wasted", json_integer(p->wasted), &good);
    json_put(object, "wasted_share", json_real(share(p)), &good);
    json_put(object, "padding_equal", json_integer(p->equal_sizes), &good);
    json_put(object, "padding_uneven", json_integer(0), &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static bool print_json(const padding *p, cpb_error *error)
{
    json_t *const object = to_json(p);
    char *const text = object ? json_text(object) : NULL;
    json_decref(object);
    if (!text)
        return fail_memory(error);
    fputs(text, stdout);
    free(text);
    return true;
}

static void print_lengths(const char *title, const cli_list *list)
{
    printf("%-18s", title);
    for (size_t i = 0; i < list->n; i++)
        printf("%s%" PRId64, i ? "," : "", list->value[i]);
    putchar('\n');
}

static void print_cumulative(const char *title, const cli_list *list)
{
    int64_t sum = 0;
    printf("%-18s0", title);
    for (size_t i = 0; i < list->n; i++)
        printf(",%" PRId64, sum += list->value[i]);
    putchar('\n');
}

static void print_text(const padding *p)
{
    char a[TABLE_CELL_BYTES], b[TABLE_CELL_BYTES], c[TABLE_CELL_BYTES];
    printf("each document padded to a multiple of %s for %s ranks\n\n",
           table_thousands(p->multiple, a), table_thousands(p->ranks, b));
    print_lengths("documents", &p->given);
    print_lengths("padded", &p->padded);
    print_cumulative("cu_seqlens", &p->given);
    print_cumulative("cu_seqlens_padded", &p->padded);
    printf("\nwasted      %s of %s tokens (%.2f %%)\n", table_thousands(p->wasted, a),
           table_thousands(p->padded.total, b), 100 * share(p));
    printf("cpbalance   %s tokens at the end of the pack with --sizes equal, 0 with "
           "--sizes uneven (balancer per-document)\n",
           table_thousands(p->equal_sizes, c));
}

static bool run(const cli_options *options, cpb_error *error)
{
    padding p = {.ranks = 0};
    bool good = compute(options, &p, error);
    if (good && options->json)
        good = print_json(&p, error);
    else if (good)
        print_text(&p);
    list_free(&p.given);
    list_free(&p.padded);
    return good;
}

const cli_command pad_command = {
    .name = "pad",
    .summary = "what padding each document to a multiple costs",
    .usage = "--documents LENGTHS --ranks W [--multiple N] [--json]",
    .about = "Stacks that demand a multiple of each document's length want padded "
             "lengths and\n"
             "both cumulative lengths. The multiple is 2W unless --multiple says "
             "otherwise.\n",
    .examples = "  cpb pad --documents 1000,3001,517 --ranks 4\n"
                "  cpb pad --documents @lengths.txt --ranks 4 --multiple 128 --json\n",
    .user = USED_BY_PAD,
    .ready = ready,
    .run = run,
};
