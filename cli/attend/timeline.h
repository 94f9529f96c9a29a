// SPDX-License-Identifier: Apache-2.0
/* Pictures of who did what when in a run of `cpb attend`. */
#ifndef CPB_CLI_ATTEND_TIMELINE_H
#define CPB_CLI_ATTEND_TIMELINE_H

#include "../picture/picture.h"
#include "outcome.h"

/* A page of time lines, one below the other. Starts as {0}. */
typedef struct timeline {
    picture *picture; /* NULL: none is wanted */
    double height;    /* that is taken so far */
} timeline;

/* Refuse a file name whose ending says no format; start an empty page. */
bool timeline_open(timeline *t, const char *path, cpb_error *error);

/* Add the ranks of one run: phases of each end to end from its own start, since clocks of
 * different hosts say nothing about each other. Waiting is left out where ranks ran one
 * after another. */
bool timeline_add(timeline *t, const cli_report *report, const run_job *job,
                  outcome_way way, cpb_error *error);

bool timeline_write(const timeline *t, const char *path, cpb_error *error);

void timeline_free(timeline *t);

#endif
