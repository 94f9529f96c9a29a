// SPDX-License-Identifier: Apache-2.0
/* Plans drawn with characters: in colour on a terminal, in letters elsewhere. */
#ifndef CPB_CLI_DRAWTEXT_H
#define CPB_CLI_DRAWTEXT_H

#include "view.h"

#include <stdio.h>

/* The same as a panel of a picture, as wide as the terminal (at most 100 columns), 80
 * columns elsewhere. */
bool drawtext_print(FILE *stream, const cli_view *view, cpb_error *error);

#endif
