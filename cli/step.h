// SPDX-License-Identifier: Apache-2.0
/* What a schedule is made for: the documents of a step and its domain, from flags, from a
 * table of documents, or from a schedule file. */
#ifndef CPB_CLI_STEP_H
#define CPB_CLI_STEP_H

#include "json.h"
#include "options.h"

/* What may be known of each document. */
typedef enum step_column {
    STEP_TOKENS,
    STEP_COST,
    STEP_LOSS,
    STEP_HOLDER,
    STEP_WAITED,
    STEP_PLACE,
    STEP_COLUMNS
} step_column;

/* They are the members of cpb_documents. */
extern const char *const step_column_names[STEP_COLUMNS];

/* Names of cpb_meet. */
extern const char *const step_meet_names[];

/* Starts as {0}. */
typedef struct cli_step {
    int64_t n;
    int64_t *column[STEP_COLUMNS]; /* [n] each; NULL where nothing is known */
    int32_t *holder;               /* [n] the column as the library takes it */
    int32_t *size;                 /* sizes of groups where they are a list */
    cpb_domain domain;             /* borrows `size`, and `row` of flags or file */
} cli_step;

/* Read what the flags of `cpb schedule` say. */
bool step_read(const cli_options *options, cli_step *step, cpb_error *error);

/* The domain alone, for a step whose documents come from elsewhere. */
bool step_read_domain(const cli_options *options, cli_step *step, cpb_error *error);

/* Take the tokens of n documents, of which nothing else is known. */
bool step_set_tokens(cli_step *step, const cli_list *tokens, cpb_error *error);

/* Read documents from CSV with a line of column names. */
bool step_read_csv(const char *path, cli_step *step, cpb_error *error);

/* Make `holder` of its column, whose values fit into 32 bits. */
bool step_narrow_holders(cli_step *step, cpb_error *error);

/* The members of a schedule file that say what it was made for: those of the domain, and
 * `documents`. */
void step_put_domain(json_t *object, const cpb_domain *domain, bool *good);
json_t *step_documents_to_json(const cpb_documents *documents);
bool step_from_json(const json_t *root, cli_step *step, cpb_error *error);

/* As the library takes them; borrowed from the step. */
cpb_documents step_documents(const cli_step *step);

void step_free(cli_step *step);

#endif
