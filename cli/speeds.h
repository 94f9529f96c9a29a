// SPDX-License-Identifier: Apache-2.0
/* Relative speeds of the ranks. */
#ifndef CPB_CLI_SPEEDS_H
#define CPB_CLI_SPEEDS_H

#include "json.h"

/* Speeds; starts as {0}: all ranks alike. */
typedef struct cli_speeds {
    size_t n;
    int32_t *speed; /* [n] each 1 .. CPB_MAX_SPEED; NULL: all ranks alike */
} cli_speeds;

/* Read `S1,S2,...` or `@FILE` in place of what was there. */
bool speeds_read(const char *text, cli_speeds *out, cpb_error *error);

/* Whether there is one for each rank, if there are any. */
bool speeds_fit(const cli_speeds *speeds, int64_t ranks, cpb_error *error);

/* The list, or null. */
json_t *speeds_to_json(const int32_t *speed, int32_t ranks);
bool speeds_from_json(const json_t *value, int32_t ranks, cli_speeds *out,
                      cpb_error *error);

void speeds_free(cli_speeds *speeds);

#endif
