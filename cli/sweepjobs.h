// SPDX-License-Identifier: Apache-2.0
/* What sweeps of plans and of schedules share: packs in order, threads, a file that a run
 * appends to and goes on from, progress and interrupts. */
#ifndef CPB_CLI_SWEEPJOBS_H
#define CPB_CLI_SWEEPJOBS_H

#include "packs.h"
#include "progress.h"
#include "recipe.h"
#include "sweepfile.h"

typedef struct sweep_job {
    int64_t pack;
    size_t ranks;              /* which of the numbers of ranks */
    const cli_list *documents; /* NULL: there are only masks */
} sweep_job;

/* What a sweep tries. Combinations are numbered pack by pack, in a pack by number of
 * ranks, then by cell; a job is the cells of one pack on one number of ranks. */
typedef struct sweep_kind {
    void *context;
    sweepfile_rows rows;
    int64_t most_tokens; /* of --documents */
    size_t cells;        /* of a job */
    size_t cell_bytes;   /* what is kept of one until it is taken */
    /* Do the cells from the `from`-th on, print their rows, and fill cells[0 .. cells);
     * those before are zero. Called by several threads at a time. */
    bool (*run)(const void *context, const sweep_job *job, size_t from, FILE *stream,
                void *cells, cpb_error *error);
    /* Take them, in order of the jobs. */
    bool (*take)(void *context, const sweep_job *job, const void *cells,
                 cpb_error *error);
} sweep_kind;

/* Starts as {.options, .kind}. */
typedef struct cli_sweepjobs {
    const cli_options *options;
    const sweep_kind *kind;
    int64_t n_packs;
    cli_recipe recipe;
    cli_packs packs;
    cli_list pack; /* the one at hand, or --documents */
    cli_sweepfile file;
    cli_progress progress;
    bool show_progress;
    int64_t first; /* combination that this run began with */
} cli_sweepjobs;

/* Read what gives the packs, and write the recipe. */
bool sweepjobs_open(cli_sweepjobs *jobs, cpb_error *error);

/* Read the file of -o where there is one, then do what is not in it. */
bool sweepjobs_run(cli_sweepjobs *jobs, cpb_error *error);

void sweepjobs_close(cli_sweepjobs *jobs);

#endif
