// SPDX-License-Identifier: Apache-2.0
/* A bar that shows how much is done and how long the rest takes. */
#include "progress.h"

#include "number.h"

#include <inttypes.h>
#include <stdio.h>

enum { BAR_WIDTH = 30, LINE_WIDTH = 79 };

cli_progress progress_start(int64_t all)
{
    return (cli_progress){.all = all, .start = number_clock()};
}

void progress_clear(void)
{
    fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
    fflush(stderr);
}

static void print_time_left(int64_t seconds)
{
    if (seconds >= 3600)
        fprintf(stderr, ", %" PRId64 " h %02" PRId64 " min left", seconds / 3600,
                seconds / 60 % 60);
    else if (seconds >= 60)
        fprintf(stderr, ", %" PRId64 " min %02" PRId64 " s left", seconds / 60,
                seconds % 60);
    else
        fprintf(stderr, ", %" PRId64 " s left", seconds);
}

void progress_show(const cli_progress *progress, int64_t before, int64_t done)
{
    const int64_t filled = done * BAR_WIDTH / progress->all;
    const double passed = number_clock() - progress->start;
    const double left =
        passed * (double)(progress->all - done) / (double)(done - before);
    fputs("\r[", stderr);
    for (int64_t i = 0; i < BAR_WIDTH; i++)
        fputc(i < filled ? '#' : ' ', stderr);
    fprintf(stderr, "] %" PRId64 "/%" PRId64, done, progress->all);
    if (left >= 0 && left < 1e9)
        print_time_left((int64_t)(left + 0.5));
    fputs("   ", stderr); /* over the end of a longer line before */
    if (done == progress->all)
        progress_clear();
    fflush(stderr);
}
