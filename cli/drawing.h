// SPDX-License-Identifier: Apache-2.0
/* Pictures of plans, made of panels: a plan through one mask each. */
#ifndef CPB_CLI_DRAWING_H
#define CPB_CLI_DRAWING_H

#include "picture/picture.h"
#include "view.h"

/* Points. */
enum { DRAWING_PANEL_WIDTH = 340, DRAWING_GAP = 28, DRAWING_MARGIN = 24 };

/* The attention matrix by owner, below the line of tokens, DRAWING_PANEL_WIDTH wide;
 * *height is what it takes. Up to 128 tokens every pair is a square; otherwise areas are
 * exact, as shapes, or as cells where shapes would be too fine. */
bool drawing_matrix(picture *p, double x, double y, const cli_view *view,
                    double *height, cpb_error *error);

/* A page with n panels side by side, up to three in a row. */
bool drawing_page(picture *p, size_t n, const cli_view *views, cpb_error *error);

#endif
