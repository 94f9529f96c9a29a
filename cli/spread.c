// SPDX-License-Identifier: Apache-2.0
/* How values spread: counts per exponent and leading bits of the mantissa. */
#include "spread.h"

#include <stdlib.h>
#include <string.h>

enum { BITS = 8, BUCKETS = 1 << BITS, MANTISSA_BITS = 52 };

typedef struct bucket {
    int64_t n;
    double least; /* of its values */
} bucket;

struct spread_page {
    uint64_t exponent;
    bucket *bucket; /* [BUCKETS] */
};

/* The bits of a number >= 0 ascend as the numbers do. */
static uint64_t key_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> (MANTISSA_BITS - BITS);
}

/* The page of an exponent, made where it is missing; NULL when memory ends. */
static bucket *page_of(cli_spread *spread, uint64_t exponent)
{
    size_t at = spread->n_pages;
    while (at && spread->page[at - 1].exponent >= exponent)
        at--;
    if (at < spread->n_pages && spread->page[at].exponent == exponent)
        return spread->page[at].bucket;
    struct spread_page *const grown =
        realloc(spread->page, (spread->n_pages + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    spread->page = grown;
    bucket *const made = calloc(BUCKETS, sizeof *made);
    if (!made)
        return NULL;
    memmove(grown + at + 1, grown + at, (spread->n_pages - at) * sizeof *grown);
    grown[at] = (struct spread_page){.exponent = exponent, .bucket = made};
    spread->n_pages++;
    return made;
}

bool spread_add(cli_spread *spread, double value)
{
    value = value > 0 ? value : 0;
    const uint64_t key = key_of(value);
    bucket *const page = page_of(spread, key >> BITS);
    if (!page)
        return false;
    bucket *const into = &page[key & (BUCKETS - 1)];
    if (!into->n || value < into->least)
        into->least = value;
    into->n++;
    spread->n++;
    spread->most = value > spread->most ? value : spread->most;
    return true;
}

double spread_quantile(const cli_spread *spread, int percent)
{
    /* How many values must not be above it, rounded up. */
    int64_t left = (spread->n * percent + 99) / 100;
    if (left >= spread->n)
        return spread->most;
    for (size_t p = 0; p < spread->n_pages; p++)
        for (size_t b = 0; b < BUCKETS; b++) {
            left -= spread->page[p].bucket[b].n;
            if (left <= 0 && spread->page[p].bucket[b].n)
                return spread->page[p].bucket[b].least;
        }
    return spread->most;
}

void spread_free(cli_spread *spread)
{
    for (size_t p = 0; p < spread->n_pages; p++)
        free(spread->page[p].bucket);
    free(spread->page);
    *spread = (cli_spread){0};
}
