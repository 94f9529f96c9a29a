// SPDX-License-Identifier: Apache-2.0
/* Timings of kernels and links; the format stands in docs/formats.md. */
#ifndef CPB_CLI_TIMINGS_H
#define CPB_CLI_TIMINGS_H

#include <cpb/cpb.h>

/* What was timed. */
typedef enum cli_timed {
    TIMED_ATTENTION, /* one pass of a kernel on one rank */
    TIMED_NET,       /* keys between nodes */
    TIMED_LINK       /* keys inside a node */
} cli_timed;

typedef struct cli_timing {
    int64_t line;
    cli_timed what;
    double us; /* above 0, finite */

    bool backward;
    cpb_model model;
    size_t mask; /* index into the masks of the file */
    size_t n_runs;
    cpb_range *runs;  /* [n_runs] what the rank holds, in its order */
    int64_t received; /* keys */

    int64_t bytes, phases, peers;
} cli_timing;

/* Starts as {0}. */
typedef struct cli_timings {
    cpb_kernel kernel; /* of every attention row */
    size_t n;
    cli_timing *timing; /* [n] */
    size_t n_masks;
    cpb_mask **mask; /* [n_masks] */
} cli_timings;

/* Read a file of timings. */
bool timings_read(const char *path, cli_timings *timings, cpb_error *error);

void timings_free(cli_timings *timings);

#endif
