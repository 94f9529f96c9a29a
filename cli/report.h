// SPDX-License-Identifier: Apache-2.0
/* A plan with everything that plan, score and compare say about it. */
#ifndef CPB_CLI_REPORT_H
#define CPB_CLI_REPORT_H

#include "batch.h"
#include "json.h"
#include "options.h"

#include <stdio.h>

/* Score of a plan, or of one mask of it. */
typedef struct cli_measured {
    cpb_score score;
    cpb_rank_score *ranks; /* [ranks] */
} cli_measured;

/* Whether loads keep a tolerance, as the library means it. Rounding does not decide: loads
 * are whole, and a plan on the edge is allowed one part in 10^12. */
bool measured_keeps(const cli_measured *measured, int64_t tolerance_ppm);

/* The largest load over what tolerances are relative to; 1 where there is no load. */
double measured_excess(const cli_measured *measured);

/* Set the first group, call report_measure(), read the second. Starts as {0}. */
typedef struct cli_report {
    const cpb_plan *plan;
    const cli_batch *batch;
    cpb_setup setup;
    int64_t tolerance_ppm;
    cpb_combine combine;
    const char *balancer; /* the name asked for */
    const char *chosen;   /* what made the plan */
    double plan_seconds;

    cli_measured all;
    cli_measured *layers; /* [batch->n] each mask by itself; NULL where there is one */
} cli_report;

cpb_status report_measure(cli_report *report, cpb_error *error);

void report_free(cli_report *report);

/* Refuse what --peers and --strict forbid. */
bool report_judge(const cli_report *report, const cli_options *options,
                  cpb_error *error);

/* Print the warning where there is one; once everything else is done, so that a failure
 * stays a single line. */
void report_warn(const cli_report *report, const char *command);

/* The object of --json, NULL when memory ends. */
json_t *report_to_json(const cli_report *report);

/* The masks as a list, each with its own figures where there are several. */
json_t *report_masks_to_json(const cli_report *report);

/* The object as cells of CSV, and the names of its columns; no end of line. */
void report_print_csv_names(FILE *stream);
void report_print_csv(FILE *stream, const cli_report *report);

/* A cell in double quotes, for what may hold a character that CSV gives a meaning. */
void report_print_quoted(FILE *stream, const char *text);

/* For people. */
bool report_print_summary(FILE *stream, const cli_report *report, cpb_error *error);

/* The object as JSON, or the summary. */
bool report_print(FILE *stream, const cli_report *report, bool json, cpb_error *error);

#endif
