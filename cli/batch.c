// SPDX-License-Identifier: Apache-2.0
/* The masks that one plan is made for. */
#include "batch.h"

#include "maskfile.h"
#include "message.h"
#include "number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WEIGHT = 1000000 };

bool batch_add(cli_batch *batch, cpb_mask *mask, int64_t weight, cpb_error *error)
{
    const size_t n = batch->n + 1;
    cpb_mask **const masks = realloc(batch->mask, n * sizeof *masks);
    if (masks)
        batch->mask = masks;
    int64_t *const weights = realloc(batch->weight, n * sizeof *weights);
    if (weights)
        batch->weight = weights;
    if (!masks || !weights) {
        cpb_mask_free(mask);
        return fail_memory(error);
    }
    masks[n - 1] = mask;
    weights[n - 1] = weight;
    batch->n = n;
    if (cpb_mask_tokens(mask) == batch_tokens(batch))
        return true;
    return fail(error,
                "mask %zu has %" PRId64 " tokens but mask 1 has %" PRId64
                "; accepted are masks over the same sequence",
                n, cpb_mask_tokens(mask), batch_tokens(batch));
}

static bool add_text(const char *text, const cli_list *documents, cli_batch *batch,
                     cpb_error *error)
{
    cpb_mask *mask = NULL;
    int64_t weight = 1;
    return succeeded(cpb_mask_create_text(text, documents ? documents->n : 0,
                                          documents ? documents->value : NULL, &weight,
                                          NULL, &mask, error)) &&
           batch_add(batch, mask, weight, error);
}

/* `[W*]@FILE`, or a text. */
static bool add(const char *text, const cli_list *documents, cli_batch *batch,
                cpb_error *error)
{
    char digits[24];
    int64_t weight = 1;
    const size_t length = strspn(text, "0123456789");
    const bool weighed = length && text[length] == '*' && text[length + 1] == '@';
    if (*text != '@' && !weighed)
        return add_text(text, documents, batch, error);
    if (weighed) {
        snprintf(digits, sizeof digits, "%.*s", (int)length, text);
        if (!number_read("the weight of a mask", digits, 1, MOST_WEIGHT, &weight,
                         error))
            return false;
        text += length + 1;
    }
    return maskfile_read(text + 1, weight, documents, batch, error);
}

bool batch_read(const cli_options *options, const cli_list *documents, cli_batch *batch,
                cpb_error *error)
{
    char place[32];
    if (!options->n_masks)
        return add_text("documents", documents, batch, error);
    for (size_t i = 0; i < options->n_masks; i++) {
        if (add(options->masks[i], documents, batch, error))
            continue;
        snprintf(place, sizeof place, "--mask %zu", i + 1);
        return fail_at(error, options->n_masks > 1 ? place : "--mask");
    }
    return true;
}

bool batch_of(const cli_options *options, cli_batch *batch, cpb_error *error)
{
    cli_list documents = {0};
    const bool given = options->documents;
    const bool good = (!given || lengths_read(options->documents, CPB_MAX_TOKENS,
                                              &documents, error)) &&
                      batch_read(options, given ? &documents : NULL, batch, error);
    list_free(&documents);
    return good;
}

cpb_masks batch_view(const cli_batch *batch)
{
    return (cpb_masks){.n = batch->n,
                       .mask = (const cpb_mask *const *)batch->mask,
                       .weight = batch->weight};
}

int64_t batch_tokens(const cli_batch *batch)
{
    return batch->n ? cpb_mask_tokens(batch->mask[0]) : 0;
}

void batch_free(cli_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        cpb_mask_free(batch->mask[i]);
    free(batch->mask);
    free(batch->weight);
    *batch = (cli_batch){0};
}
