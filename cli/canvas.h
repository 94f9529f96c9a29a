// SPDX-License-Identifier: Apache-2.0
/* Coloured cells on a stream of characters. */
#ifndef CPB_CLI_CANVAS_H
#define CPB_CLI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How a stream shows colours. */
typedef enum canvas_ink {
    CANVAS_LETTERS, /* not at all */
    CANVAS_256,     /* the 256 colours of xterm */
    CANVAS_TRUE     /* red, green, blue */
} canvas_ink;

typedef struct cli_canvas {
    FILE *stream;
    canvas_ink ink;
    bool blocks;    /* knows half blocks, so that a character holds two cells */
    size_t columns; /* characters of a line */
} cli_canvas;

/* What a stream can do, from the terminal behind it and the environment. */
cli_canvas canvas_of(FILE *stream);

/* One character: `upper` above `lower` where there are half blocks, else `upper`
 * alone. */
void canvas_cell(const cli_canvas *canvas, uint32_t upper, uint32_t lower);

/* Back to the terminal's own colours. */
void canvas_plain(const cli_canvas *canvas);

#endif
