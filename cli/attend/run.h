// SPDX-License-Identifier: Apache-2.0
/* One rank of `cpb attend`: numbers, passes, verification, what rank 0 hears of it. */
#ifndef CPB_CLI_ATTEND_RUN_H
#define CPB_CLI_ATTEND_RUN_H

#include "bar.h"
#include "dense.h"

/* Arrays that are compared with the dense ones. */
typedef enum run_array { RUN_OUT, RUN_LSE, RUN_DQ, RUN_DK, RUN_DV, RUN_N } run_array;

typedef enum run_pass { RUN_FORWARD, RUN_BACKWARD, RUN_PASSES } run_pass;

/* What rank 0 hears of a rank; plain bytes that travel. */
typedef struct run_result {
    cpb_attend_times times[RUN_PASSES]; /* of a pass that ran */
    double error[RUN_N];                /* largest difference */
    double largest[RUN_N];              /* largest value of the dense result */
    int64_t checked;                    /* queries that were compared */
    int64_t scratch;                    /* bytes of cpb_attend_sizes */
    int64_t arrays;                     /* bytes of keys, values and their gradients */
} run_result;

/* What all ranks are to do; read by all, but for the results. */
typedef struct run_job {
    const cpb_plan *plan;
    dense_problem dense;
    cpb_exchange_options exchange;
    bool backward;
    bool only_timed; /* nothing is compared */
    attend_bar *bar;
    run_result *results; /* [ranks] filled on rank 0 */
} run_job;

/* A rank's own, in shard order; released by whoever made it. */
typedef struct run_arrays {
    cpb_exchange *exchange;
    cpb_attend *attend;
    cpb_attend_sizes sizes;
    float *q, *kv, *out, *lse, *dout, *dq, *dkv;
} run_arrays;

/* Sequences of at most this many tokens are verified whole. */
enum { RUN_WHOLE = 4096 };

/* A cpb_rank_run; the context is the job. */
cpb_status run_rank(void *context, const cpb_link *link, cpb_error *error);

/* Compare a rank's results with dense ones. Collective. */
cpb_status run_verify(const run_job *job, const cpb_link *link, const run_arrays *a,
                      run_result *result, cpb_error *error);

#endif
