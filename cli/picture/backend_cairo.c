// SPDX-License-Identifier: Apache-2.0
/* Measuring and rendering with cairo. */
#include "shapes.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PNG_SCALE = 2, MAX_PIXELS = 16384, PIXELS_PER_POINT = 2 };

struct backend {
    cairo_surface_t *surface;
    cairo_t *cairo;
};

/* What was written so far. */
typedef struct stream {
    unsigned char *bytes;
    size_t n, room;
    bool failed; /* cairo forgets it when it finishes a file */
} stream;

static double part(uint32_t colour, int shift)
{
    return (double)(colour >> shift & 0xff) / 255;
}

static void use_colour(cairo_t *cairo, uint32_t colour)
{
    cairo_set_source_rgb(cairo, part(colour, 16), part(colour, 8), part(colour, 0));
}

/* Letters keep their widths in every format: no hints. */
static void use_font(cairo_t *cairo, picture_font font)
{
    cairo_font_options_t *const options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(cairo, options);
    cairo_font_options_destroy(options);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           font.bold ? CAIRO_FONT_WEIGHT_BOLD
                                     : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, font.size);
}

backend *backend_create(void)
{
    backend *const b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    b->cairo = cairo_create(b->surface);
    if (cairo_status(b->cairo) == CAIRO_STATUS_SUCCESS)
        return b;
    backend_free(b);
    return NULL;
}

void backend_free(backend *b)
{
    if (!b)
        return;
    cairo_destroy(b->cairo);
    cairo_surface_destroy(b->surface);
    free(b);
}

text_extent backend_measure(backend *b, picture_font font, const char *text)
{
    cairo_text_extents_t extents;
    cairo_font_extents_t of_font;
    use_font(b->cairo, font);
    cairo_text_extents(b->cairo, text, &extents);
    cairo_font_extents(b->cairo, &of_font);
    /* The extents of a font hold accents; figures and letters reach less far. */
    const double ascent = fmin(of_font.ascent, 0.8 * font.size);
    return (text_extent){extents.x_advance, ascent,
                         fmin(of_font.descent, 0.25 * font.size)};
}

bool backend_has_fonts(backend *b)
{
    use_font(b->cairo, (picture_font){.size = 10});
    return cairo_scaled_font_get_type(cairo_get_scaled_font(b->cairo)) !=
           CAIRO_FONT_TYPE_USER;
}

bool picture_is_built(void)
{
    return true;
}

static void trace(cairo_t *cairo, const shape *s)
{
    cairo_new_path(cairo);
    for (size_t i = 0; i < s->n; i++)
        cairo_line_to(cairo, s->points[i].x, s->points[i].y);
}

static void draw_polygon(cairo_t *cairo, const shape *s)
{
    trace(cairo, s);
    cairo_close_path(cairo);
    use_colour(cairo, s->colour);
    cairo_fill(cairo);
}

static void draw_line(cairo_t *cairo, const shape *s)
{
    trace(cairo, s);
    use_colour(cairo, s->pen.colour);
    cairo_set_line_width(cairo, s->pen.width);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(cairo, &s->pen.dash, s->pen.dash > 0, 0);
    cairo_stroke(cairo);
}

static void draw_text(cairo_t *cairo, const shape *s)
{
    use_font(cairo, s->font);
    use_colour(cairo, s->font.colour);
    cairo_move_to(cairo, s->points->x, s->points->y);
    cairo_show_text(cairo, s->text);
}

/* How often a cell is repeated along a side, so that viewers that blend neighbouring
 * pixels blur no more than a hair's breadth of it. */
static size_t repeats(double points, size_t cells)
{
    const double wanted = PIXELS_PER_POINT * points / (double)cells;
    return wanted > 1 ? (size_t)ceil(wanted) : 1;
}

static cairo_surface_t *create_image(const shape *s)
{
    const size_t across = repeats(s->box.width, s->columns);
    const size_t down = repeats(s->box.height, s->rows);
    const size_t columns = s->columns * across, rows = s->rows * down;
    cairo_surface_t *const image =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)columns, (int)rows);
    unsigned char *const data = cairo_image_surface_get_data(image);
    const size_t stride = (size_t)cairo_image_surface_get_stride(image);
    for (size_t row = 0; data && row < rows; row++) {
        const uint32_t *const from = s->pixels + row / down * s->columns;
        for (size_t column = 0; column < columns; column++)
            memcpy(data + row * stride + column * sizeof *from, from + column / across,
                   sizeof *from);
    }
    cairo_surface_mark_dirty(image);
    return image;
}

static void draw_image(cairo_t *cairo, const shape *s)
{
    cairo_surface_t *const image = create_image(s);
    const double columns = cairo_image_surface_get_width(image);
    const double rows = cairo_image_surface_get_height(image);
    cairo_save(cairo);
    cairo_translate(cairo, s->box.x, s->box.y);
    cairo_scale(cairo, s->box.width / columns, s->box.height / rows);
    cairo_set_source_surface(cairo, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_NEAREST);
    cairo_rectangle(cairo, 0, 0, columns, rows);
    cairo_fill(cairo);
    cairo_restore(cairo);
    cairo_surface_destroy(image);
}

static void draw(cairo_t *cairo, const picture *p)
{
    static void (*const draw_shape[])(cairo_t *,
                                      const shape *) = {[SHAPE_POLYGON] = draw_polygon,
                                                        [SHAPE_LINE] = draw_line,
                                                        [SHAPE_IMAGE] = draw_image,
                                                        [SHAPE_TEXT] = draw_text};
    use_colour(cairo, PICTURE_PAPER);
    cairo_paint(cairo);
    for (size_t i = 0; i < p->n_shapes; i++)
        draw_shape[p->shapes[i].kind](cairo, &p->shapes[i]);
}

static cairo_status_t append(void *closure, const unsigned char *bytes, unsigned n)
{
    stream *const to = closure;
    if (to->n + n > to->room) {
        const size_t room = 2 * to->room + n;
        unsigned char *const moved = realloc(to->bytes, room);
        to->failed = to->failed || !moved;
        if (!moved)
            return CAIRO_STATUS_NO_MEMORY;
        to->bytes = moved;
        to->room = room;
    }
    memcpy(to->bytes + to->n, bytes, n);
    to->n += n;
    return CAIRO_STATUS_SUCCESS;
}

/* A surface of the format; a PNG is written at the end. */
static cairo_surface_t *create_surface(const picture *p, picture_format format,
                                       stream *to)
{
    if (format == PICTURE_PNG)
        return cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                          (int)ceil(PNG_SCALE * p->width),
                                          (int)ceil(PNG_SCALE * p->height));
    if (format == PICTURE_SVG)
        return cairo_svg_surface_create_for_stream(append, to, p->width, p->height);
    cairo_surface_t *const surface =
        cairo_pdf_surface_create_for_stream(append, to, p->width, p->height);
    /* Equal pictures are equal files whenever they are made. */
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE,
                                   "2000-01-01T00:00:00Z");
    return surface;
}

/* Draw, and finish the file. */
static cairo_status_t write(const picture *p, picture_format format, stream *to)
{
    cairo_surface_t *const surface = create_surface(p, format, to);
    cairo_t *const cairo = cairo_create(surface);
    if (format == PICTURE_PNG)
        cairo_scale(cairo, PNG_SCALE, PNG_SCALE);
    draw(cairo, p);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    if (!status && format == PICTURE_PNG)
        status = cairo_surface_write_to_png_stream(surface, append, to);
    cairo_surface_finish(surface);
    if (!status)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    return status;
}

picture_status picture_render(const picture *p, picture_format format,
                              unsigned char **bytes, size_t *n)
{
    stream to = {0};
    *bytes = NULL;
    *n = 0;
    if (p->failed)
        return PICTURE_NO_MEMORY;
    if (format == PICTURE_PNG && PNG_SCALE * fmax(p->width, p->height) > MAX_PIXELS)
        return PICTURE_TOO_LARGE;
    if (write(p, format, &to) || to.failed) {
        free(to.bytes);
        return PICTURE_NO_MEMORY;
    }
    *bytes = to.bytes;
    *n = to.n;
    return PICTURE_DONE;
}
