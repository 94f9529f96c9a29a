// SPDX-License-Identifier: Apache-2.0
/* Index arrays as .npy files; the accepted subset stands in docs/formats.md. */
#ifndef CPB_CLI_NPY_H
#define CPB_CLI_NPY_H

#include "output.h"

/* Read the (N,) or (1, N) integers of `path`. `*values` is the caller's to free. */
bool npy_read(const char *path, int64_t *n, int64_t **values, cpb_error *error);

/* Write `n` integers of `type` as a 1-D array; `file` is open. */
bool npy_write(cli_output *file, cpb_index type, int64_t n, const void *values,
               cpb_error *error);

/* Bytes of one element. */
size_t npy_element_bytes(cpb_index type);

#endif
