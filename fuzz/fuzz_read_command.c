// SPDX-License-Identifier: Apache-2.0
/* Any bytes as the command that a row of results was made by: options, or a sentence. */
#include "fuzz_input.h"
#include "remake.h"

enum { MOST_BYTES = 4096 };

static void require_options(const cli_remake *made)
{
    require(made->words && made->words[0] && made->words[1]);
    for (size_t i = 0; i < made->options.n_said; i++)
        require(made->options.said[i].name && made->options.said[i].name[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[MOST_BYTES + 1];
    const size_t n = size < MOST_BYTES ? size : MOST_BYTES;
    cpb_error error = {.at = -2};
    cli_remake made = {0};
    if (n)
        memcpy(text, data, n);
    text[n] = '\0';
    if (remake_read(text, &made, &error))
        require_options(&made);
    else
        require_sentence(&error);
    remake_free(&made);
    return 0;
}
