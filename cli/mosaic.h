// SPDX-License-Identifier: Apache-2.0
/* The attention matrix, or the line of tokens, as cells of a grid. */
#ifndef CPB_CLI_MOSAIC_H
#define CPB_CLI_MOSAIC_H

#include "coverage.h"

/* What is laid out. */
typedef struct cli_scene {
    const cli_owners *owners;
    const cpb_mask *mask; /* NULL: the line of tokens, one row of one query */
    size_t groups;
} cli_scene;

/* The mean colour of each cell, by area and in linear light, so that cells of any size
 * are as bright as what they hold; paper where no pair is.
 * \param[out] colours [rows.n * columns.n] */
bool mosaic_colours(cli_scene scene, cli_cells rows, cli_cells columns,
                    uint32_t *colours, cpb_error *error);

/* The group with most pairs in each cell (the first of equals), -1 where no pair is.
 * \param[out] group [rows.n * columns.n] */
bool mosaic_groups(cli_scene scene, cli_cells rows, cli_cells columns, int32_t *group,
                   cpb_error *error);

#endif
