// SPDX-License-Identifier: Apache-2.0
/* One progress bar for ranks on several threads. */
#include "bar.h"

#include "../number.h"

void bar_open(attend_bar *bar, bool shown, int64_t steps)
{
    *bar = (attend_bar){.shown = shown, .progress = progress_start(steps)};
    pthread_mutex_init(&bar->lock, NULL);
}

void bar_add(attend_bar *bar, int64_t steps)
{
    if (!bar->shown || steps <= 0)
        return;
    pthread_mutex_lock(&bar->lock);
    const double now = number_clock();
    bar->done += steps;
    if (now - bar->drawn > 0.1 && bar->done < bar->progress.all) {
        bar->drawn = now;
        progress_show(&bar->progress, 0, bar->done);
    }
    pthread_mutex_unlock(&bar->lock);
}

void bar_close(attend_bar *bar)
{
    if (bar->shown)
        progress_clear();
    pthread_mutex_destroy(&bar->lock);
}
