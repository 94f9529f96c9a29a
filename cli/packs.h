// SPDX-License-Identifier: Apache-2.0
/* Many packs of documents: from a file, or drawn. */
#ifndef CPB_CLI_PACKS_H
#define CPB_CLI_PACKS_H

#include "documents.h"
#include "options.h"

/* Packs; starts as {0}. */
typedef struct cli_packs {
    size_t n;
    cli_list *pack; /* [n] */
} cli_packs;

/* One JSON array of document lengths per line. */
bool packs_read(const char *path, cli_packs *packs, cpb_error *error);

/* Draw --count packs of --tokens tokens from --sample: documents with replacement until
 * the pack is full, the last one cut. The same on every machine for the same --seed. */
bool packs_draw(const cli_options *options, cli_packs *packs, cpb_error *error);

void packs_free(cli_packs *packs);

#endif
