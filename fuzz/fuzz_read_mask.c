// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file of masks, with and without document lengths beside it: refused
 * with a sentence, or masks that are written out and read as the same. */
#include "fuzz_input.h"
#include "fuzz_json.h"
#include "fuzz_masks.h"
#include "maskfile.h"

static void try_again(const cpb_mask *mask, int64_t weight)
{
    cpb_error error = {.at = -2};
    cli_batch same = {0};
    json_t *const object = maskfile_to_json(mask, weight);
    require(object && maskfile_add(object, "", 1, NULL, &same, &error));
    require(same.n == 1 && same.weight[0] == weight);
    require_equal_masks(mask, same.mask[0]);
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
