// SPDX-License-Identifier: Apache-2.0
/* How a picture is kept: what picture.c writes and a backend reads. */
#ifndef CPB_PICTURE_SHAPES_H
#define CPB_PICTURE_SHAPES_H

#include "picture.h"

typedef enum shape_kind {
    SHAPE_POLYGON,
    SHAPE_LINE,
    SHAPE_IMAGE,
    SHAPE_TEXT
} shape_kind;

typedef struct shape {
    shape_kind kind;
    uint32_t colour;       /* of a polygon */
    picture_pen pen;       /* of a line */
    picture_font font;     /* of a text */
    size_t n;              /* points */
    picture_point *points; /* [n]; of a text its one baseline point */
    picture_box box;       /* of an image */
    size_t columns, rows;
    uint32_t *pixels; /* [rows * columns] */
    char *text;
} shape;

typedef struct backend backend;

struct picture {
    double width, height;
    bool failed; /* memory ended */
    size_t n_shapes, room_shapes;
    shape *shapes;
    size_t n_labels, room_labels;
    picture_label *labels; /* texts are those of the shapes */
    size_t n_notes, room_notes;
    picture_label *notes; /* texts are owned */
    backend *backend;
};

/* Extent of a text from its starting point. */
typedef struct text_extent {
    double width;  /* to where a next text would start */
    double ascent; /* above the baseline, of the font */
    double descent;
} text_extent;

/* What measures texts; NULL when memory ends. */
backend *backend_create(void);
void backend_free(backend *b);
text_extent backend_measure(backend *b, picture_font font, const char *text);
bool backend_has_fonts(backend *b);

#endif
