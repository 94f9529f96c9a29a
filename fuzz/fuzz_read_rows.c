// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file of rows: every row is complete, or a sentence ends them. */
#include "fuzz_input.h"
#include "rows.h"

static void require_row(const cli_row *row)
{
    require(row->pack >= 0 && row->ranks >= 0 && row->runs_max >= 0);
    const char *const texts[] = {row->balancer, row->chosen,    row->profile,
                                 row->kernel,   row->transport, row->cost,
                                 row->overlap,  row->hash,      row->version,
                                 row->command,  row->sweep};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        require(texts[i] && strlen(texts[i]) < SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cpb_error error = {.at = -2};
    cli_rows rows = {0};
    cli_row row;
    bool there = true;
    bool good = rows_open(input_path(data, size), &rows, &error);
    while (good && there) {
        good = rows_next(&rows, &row, &there, &error);
        if (good && there)
            require_row(&row);
    }
    if (!good)
        require_sentence(&error);
    require(rows.whole <= (int64_t)size);
    rows_close(&rows);
    return 0;
}
