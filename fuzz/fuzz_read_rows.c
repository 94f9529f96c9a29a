// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file of rows: every row is complete, or a sentence ends them; together
 * they are the groups of a page, or a sentence says why not. */
#include "fuzz_input.h"
#include "rowset.h"
#include "scheduleset.h"

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
    cli_rowset set = {0};
    size_t total = 0;
    cli_rows rows = {0};
    const bool good =
        rows_open(path, &rows, &error) && rowset_read(&rows, &set, &error);
    rows_close(&rows);
    if (!good)
        require_sentence(&error);
    for (size_t g = 0; good && g < set.answer.n_groups; g++) {
        size_t n;
        const set_row *const list = rowlist_group(&set.list, g, &n);
        for (size_t i = 0; i < n; i++)
            require(list[i].place.group == g);
        total += n;
    }
    require(!good || (set.list.n && total == set.list.n));
    rowset_free(&set);
}

/* Every row is in a group that there is, and so is the best. */
static void require_schedules(const char *path)
{
    cpb_error error = {.at = -2};
    cli_scheduleset set = {0};
    cli_rows rows = {0};
    size_t total = 0;
    const bool good =
        rows_open(path, &rows, &error) && scheduleset_read(&rows, &set, &error);
    rows_close(&rows);
    if (!good)
        require_sentence(&error);
    for (size_t g = 0; good && g < scheduleset_groups(&set); g++) {
        size_t n;
        rowlist_group(&set.list, g, &n);
        total += n;
    }
    require(!good || (set.list.n && total == set.list.n && set.n_packs > 0 &&
                      scheduleset_best(&set) <= scheduleset_groups(&set)));
    scheduleset_free(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cpb_error error = {.at = -2};
    cli_rows rows = {0};
    cli_row row;
    const json_t *object = NULL;
    const char *const path = input_path(data, size);
    bool good = rows_open(path, &rows, &error);
    do {
        good = good && rows_next(&rows, &object, &error);
        if (good && object && row_from_json(object, "", &row, &error))
            require_row(&row);
    } while (good && object);
    if (!good)
        require_sentence(&error);
    require(rows.whole <= (int64_t)size);
    rows_close(&rows);
    require_set(path);
    require_schedules(path);
    return 0;
}
