// SPDX-License-Identifier: Apache-2.0
/* A picture as a list of shapes. */
#include "shapes.h"

#include <stdlib.h>
#include <string.h>

picture *picture_create(void)
{
    picture *const p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->backend = backend_create();
    if (p->backend)
        return p;
    free(p);
    return NULL;
}

void picture_fail(picture *p)
{
    p->failed = true;
}

static void free_shape(shape *s)
{
    free(s->points);
    free(s->pixels);
    free(s->text);
}

void picture_free(picture *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_shapes; i++)
        free_shape(&p->shapes[i]);
    for (size_t i = 0; i < p->n_notes; i++)
        free((char *)(uintptr_t)p->notes[i].text);
    free(p->shapes);
    free(p->labels);
    free(p->notes);
    backend_free(p->backend);
    free(p);
}

void picture_set_size(picture *p, double width, double height)
{
    p->width = width;
    p->height = height;
}

picture_box picture_page(const picture *p)
{
    return (picture_box){0, 0, p->width, p->height};
}

bool picture_has_fonts(const picture *p)
{
    return backend_has_fonts(p->backend);
}

/* The elements with room for one more; NULL, and the picture failed, when memory ends. */
static void *grow(picture *p, void *elements, size_t n, size_t *room, size_t bytes)
{
    if (n < *room)
        return elements;
    const size_t wanted = *room ? 2 * *room : 64;
    void *const moved = realloc(elements, wanted * bytes);
    p->failed = p->failed || !moved;
    *room = moved ? wanted : *room;
    return moved;
}

/* A copy of n elements, NULL (and the picture failed) when memory ends. */
static void *copy(picture *p, const void *elements, size_t n, size_t bytes)
{
    void *const copied = malloc(n * bytes + 1);
    p->failed = p->failed || !copied;
    if (copied && n)
        memcpy(copied, elements, n * bytes);
    return copied;
}

/* Append a shape and own what it holds. */
static bool add(picture *p, shape s, bool whole)
{
    shape *const shapes =
        whole ? grow(p, p->shapes, p->n_shapes, &p->room_shapes, sizeof s) : NULL;
    if (shapes) {
        p->shapes = shapes;
        shapes[p->n_shapes++] = s;
    } else {
        free_shape(&s);
    }
    return shapes;
}

void picture_polygon(picture *p, size_t n, const picture_point *points, uint32_t colour)
{
    const shape s = {.kind = SHAPE_POLYGON,
                     .colour = colour,
                     .n = n,
                     .points = copy(p, points, n, sizeof *points)};
    add(p, s, s.points);
}

void picture_rectangle(picture *p, picture_box box, uint32_t colour)
{
    const double right = box.x + box.width, bottom = box.y + box.height;
    const picture_point corners[] = {
        {box.x, box.y}, {right, box.y}, {right, bottom}, {box.x, bottom}};
    picture_polygon(p, 4, corners, colour);
}

void picture_line(picture *p, size_t n, const picture_point *points, picture_pen pen)
{
    const shape s = {.kind = SHAPE_LINE,
                     .pen = pen,
                     .n = n,
                     .points = copy(p, points, n, sizeof *points)};
    add(p, s, s.points);
}

void picture_segment(picture *p, double x0, double y0, double x1, double y1,
                     picture_pen pen)
{
    const picture_point ends[] = {{x0, y0}, {x1, y1}};
    picture_line(p, 2, ends, pen);
}

void picture_image(picture *p, picture_box box, size_t columns, size_t rows,
                   const uint32_t *colours)
{
    const shape s = {.kind = SHAPE_IMAGE,
                     .box = box,
                     .columns = columns,
                     .rows = rows,
                     .pixels = copy(p, colours, columns * rows, sizeof *colours)};
    add(p, s, s.pixels);
}

/* Bytes of the UTF-8 character at `text`, 0 where there is none (or a control
 * character). */
static size_t character_bytes(const unsigned char *text)
{
    const unsigned char first = text[0];
    const size_t n = first < 0x80   ? 1
                     : first < 0xc2 ? 0
                     : first < 0xe0 ? 2
                     : first < 0xf0 ? 3
                     : first < 0xf5 ? 4
                                    : 0;
    if (n == 1)
        return first >= ' ' && first != 0x7f;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    const bool overlong =
        (first == 0xe0 && text[1] < 0xa0) || (first == 0xf0 && text[1] < 0x90);
    const bool beyond =
        (first == 0xed && text[1] > 0x9f) || (first == 0xf4 && text[1] > 0x8f);
    return overlong || beyond ? 0 : n;
}

/* A text that every format can hold. */
static char *clean(picture *p, const char *text)
{
    char *const copied = copy(p, text, strlen(text) + 1, 1);
    for (char *next = copied; copied && *next;) {
        const size_t n = character_bytes((const unsigned char *)next);
        if (!n)
            *next = '?';
        next += n ? n : 1;
    }
    return copied;
}

double picture_text_width(picture *p, picture_font font, const char *text)
{
    char *const cleaned = clean(p, text);
    const double width = cleaned ? backend_measure(p->backend, font, cleaned).width : 0;
    free(cleaned);
    return width;
}

/* Append to a list of labels; `text` is what it says. */
static bool add_label(picture *p, picture_label **list, size_t *n, size_t *room,
                      picture_box box, const char *text)
{
    picture_label *const labels = grow(p, *list, *n, room, sizeof *labels);
    if (labels) {
        *list = labels;
        labels[(*n)++] = (picture_label){box, text};
    }
    return labels;
}

void picture_text(picture *p, double x, double y, picture_anchor anchor,
                  picture_font font, const char *text)
{
    shape s = {.kind = SHAPE_TEXT, .font = font, .n = 1, .text = clean(p, text)};
    const text_extent extent =
        s.text ? backend_measure(p->backend, font, s.text) : (text_extent){0};
    const double left = x - (anchor == PICTURE_MIDDLE ? extent.width / 2
                             : anchor == PICTURE_END  ? extent.width
                                                      : 0);
    s.points = copy(p, &(picture_point){left, y}, 1, sizeof *s.points);
    if (add(p, s, s.text && s.points))
        add_label(p, &p->labels, &p->n_labels, &p->room_labels,
                  (picture_box){left, y - extent.ascent, extent.width,
                                extent.ascent + extent.descent},
                  s.text);
}

void picture_note(picture *p, picture_box box, const char *text)
{
    char *const cleaned = clean(p, text);
    if (cleaned && !add_label(p, &p->notes, &p->n_notes, &p->room_notes, box, cleaned))
        free(cleaned);
}

const picture_label *picture_labels(picture *p, size_t *n)
{
    *n = p->n_labels;
    return p->labels;
}

const picture_label *picture_notes(picture *p, size_t *n)
{
    *n = p->n_notes;
    return p->notes;
}
