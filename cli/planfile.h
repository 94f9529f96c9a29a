// SPDX-License-Identifier: Apache-2.0
/* The plan file; its format stands in docs/formats.md. */
#ifndef CPB_CLI_PLANFILE_H
#define CPB_CLI_PLANFILE_H

#include "report.h"

/* Figures as somebody states them. */
typedef struct cli_stated {
    cpb_score score;
    double step_us; /* the step time as it stands */
    int64_t *pairs; /* [ranks] */
    int64_t *loads; /* [ranks] */
} cli_stated;

/* What a plan file says; nothing of it is believed. Starts as {0}. */
typedef struct cli_planfile {
    json_t *root;
    int64_t tokens;
    int64_t padding;
    int32_t ranks;
    int64_t *first;  /* [ranks + 1] */
    cpb_range *runs; /* [first[ranks]] */
    cpb_promise promise;
    int64_t tolerance_ppm;
    cpb_combine combine;
    cli_speeds speeds; /* of setup */
    cpb_setup setup;
    const char *balancer; /* borrowed from root */
    const char *chosen;   /* borrowed from root */
    double plan_seconds;
    uint64_t hash;
    cli_batch batch;
    cli_stated all;
    cli_stated *layers; /* [batch.n] where there are several masks, else NULL */
} cli_planfile;

/* Read a plan file: every member must be there and of its type. */
bool planfile_read(const char *path, cli_planfile *file, cpb_error *error);

void planfile_free(cli_planfile *file);

/* The object of a plan file, NULL when memory ends. */
json_t *planfile_to_json(const cli_report *report);

#endif
