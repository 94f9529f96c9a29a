// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file of masks, with and without document lengths beside it: refused
 * with a sentence, or masks that are written out and read as the same. */
#include "fuzz_input.h"
#include "fuzz_json.h"
#include "maskfile.h"

static bool equal_slices(const cpb_slice *a, const cpb_slice *b)
{
    return a->kind == b->kind && a->queries.begin == b->queries.begin &&
           a->queries.end == b->queries.end && a->keys.begin == b->keys.begin &&
           a->keys.end == b->keys.end;
}

static void require_equal(const cpb_mask *a, const cpb_mask *b)
{
    const size_t n = cpb_mask_n_slices(a), documents = cpb_mask_n_documents(a);
    require(cpb_mask_tokens(a) == cpb_mask_tokens(b));
    require(cpb_mask_pairs(a) == cpb_mask_pairs(b));
    require(n == cpb_mask_n_slices(b) && documents == cpb_mask_n_documents(b));
    for (size_t i = 0; i < n; i++)
        require(equal_slices(&cpb_mask_slices(a)[i], &cpb_mask_slices(b)[i]));
    for (size_t i = 0; i < documents; i++)
        require(cpb_mask_document_ends(a)[i] == cpb_mask_document_ends(b)[i]);
}

static void try_again(const cpb_mask *mask, int64_t weight)
{
    cpb_error error = {.at = -2};
    cli_batch same = {0};
    json_t *const object = maskfile_to_json(mask, weight);
    require(object && maskfile_add(object, "", 1, NULL, &same, &error));
    require(same.n == 1 && same.weight[0] == weight);
    require_equal(mask, same.mask[0]);
    batch_free(&same);
    json_decref(object);
}

static void try_file(const char *path, const cli_list *documents)
{
    cpb_error error = {.at = -2};
    cli_batch batch = {0};
    if (maskfile_read(path, 2, documents, &batch, &error)) {
        require(batch.n > 0);
        for (size_t i = 0; i < batch.n; i++)
            try_again(batch.mask[i], batch.weight[i]);
    } else {
        require_sentence(&error);
    }
    batch_free(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t lengths[] = {5, 0, 3, 1};
    const cli_list documents = {.n = 4, .value = lengths, .total = 9};
    if (!file_is_small(data, size))
        return 0;
    const char *const path = input_path(data, size);
    try_file(path, NULL);
    try_file(path, &documents);
    return 0;
}
