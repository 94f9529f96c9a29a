// SPDX-License-Identifier: Apache-2.0
/* The table of flags: who takes which, and how its value is read. */
#ifndef CPB_CLI_FLAGS_H
#define CPB_CLI_FLAGS_H

#include "options.h"

typedef struct flag_row flag_row;

/* Reads one value into the struct; `text` belongs to the struct. */
typedef bool read_value(const flag_row *flag, const char *text, cli_options *options,
                        cpb_error *error);

struct flag_row {
    const char *name;
    const char *value; /* what help calls its value; NULL: it takes none; in brackets:
                          it may go without */
    const char *help;
    unsigned users;
    read_value *read;
    size_t offset;            /* of the member it fills */
    int64_t low, high;        /* of a number */
    const char *const *names; /* of a choice, NULL-terminated */
};

/* At most so many rows. */
enum { MOST_FLAGS = 96 };

extern const flag_row flags[];
extern const size_t n_flags;

/* Users of a flag that only schedules have: a sweep takes it beside --budget. */
enum { ONLY_SCHEDULES = USED_BY_SCHEDULE | USED_BY_SWEEP };

/* Subcommands with one argument that is no flag: a file. */
enum { TAKES_FILE = USED_BY_CALIBRATE | USED_BY_REPORT };

#endif
