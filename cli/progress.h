// SPDX-License-Identifier: Apache-2.0
/* A bar that shows how much is done and how long the rest takes. */
#ifndef CPB_CLI_PROGRESS_H
#define CPB_CLI_PROGRESS_H

#include <stdint.h>

typedef struct cli_progress {
    int64_t all;
    double start; /* seconds of the clock */
} cli_progress;

/* Start the clock of `all` pieces of work. */
cli_progress progress_start(int64_t all);

/* Draw the bar on standard error, in place of the one before; a full bar goes away.
 * `before` of what is done was so at the start. */
void progress_show(const cli_progress *progress, int64_t before, int64_t done);

/* Take the bar away. */
void progress_clear(void);

#endif
