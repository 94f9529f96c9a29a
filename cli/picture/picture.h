// SPDX-License-Identifier: Apache-2.0
/* A picture: a list of shapes and texts, drawn once and rendered as SVG, PNG or PDF.
 *
 * Lengths are points, y grows downwards, colours are 0xRRGGBB. Adding never fails on its
 * own: a picture that ran out of memory remembers it, and picture_render() says so.
 * Everything handed in is copied. */
#ifndef CPB_PICTURE_H
#define CPB_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Colours of everything that carries no data. */
enum {
    PICTURE_PAPER = 0xffffff,
    PICTURE_INK = 0x1f2328,   /* texts */
    PICTURE_QUIET = 0x5b626b, /* axis labels, notes */
    PICTURE_RULE = 0xd0d5da,  /* grid lines */
    PICTURE_EMPTY = 0xf1f3f5  /* an area in which nothing is */
};

typedef struct picture picture;

typedef struct picture_box {
    double x, y, width, height;
} picture_box;

typedef struct picture_point {
    double x, y;
} picture_point;

typedef struct picture_pen {
    uint32_t colour;
    double width;
    double dash; /* length of dashes and gaps; 0: solid */
} picture_pen;

/* Where a text's x lies in it. */
typedef enum picture_anchor {
    PICTURE_START,
    PICTURE_MIDDLE,
    PICTURE_END
} picture_anchor;

typedef struct picture_font {
    double size;
    uint32_t colour;
    bool bold;
} picture_font;

/* A text in a picture, and the area that it covers. */
typedef struct picture_label {
    picture_box box;
    const char *text; /* UTF-8; borrowed */
} picture_label;

typedef enum picture_format { PICTURE_SVG, PICTURE_PNG, PICTURE_PDF } picture_format;

typedef enum picture_status {
    PICTURE_DONE = 0,
    PICTURE_NO_MEMORY,
    PICTURE_TOO_LARGE, /* more pixels than a PNG of ours may have */
    PICTURE_NOT_BUILT  /* this program was built without cairo */
} picture_status;

/* An empty picture, NULL when memory ends. */
picture *picture_create(void);

void picture_free(picture *p);

/* Let rendering say that memory ended: for who could not even describe a shape. */
void picture_fail(picture *p);

/* The page; the size may be set last, when the layout is known. */
void picture_set_size(picture *p, double width, double height);
picture_box picture_page(const picture *p);

void picture_rectangle(picture *p, picture_box box, uint32_t colour);

/* A filled polygon. */
void picture_polygon(picture *p, size_t n, const picture_point *points,
                     uint32_t colour);

/* A line through points. */
void picture_line(picture *p, size_t n, const picture_point *points, picture_pen pen);
void picture_segment(picture *p, double x0, double y0, double x1, double y1,
                     picture_pen pen);

/* A raster of [rows * columns] colours, row by row; cells keep sharp edges. */
void picture_image(picture *p, picture_box box, size_t columns, size_t rows,
                   const uint32_t *colours);

/* One line of text whose baseline starts, is centred or ends at (x, y). Bytes that are
 * no UTF-8, and control characters, become `?`. */
void picture_text(picture *p, double x, double y, picture_anchor anchor,
                  picture_font font, const char *text);

/* How wide it will be. */
double picture_text_width(picture *p, picture_font font, const char *text);

/* What a reader who points at an area is told; no format shows it by itself. */
void picture_note(picture *p, picture_box box, const char *text);

/* All texts, to test layouts: *n of them, borrowed until the picture changes. */
const picture_label *picture_labels(picture *p, size_t *n);

/* All notes, in the same way. */
const picture_label *picture_notes(picture *p, size_t *n);

/* Whether pictures can be rendered at all. */
bool picture_is_built(void);

/* Whether a font was found; without one cairo draws letters of its own, made of
 * strokes. */
bool picture_has_fonts(const picture *p);

/* Render. With equal fonts and versions of cairo, equal runs of the program give equal
 * bytes.
 * \param[out] bytes, n  the file; the caller frees it */
picture_status picture_render(const picture *p, picture_format format,
                              unsigned char **bytes, size_t *n);

#endif
