// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a table of documents: refused with a sentence, or columns of one length. */
#include "fuzz_input.h"
#include "step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cpb_error error = {.at = -2};
    cli_step step = {0};
    if (!step_read_csv(input_path(data, size), &step, &error)) {
        require_sentence(&error);
    } else {
        const cpb_documents documents = step_documents(&step);
        require(documents.tokens && documents.n >= 0);
        require(!documents.holder == !step.column[STEP_HOLDER]);
        for (int64_t d = 0; d < documents.n; d++)
            for (size_t c = 0; c < STEP_COLUMNS; c++)
                require(!step.column[c] || step.column[c][d] >= -(c == STEP_HOLDER));
    }
    step_free(&step);
    return 0;
}
