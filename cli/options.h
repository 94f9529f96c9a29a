// SPDX-License-Identifier: Apache-2.0
/* The flags of all subcommands: one table, one struct. */
#ifndef CPB_CLI_OPTIONS_H
#define CPB_CLI_OPTIONS_H

#include "axes.h"
#include "speeds.h"

#include <cpb/cpb.h>
#include <stdio.h>

/* Subcommands, as bits of a row in the table of flags. */
typedef enum cli_user {
    USED_BY_PLAN = 1,
    USED_BY_SCORE = 2,
    USED_BY_CHECK = 4,
    USED_BY_COMPARE = 8,
    USED_BY_PAD = 16,
    USED_BY_DRAW = 32,
    USED_BY_CALIBRATE = 64,
    USED_BY_SWEEP = 128,
    USED_BY_REPORT = 256,
    USED_BY_SCHEDULE = 512,
    USED_BY_ATTEND = 1024
} cli_user;

/* Values of a flag that repeats. */
typedef struct cli_texts {
    size_t n;
    const char **text; /* [n] */
} cli_texts;

/* A flag as it was given. */
typedef struct cli_said {
    size_t flag;      /* its place in the table */
    const char *name; /* without dashes */
    char *text;       /* its value, NULL where it takes none */
} cli_said;

/* What the flags said. Numbers and choices are -1, strings NULL where nothing was said;
 * choices are values of the enum of the same name in the library. */
typedef struct cli_options {
    char *file; /* the argument that is no flag, of commands that take one */
    const char *documents;
    const char **masks; /* [n_masks] */
    size_t n_masks;
    int64_t combine;
    int64_t ranks;
    int64_t nodes;
    cli_speeds speeds;
    const char *balancer;
    cli_texts balancers; /* where it repeats */
    int64_t chunk;
    int64_t tolerance_ppm;
    int64_t sizes;
    int64_t cap;
    int64_t kernel;
    int64_t transport;
    int64_t cost;
    const char *profile;
    cpb_model model;
    bool model_given;
    int64_t overlap;
    bool backward;
    int64_t peers;
    int64_t effort;
    bool strict;
    const char *order;
    const char *inverse;
    int64_t dtype;
    const char *plan;
    cli_texts plans; /* where it repeats */
    bool json;
    bool csv;
    bool curve;
    const char *packs;
    const char *sample;
    int64_t tokens;
    int64_t count;
    int64_t seed;
    int64_t multiple;
    int64_t budget;
    const char *row;
    const char *meet;
    const char *groups;
    bool one_size;
    bool groups_only;
    bool runs;
    int64_t micro_least;
    int64_t micro_most;
    int64_t micro_multiple;
    int64_t fixed;
    int64_t window;
    int64_t hold;
    int64_t token_bytes;
    const char *schedule;
    cli_texts schedules; /* where it repeats */
    bool compare;
    const char *timeline;
    const char *timings;
    const char *output; /* -o */
    cli_axes axes;
    int64_t memory;
    int64_t threads;
    bool help, version;
    const char *command;
    cli_said *said; /* [n_said] in the order given; the strings above point into it */
    size_t n_said;
} cli_options;

/* Read the arguments behind the name of a subcommand. An exit status; when it is not
 * EXIT_DONE, `error` says why. */
int options_read(const char *command, cli_user user, int argc, char **argv,
                 cli_options *options, cpb_error *error);

void options_free(cli_options *options);

/* Print the flags that `user` takes. */
void options_print_help(cli_user user, FILE *stream);

/* What the choices are called; indices are values of the library's enums. */
extern const char *const kernel_names[];
extern const char *const transport_names[];
extern const char *const cost_names[];
extern const char *const overlap_names[];
extern const char *const sizes_names[];
extern const char *const combine_names[];
enum {
    N_KERNELS = 3,
    N_TRANSPORTS = 3,
    N_COSTS = 3,
    N_OVERLAPS = 3,
    N_SIZES = 2,
    N_COMBINES = 2
};

#endif
