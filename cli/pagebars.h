// SPDX-License-Identifier: Apache-2.0
/* Steps as rows of stacked parts on a page, each named and with its time. */
#ifndef CPB_CLI_PAGEBARS_H
#define CPB_CLI_PAGEBARS_H

#include "picture/chart.h"

#include <cpb/cpb.h>
#include <stdio.h>

enum { PAGE_MOST_PARTS = 3, PAGE_NOTE_BYTES = 128 };

typedef struct page_bars {
    size_t n;                /* rows so far */
    size_t n_parts;          /* of each row */
    const char *const *part; /* [n_parts] their names; borrowed */
    const char **name;       /* of the rows; borrowed */
    chart_span *span;
    char (*note)[PAGE_NOTE_BYTES];
} page_bars;

/* Room for so many rows; false when memory ends. page_bars_free() serves both. */
bool page_bars_open(page_bars *bars, size_t rows, size_t n_parts,
                    const char *const *part);

/* A row; `value` has the time of each part in microseconds. */
void page_bars_add(page_bars *bars, const char *name, const double *value);

/* Put the rows on the page, with a dashed line at `mark` where there is one. `ranks` is for
 * the caption, `whose` ends it. Without rows nothing is put there. */
bool page_bars_finish(FILE *stream, const page_bars *bars, int64_t ranks,
                      const chart_mark *mark, const char *whose, cpb_error *error);

void page_bars_free(page_bars *bars);

#endif
