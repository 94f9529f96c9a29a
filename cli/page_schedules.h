// SPDX-License-Identifier: Apache-2.0
/* Sections of the page that report writes of a sweep of schedules. */
#ifndef CPB_CLI_PAGE_SCHEDULES_H
#define CPB_CLI_PAGE_SCHEDULES_H

#include "scheduleset.h"

/* How many packs, which ranks, and the answer. */
bool page_schedule_head(FILE *stream, const cli_scheduleset *set, cpb_error *error);

/* Distance from the bound by number of ranks, and the step by its parts. */
bool page_schedule_plots(FILE *stream, const cli_scheduleset *set, cpb_error *error);

/* Median and worst of every column, a row per combination. */
bool page_schedule_table(FILE *stream, const cli_scheduleset *set, cpb_error *error);

#endif
