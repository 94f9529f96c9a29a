// SPDX-License-Identifier: Apache-2.0
/* Block masks as JSON. */
#ifndef CPB_CLI_MASKBLOCKS_H
#define CPB_CLI_MASKBLOCKS_H

#include "json.h"

/* The mask of an object with seq_lengths, block_size and FlexAttention's arrays.
 * `where` names the object in sentences. */
bool maskblocks_create(json_t *object, const char *where, size_t n_documents,
                       const int64_t *lengths, cpb_mask **mask, cpb_error *error);

#endif
