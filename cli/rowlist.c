// SPDX-License-Identifier: Apache-2.0
/* Rows of one file in memory, by pack or by combination, whatever a row holds. */
#include "rowlist.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

void rowlist_free(cli_rowlist *list)
{
    free(list->rows);
    *list = (cli_rowlist){0};
}

bool rowlist_add(cli_rowlist *list, const void *row, cpb_error *error)
{
    if (list->n == list->room) {
        const size_t room = list->room ? 2 * list->room : 64;
        void *const grown = realloc(list->rows, room * list->size);
        if (!grown)
            return fail_memory(error);
        list->rows = grown;
        list->room = room;
    }
    memcpy((char *)list->rows + list->n++ * list->size, row, list->size);
    return true;
}

static const row_place *place_of(const cli_rowlist *list, size_t i)
{
    return (const void *)((const char *)list->rows + i * list->size);
}

static int compare_packs(const void *a, const void *b)
{
    const row_place *const x = a, *const y = b;
    if (x->pack != y->pack)
        return x->pack < y->pack ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static int compare_groups(const void *a, const void *b)
{
    const row_place *const x = a, *const y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->pack > y->pack) - (x->pack < y->pack);
}

const void *rowlist_by_pack(cli_rowlist *list)
{
    qsort(list->rows, list->n, list->size, compare_packs);
    for (size_t i = 1; i < list->n; i++)
        if (!compare_packs(place_of(list, i - 1), place_of(list, i)))
            return place_of(list, i);
    return NULL;
}

size_t rowlist_pack(const cli_rowlist *list, size_t end)
{
    const int64_t pack = place_of(list, end - 1)->pack;
    size_t n = 1;
    while (n < end && place_of(list, end - 1 - n)->pack == pack)
        n++;
    return n;
}

void rowlist_leave_out(cli_rowlist *list, size_t n)
{
    list->unfinished = n ? place_of(list, list->n - 1)->pack : -1;
    list->n -= n;
}

void rowlist_by_group(cli_rowlist *list)
{
    qsort(list->rows, list->n, list->size, compare_groups);
}

/* The first row of a group, or where it would be. */
static size_t group_begin(const cli_rowlist *list, size_t group)
{
    size_t begin = 0, end = list->n;
    while (begin < end) {
        const size_t middle = begin + (end - begin) / 2;
        if (place_of(list, middle)->group < group)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

const void *rowlist_group(const cli_rowlist *list, size_t group, size_t *n)
{
    const size_t begin = group_begin(list, group);
    *n = group_begin(list, group + 1) - begin;
    return place_of(list, begin);
}
