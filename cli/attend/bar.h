// SPDX-License-Identifier: Apache-2.0
/* One progress bar for ranks on several threads. */
#ifndef CPB_CLI_ATTEND_BAR_H
#define CPB_CLI_ATTEND_BAR_H

#include "../progress.h"

#include <pthread.h>
#include <stdbool.h>

typedef struct attend_bar {
    bool shown; /* whether there is one at all */
    pthread_mutex_t lock;
    cli_progress progress;
    int64_t done;
    double drawn; /* when it was drawn last */
} attend_bar;

/* Steps of one rank's pass, and of its verification. */
enum { BAR_STEPS = 1000 };

/* `steps` of all ranks together. */
void bar_open(attend_bar *bar, bool shown, int64_t steps);

void bar_add(attend_bar *bar, int64_t steps);

void bar_close(attend_bar *bar);

#endif
