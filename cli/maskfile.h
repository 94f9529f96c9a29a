// SPDX-License-Identifier: Apache-2.0
/* Masks as JSON; the format stands in docs/masks.md. */
#ifndef CPB_CLI_MASKFILE_H
#define CPB_CLI_MASKFILE_H

#include "batch.h"
#include "json.h"

/* Add the mask that an object describes. `where` names it in sentences and may be "";
 * `factor` multiplies its weight. */
bool maskfile_add(json_t *value, const char *where, int64_t factor,
                  const cli_list *documents, cli_batch *batch, cpb_error *error);

/* Add the mask of a file, or its list of masks. */
bool maskfile_read(const char *path, int64_t factor, const cli_list *documents,
                   cli_batch *batch, cpb_error *error);

/* A mask with its weight as an object: its text, or its slices and documents. NULL when
 * memory ends. */
json_t *maskfile_to_json(const cpb_mask *mask, int64_t weight);

#endif
