// SPDX-License-Identifier: Apache-2.0
/* Runs of plans in plan files and schedule files: per rank a list of [begin, end]. */
#ifndef CPB_CLI_RUNS_H
#define CPB_CLI_RUNS_H

#include "json.h"

/* Those of a plan; NULL when memory ends. */
json_t *runs_to_json(const cpb_plan *plan);

/* Count those of each rank: first[0] is there, first[1 .. ranks] follow. */
bool runs_count(const json_t *lists, const char *where, int32_t ranks, int64_t *first,
                cpb_error *error);

/* Read them all, rank by rank. */
bool runs_read(const json_t *lists, const char *where, cpb_range *runs,
               cpb_error *error);

/* Read 16 hexadecimal digits. */
bool hash_read(const json_t *text, const char *where, uint64_t *hash, cpb_error *error);

#endif
