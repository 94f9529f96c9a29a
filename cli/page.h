// SPDX-License-Identifier: Apache-2.0
/* Sections of the page that report writes. */
#ifndef CPB_CLI_PAGE_H
#define CPB_CLI_PAGE_H

#include "rowset.h"

/* Median and worst of every column, a row per combination. */
bool page_table(FILE *stream, const cli_rowset *set, cpb_error *error);

/* Imbalance and traffic by number of ranks, the step by its parts, and imbalance against
 * traffic where there are several tolerances. */
bool page_plots(FILE *stream, const cli_rowset *set, cpb_error *error);

/* The packs on which the answer's step is the median and the worst, planned again; a
 * sentence where that cannot be done. */
bool page_packs(FILE *stream, const cli_rowset *set, cpb_error *error);

#endif
