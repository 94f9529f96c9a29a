// SPDX-License-Identifier: Apache-2.0
/* A profile fitted to timings. */
#ifndef CPB_CLI_CALIBRATION_H
#define CPB_CLI_CALIBRATION_H

#include "timings.h"

/* Kinds of timings, each ranked by itself. */
typedef enum cli_case {
    CASE_FORWARD,
    CASE_BACKWARD,
    CASE_NET,
    CASE_LINK,
    N_CASES
} cli_case;

extern const char *const case_names[N_CASES];

typedef struct cli_calibration {
    cpb_profile profile;
    size_t timings[N_CASES]; /* how many of each kind */
    double worst[N_CASES];   /* largest |modelled / timed - 1| */
    int64_t worst_line[N_CASES];
    int64_t pairs;        /* of timings of one kind that took different times */
    int64_t pairs_ranked; /* of these, those that the model puts in the same order */
    int64_t wrong[2];     /* lines of the first pair that it does not; 0: none */
} cli_calibration;

/* Fit; `profile.name` is left empty. */
bool calibrate(const cli_timings *timings, cli_calibration *out, cpb_error *error);

#endif
