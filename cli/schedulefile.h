// SPDX-License-Identifier: Apache-2.0
/* The schedule file; its format stands in docs/formats.md. */
#ifndef CPB_CLI_SCHEDULEFILE_H
#define CPB_CLI_SCHEDULEFILE_H

#include "step.h"

/* What a schedule file says; nothing of it is believed. Starts as {0}. */
typedef struct cli_schedulefile {
    json_t *root;
    cli_step step;
    const char *chosen; /* borrowed from root */
    int32_t block;
    cpb_placement *placement; /* [step.n] */
    int64_t n_cuts;
    int64_t *cut; /* [n_cuts] of all documents, one after the other */
    int64_t n_groups;
    cpb_group *groups;  /* [n_groups] */
    int64_t *documents; /* of the groups, one after the other */
    uint64_t *plans;    /* [n_groups] hashes of their plans, 0: none */
    int64_t *first_run; /* [ranks of all groups + 1]; NULL where no runs are stated */
    cpb_range *runs;    /* of all plans, one after the other */
    int64_t n_reroutes;
    cpb_reroute *reroutes; /* [n_reroutes] */
    cpb_schedule_score score;
    uint64_t hash;
} cli_schedulefile;

/* Read a schedule file: every member must be there and of its type. */
bool schedulefile_read(const char *path, cli_schedulefile *file, cpb_error *error);

/* The part of it that reads "schedule". */
bool schedulefile_read_groups(cli_schedulefile *file, cpb_error *error);

/* As the check takes it; borrowed from the file. */
cpb_schedule_claim schedulefile_claim(const cli_schedulefile *file);

/* Prove a schedule file, and say so on standard output. */
bool schedulefile_prove(const char *path, cpb_error *error);

void schedulefile_free(cli_schedulefile *file);

/* What --json prints, NULL when memory ends. */
json_t *schedule_to_json(const cpb_schedule *schedule, const cpb_domain *domain,
                         bool runs);

/* The object of a schedule file, likewise. */
json_t *schedulefile_to_json(const cpb_schedule *schedule,
                             const cpb_documents *documents, const cpb_domain *domain,
                             bool runs);

#endif
