// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file of packs: refused with a sentence, or packs that hold tokens. */
#include "fuzz_input.h"
#include "packs.h"

static void require_pack(const cli_list *pack)
{
    int64_t total = 0;
    for (size_t i = 0; i < pack->n; i++) {
        require(pack->value[i] >= 0);
        total += pack->value[i];
    }
    require(total == pack->total && total > 0 && total <= CPB_MAX_TOKENS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cpb_error error = {.at = -2};
    cli_packs packs = {0};
    if (packs_read(input_path(data, size), &packs, &error)) {
        require(packs.n > 0);
        for (size_t i = 0; i < packs.n; i++)
            require_pack(&packs.pack[i]);
    } else {
        require_sentence(&error);
    }
    packs_free(&packs);
    return 0;
}
