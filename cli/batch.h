// SPDX-License-Identifier: Apache-2.0
/* The masks that one plan is made for. */
#ifndef CPB_CLI_BATCH_H
#define CPB_CLI_BATCH_H

#include "documents.h"
#include "options.h"

/* Masks and their weights; starts as {0}. */
typedef struct cli_batch {
    size_t n;
    cpb_mask **mask; /* [n] owned */
    int64_t *weight; /* [n] */
} cli_batch;

/* Append a mask and own it, also on failure. */
bool batch_add(cli_batch *batch, cpb_mask *mask, int64_t weight, cpb_error *error);

/* The masks that --mask says, all of `documents` where those are given; without --mask
 * causal inside each document. */
bool batch_read(const cli_options *options, const cli_list *documents, cli_batch *batch,
                cpb_error *error);

/* The same with the lengths of --documents. */
bool batch_of(const cli_options *options, cli_batch *batch, cpb_error *error);

/* A view for the library. */
cpb_masks batch_view(const cli_batch *batch);

int64_t batch_tokens(const cli_batch *batch);

void batch_free(cli_batch *batch);

#endif
