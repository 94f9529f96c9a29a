// SPDX-License-Identifier: Apache-2.0
/* The attention matrix in a picture. */
#include "drawing.h"
#include "message.h"
#include "mosaic.h"

#include <math.h>
#include <stdlib.h>

enum {
    GUTTER = 12,     /* left of the matrix: marks of documents */
    SIDE = 320,      /* of the matrix, at most */
    LINE_HEIGHT = 7, /* of the token line */
    MARK = 5,        /* length of a document's mark */
    EXACT_TOKENS = 128,
    MOST_SHAPES = 400,
    PIXELS = 640, /* cells along a side; two per point, as in a .png */
    RULED_DOCUMENTS = 24
};

/* Where tokens lie on paper. */
typedef struct frame {
    picture *p;
    double x, y; /* of the matrix */
    double each; /* points per token */
    size_t groups;
} frame;

static double at(double origin, const frame *f, double tokens)
{
    return origin + f->each * tokens;
}

/* What decides whether strips can be drawn as shapes. */
typedef struct survey {
    size_t n;
    int64_t thinnest;
} survey;

static void look(const cli_strip *strip, void *context)
{
    survey *const all = context;
    all->n++;
    all->thinnest = strip->rows < all->thinnest ? strip->rows : all->thinnest;
}

/* Every pair a square: two corners per row on both sides. */
static void draw_stairs(const cli_strip *strip, void *context)
{
    const frame *const f = context;
    picture_point corner[4 * EXACT_TOKENS];
    const size_t rows = (size_t)strip->rows;
    for (size_t i = 0; i < rows; i++) {
        const int64_t row = (int64_t)i;
        const double left =
            at(f->x, f, (double)(strip->left + row * strip->left_steps));
        const double right =
            at(f->x, f, (double)(strip->right + row * strip->right_steps));
        const double top = at(f->y, f, (double)(strip->first + row));
        const double bottom = at(f->y, f, (double)(strip->first + row + 1));
        corner[2 * i] = (picture_point){right, top};
        corner[2 * i + 1] = (picture_point){right, bottom};
        corner[4 * rows - 1 - 2 * i] = (picture_point){left, top};
        corner[4 * rows - 2 - 2 * i] = (picture_point){left, bottom};
    }
    picture_polygon(f->p, 4 * rows, corner, palette_ordered(strip->group, f->groups));
}

/* A trapezoid whose slanted sides run through the middle of the stairs, so that its area
 * is its pairs. */
static void draw_trapezoid(const cli_strip *strip, void *context)
{
    const frame *const f = context;
    const uint32_t colour = palette_ordered(strip->group, f->groups);
    const double rows = (double)strip->rows;
    const double left_steps = (double)strip->left_steps;
    const double right_steps = (double)strip->right_steps;
    const double left = (double)strip->left - left_steps / 2;
    const double right = (double)strip->right - right_steps / 2;
    const double top = at(f->y, f, (double)strip->first);
    const double bottom = at(f->y, f, (double)strip->first + rows);
    const picture_point corner[] = {{at(f->x, f, left), top},
                                    {at(f->x, f, right), top},
                                    {at(f->x, f, right + right_steps * rows), bottom},
                                    {at(f->x, f, left + left_steps * rows), bottom}};
    picture_polygon(f->p, 4, corner, colour);
    /* Viewers blend the common edge of two shapes with the paper: paint over it. */
    picture_segment(f->p, corner[2].x, bottom, corner[3].x, bottom,
                    (picture_pen){colour, 0.3, 0});
}

static bool draw_cells(picture *p, picture_box box, cli_scene scene, int64_t rows,
                       int64_t tokens, cpb_error *error)
{
    const cli_cells columns = {tokens, tokens < PIXELS ? tokens : PIXELS};
    const cli_cells down = {rows, rows < columns.n ? rows : columns.n};
    uint32_t *const colours = malloc((size_t)(down.n * columns.n) * sizeof *colours);
    const bool good = (colours || fail_memory(error)) &&
                      mosaic_colours(scene, down, columns, colours, error);
    if (good)
        picture_image(p, box, (size_t)columns.n, (size_t)down.n, colours);
    free(colours);
    return good;
}

/* The side of the matrix: whole half points (pixels) per token where tokens are few. */
static double side_of(int64_t tokens)
{
    if (tokens >= 2 * SIDE)
        return SIDE;
    return (double)(2 * SIDE / tokens * tokens) / 2;
}

static void draw_line_of_tokens(const frame *f, const cli_owners *owners, double y)
{
    for (size_t i = 0; i < owners->n; i++) {
        const cpb_range held = owners->owner[i].tokens;
        const double left = at(f->x, f, (double)held.begin);
        picture_rectangle(
            f->p,
            (picture_box){left, y, at(f->x, f, (double)held.end) - left, LINE_HEIGHT},
            palette_ordered(owners->owner[i].group, f->groups));
    }
}

/* Marks where documents end, as many as can be told apart; few documents get lines
 * across the matrix. */
static void mark_documents(const frame *f, const cpb_mask *mask, double side)
{
    const size_t n = cpb_mask_n_documents(mask);
    const int64_t *const end = cpb_mask_document_ends(mask);
    const picture_pen pen = {PICTURE_QUIET, 0.6, 0};
    double last = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        const double place = f->each * (double)end[i];
        if (place - last < 1.5 || side - place < 1.5)
            continue;
        if (n <= RULED_DOCUMENTS) {
            const picture_pen rule = {PICTURE_RULE, 0.5, 0};
            picture_segment(f->p, f->x, f->y + place, f->x + side, f->y + place, rule);
            picture_segment(f->p, f->x + place, f->y, f->x + place, f->y + side, rule);
        }
        picture_segment(f->p, f->x - 1 - MARK, f->y + place, f->x - 1, f->y + place,
                        pen);
        picture_segment(f->p, f->x + place, f->y - 1 - MARK, f->x + place, f->y - 1,
                        pen);
        last = place;
    }
}

static void draw_edge(picture *p, picture_box box)
{
    const double right = box.x + box.width, bottom = box.y + box.height;
    const picture_point corner[] = {{box.x, box.y},
                                    {right, box.y},
                                    {right, bottom},
                                    {box.x, bottom},
                                    {box.x, box.y}};
    picture_line(p, 5, corner, (picture_pen){PICTURE_RULE, 0.5, 0});
}

/* The pairs themselves, as shapes or as cells. */
static bool draw_pairs(frame *f, double side, const cli_view *view, cpb_error *error)
{
    const int64_t tokens = cpb_mask_tokens(view->mask);
    const cli_scene scene = {&view->owners, view->mask, view->groups.n};
    survey all = {.thinnest = tokens};
    strips_visit(&view->owners, view->mask, look, &all);
    const bool few = all.n <= MOST_SHAPES;
    if (few && tokens <= EXACT_TOKENS)
        strips_visit(&view->owners, view->mask, draw_stairs, f);
    else if (few && f->each * (double)all.thinnest >= 1)
        strips_visit(&view->owners, view->mask, draw_trapezoid, f);
    else
        return draw_cells(f->p, (picture_box){f->x, f->y, side, side}, scene, tokens,
                          tokens, error);
    return true;
}

bool drawing_matrix(picture *p, double x, double y, const cli_view *view,
                    double *height, cpb_error *error)
{
    const int64_t tokens = cpb_mask_tokens(view->mask);
    const double side = side_of(tokens);
    frame f = {.p = p,
               .x = x + GUTTER,
               .y = ceil(2 * (y + LINE_HEIGHT + MARK + 2)) / 2, /* whole pixels */
               .each = side / (double)tokens,
               .groups = view->groups.n};
    const picture_box box = {f.x, f.y, side, side};
    *height = f.y + side - y;
    if (view->owners.n <= MOST_SHAPES)
        draw_line_of_tokens(&f, &view->owners, y);
    else if (!draw_cells(p, (picture_box){f.x, y, side, LINE_HEIGHT},
                         (cli_scene){&view->owners, NULL, view->groups.n}, 1, tokens,
                         error))
        return false;
    if (!draw_pairs(&f, side, view, error))
        return false;
    mark_documents(&f, view->mask, side);
    draw_edge(p, box);
    return true;
}
