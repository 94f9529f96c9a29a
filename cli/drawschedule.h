// SPDX-License-Identifier: Apache-2.0
/* Pictures of schedules: time to the right, a row per rank, coloured by group. */
#ifndef CPB_CLI_DRAWSCHEDULE_H
#define CPB_CLI_DRAWSCHEDULE_H

#include "picture/picture.h"
#include "scheduleview.h"

#include <stdio.h>

/* A page with n schedules below each other, along the same time. */
bool drawschedule_page(picture *p, size_t n, const cli_scheduleview *views,
                       cpb_error *error);

/* The same with characters, as wide as the terminal (at most 100 columns). */
bool drawschedule_print(FILE *stream, size_t n, const cli_scheduleview *views,
                        cpb_error *error);

/* The longest step in microseconds: all are drawn along its time. */
double drawschedule_reach(size_t n, const cli_scheduleview *views);

#endif
