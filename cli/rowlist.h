// SPDX-License-Identifier: Apache-2.0
/* Rows of one file in memory, by pack or by combination, whatever a row holds. */
#ifndef CPB_CLI_ROWLIST_H
#define CPB_CLI_ROWLIST_H

#include "rows.h"

/* How every row in a list begins. */
typedef struct row_place {
    int64_t pack;
    size_t group; /* which combination of the sweep */
} row_place;

/* Starts as {.size = that of a row}. */
typedef struct cli_rowlist {
    size_t size;
    size_t n, room;
    void *rows; /* [n] of `size` bytes each, aligned for any type */
    int64_t
        unfinished; /* the last pack, left out because rows of it are missing; or -1 */
} cli_rowlist;

/* Append a copy of a row. */
bool rowlist_add(cli_rowlist *list, const void *row, cpb_error *error);

/* Sort by pack, then by group. Returns the first row that is of the same pack and group
 * as the one before it, NULL where there is none. */
const void *rowlist_by_pack(cli_rowlist *list);

/* Rows of the pack that the row at `end` - 1 belongs to, in a list by pack. */
size_t rowlist_pack(const cli_rowlist *list, size_t end);

/* Leave out the last `n` rows, which are those of an unfinished pack; 0: none is. */
void rowlist_leave_out(cli_rowlist *list, size_t n);

/* Sort by group, then by pack. */
void rowlist_by_group(cli_rowlist *list);

/* Rows of a group, one per pack, in a list by group; *n is how many. */
const void *rowlist_group(const cli_rowlist *list, size_t group, size_t *n);

void rowlist_free(cli_rowlist *list);

#endif
