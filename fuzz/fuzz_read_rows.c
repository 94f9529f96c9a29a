// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file of rows: every row is complete, or a sentence ends them; together
 * they are the groups of a page, or a sentence says why not. */
#include "fuzz_input.h"
#include "rowset.h"

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

/* Every row is in the group that its place says. */
static void require_set(const char *path)
{
    cpb_error error = {.at = -2};
    cli_rowset set = {.n = 0};
    size_t total = 0;
    const bool good = rowset_read(path, &set, &error);
    if (!good)
        require_sentence(&error);
    for (size_t g = 0; good && g < set.answer.n_groups; g++) {
        size_t n;
        const set_row *const rows = rowset_group(&set, g, &n);
        for (size_t i = 0; i < n; i++)
            require(rows[i].group == g);
        total += n;
    }
    require(!good || (set.n && total == set.n));
    rowset_free(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cpb_error error = {.at = -2};
    cli_rows rows = {0};
    cli_row row;
    bool there = true;
    const char *const path = input_path(data, size);
    bool good = rows_open(path, &rows, &error);
    while (good && there) {
        good = rows_next(&rows, &row, &there, &error);
        if (good && there)
            require_row(&row);
    }
    if (!good)
        require_sentence(&error);
    require(rows.whole <= (int64_t)size);
    rows_close(&rows);
    require_set(path);
    return 0;
}
