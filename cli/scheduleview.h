// SPDX-License-Identifier: Apache-2.0
/* A schedule as it is drawn: who works when, in which group. */
#ifndef CPB_CLI_SCHEDULEVIEW_H
#define CPB_CLI_SCHEDULEVIEW_H

#include "schedulefile.h"

/* Groups are told apart by size: a class holds those from a power of two to the next. */
enum { SCHEDULE_CLASSES = 17 };

/* What a rank does in a micro-batch. */
typedef struct schedule_span {
    int32_t rank;
    int32_t micro_batch;
    int64_t tokens;
    cpb_group group; /* the largest that it works in */
    bool odd;        /* neighbours among the groups of one class alternate */
    double start;    /* microseconds; it works from here */
    double worked;   /* up to here, and waits */
    double end;      /* until its group is done */
} schedule_span;

typedef struct schedule_class {
    int32_t least, most; /* sizes of groups that occur; 0: none does */
} schedule_class;

/* Starts as {0}. */
typedef struct cli_scheduleview {
    cli_schedulefile file;
    cpb_schedule *schedule;
    size_t n;
    schedule_span *span; /* [n] by micro-batch, then rank */
    schedule_class class[SCHEDULE_CLASSES];
} cli_scheduleview;

/* Read a schedule file and make its schedule again; refuses a file whose schedule this
 * version does not make. */
bool scheduleview_read(const char *path, cli_scheduleview *view, cpb_error *error);

/* Class of a size, and the colour of a span: `share` 1 is full, less is paler. */
int32_t scheduleview_class(int32_t ranks);
uint32_t scheduleview_colour(int32_t class, bool odd, double share);

/* "2 ranks", "5-7 ranks"; `text` is returned. */
enum { SCHEDULE_LABEL_BYTES = 40 };
const char *scheduleview_label(schedule_class class, char text[SCHEDULE_LABEL_BYTES]);

/* What the schedule is, and its figures, a line each; NULL past the last. */
enum { SCHEDULE_LINE_BYTES = 200 };
const char *scheduleview_line(const cli_scheduleview *view, size_t i,
                              char text[SCHEDULE_LINE_BYTES]);

void scheduleview_free(cli_scheduleview *view);

#endif
