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
    cli_list pack = {0};
    const cli_options options = {.packs = input_path(data, size)};
    if (packs_open(&options, &packs, &error)) {
        require(packs.n > 0);
        while (packs.given < packs.n) {
            require(packs_next(&packs, &pack, &error));
            require_pack(&pack);
        }
    } else {
        require_sentence(&error);
    }
    list_free(&pack);
    packs_close(&packs);
    return 0;
}
