// SPDX-License-Identifier: Apache-2.0
/* How results were made: the command in one form, and a hash of it and all it reads. */
#ifndef CPB_CLI_RECIPE_H
#define CPB_CLI_RECIPE_H

#include "options.h"

/* Starts as {0}. */
typedef struct cli_recipe {
    char *command; /* flags in the order of the table, quoted for a shell; without those
                      that change no result (-o, --json, --csv, --threads, --memory) */
    char hash[17]; /* 16 hexadecimal digits over version, command and data */
} cli_recipe;

/* `data` is a hash of what --documents, --packs or --sample stand for; the bytes of files
 * behind an @ are read here. */
bool recipe_write(const cli_options *options, uint64_t data, cli_recipe *recipe,
                  cpb_error *error);

/* The command alone, without a hash: of what is not gone on with. */
bool recipe_write_command(const cli_options *options, cli_recipe *recipe,
                          cpb_error *error);

void recipe_free(cli_recipe *recipe);

#endif
