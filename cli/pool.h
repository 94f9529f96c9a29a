// SPDX-License-Identifier: Apache-2.0
/* Threads that do numbered jobs, whose results are taken in the order of the numbers. */
#ifndef CPB_CLI_POOL_H
#define CPB_CLI_POOL_H

#include <cpb/cpb.h>

/* What the jobs are. Functions return false with a sentence, which ends the work. */
typedef struct pool_work {
    void *context;
    int64_t first, end; /* jobs first .. end - 1 */
    int threads;
    size_t slot_bytes; /* memory of a job, zero before its first use, then reused */
    /* Prepare a job. Called in order, one at a time. */
    bool (*start)(void *context, int64_t job, void *slot, cpb_error *error);
    /* Do it. Called by several threads at a time. */
    bool (*run)(void *context, int64_t job, void *slot, cpb_error *error);
    /* Take the result. Called in order, one at a time, never beside start. */
    bool (*take)(void *context, int64_t job, void *slot, cpb_error *error);
    void (*free_slot)(void *slot);
    /* Called now and then with the number of the next job to be taken. */
    void (*tick)(void *context, int64_t taken);
} pool_work;

typedef enum pool_end {
    POOL_DONE,
    POOL_INTERRUPTED, /* by SIGINT, SIGTERM or SIGHUP: what had begun was still taken */
    POOL_FAILED
} pool_end;

/* Do all jobs. A job that takes long holds up those more than a few behind it. */
pool_end pool_run(const pool_work *work, cpb_error *error);

#endif
