// SPDX-License-Identifier: Apache-2.0
/* Packs of documents, one after the other: from a file, or drawn. No more than one is
 * kept, so their number costs no memory. */
#ifndef CPB_CLI_PACKS_H
#define CPB_CLI_PACKS_H

#include "documents.h"
#include "options.h"

/* Where packs come from; starts as {0}. */
typedef struct cli_packs {
    int64_t n;     /* how many there are */
    int64_t given; /* how many of them were given out */
    uint64_t hash; /* of all lengths that packs are made of, and of their order */
    const char *path;
    FILE *file;   /* of --packs */
    int64_t line; /* of the file, from 1 */
    char *text;   /* [room] that line */
    size_t room;
    cli_list from;  /* of --sample, none for the built-in shares */
    int64_t tokens; /* of a drawn pack */
    uint64_t state; /* of the draw */
} cli_packs;

/* Whether --documents, --packs, --sample and what goes with them fit together, for
 * commands that take all of them. */
bool packs_flags_fit(const cli_options *options, cpb_error *error);

/* Open --packs, one JSON array of document lengths per line, which is read through once
 * so that what is wrong in it is said before work begins; or --sample, of which --count
 * packs of --tokens tokens are drawn: documents with replacement until the pack is full,
 * the last one cut. The same on every machine for the same --seed. */
bool packs_open(const cli_options *options, cli_packs *packs, cpb_error *error);

/* Put the next pack in place of what `pack` held; there must be one left. */
bool packs_next(cli_packs *packs, cli_list *pack, cpb_error *error);

/* The hash of a single pack. */
uint64_t packs_hash(const cli_list *pack);

void packs_close(cli_packs *packs);

#endif
