// SPDX-License-Identifier: Apache-2.0
/* A measured plan as one line of a file: CSV or a JSON object, out and in. */
#ifndef CPB_CLI_ROW_H
#define CPB_CLI_ROW_H

#include "members.h"
#include "recipe.h"
#include "report.h"

/* What is read back from a line. Texts belong to whoever read it. */
typedef struct cli_row {
    int64_t pack; /* from 0 */
    int64_t ranks;
    int64_t tokens;
    double tolerance;
    const char *balancer, *chosen;
    const char *profile, *kernel, *transport, *cost, *overlap;
    double imbalance, gap;
    int64_t receive_total, receive_max;
    int64_t runs_max, memory_max;
    double step_time, compute_mean, compute_max; /* microseconds */
    double plan_seconds;
    const char *hash;    /* of the plan */
    const char *version; /* of the program */
    const char *command; /* that made it, see recipe.h */
    const char *sweep;   /* hash of the recipe; "" where it is no row of a sweep */
} cli_row;

/* The numbers and names of a report; texts are borrowed. */
cli_row row_of(int64_t pack, const cli_report *report, const cli_recipe *recipe);

/* Names of the columns, or the row, as a line of CSV. */
void row_print_csv_names(FILE *stream);
void row_print_csv(FILE *stream, int64_t pack, const cli_report *report,
                   const cli_recipe *recipe);

/* The object of report_to_json() with what a row has beyond it; `pack` < 0: none.
 * NULL when memory ends. */
json_t *row_to_json(int64_t pack, const cli_report *report, const cli_recipe *recipe);

/* Read a row out of an object, from which its texts are borrowed. */
bool row_from_json(const json_t *object, const char *where, cli_row *row,
                   cpb_error *error);

/* The type of a column, false for one that nobody reads. */
typedef bool row_types(const char *name, member_type *type);

/* The columns that row_from_json() reads. */
row_types row_type;

/* A line of CSV as an object with the members that have a type. `names` are the cells of
 * the first line. NULL with a sentence. */
json_t *row_split(char *line, size_t n_names, const char *const *names,
                  row_types *types, cpb_error *error);

/* Cut a line of CSV into cells, in place; at most `room`. Returns how many there are, 0
 * where quotes do not close. */
size_t row_cells(char *line, size_t room, const char **cells);

#endif
