// SPDX-License-Identifier: Apache-2.0
/* A matrix as a heat map with a key. */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY_WIDTH = 7, KEY_STEPS = 64 };

static double largest(const chart_heat *heat)
{
    double most = heat->reach;
    for (size_t i = 0; i < heat->rows * heat->columns; i++)
        most = heat->value[i] > most ? heat->value[i] : most;
    return most;
}

/* Colours from the largest value (above) down to nothing, and both numbers. */
static void draw_key(picture *p, picture_box box, double most)
{
    uint32_t colours[KEY_STEPS];
    char text[SCALE_TEXT_BYTES];
    for (int i = 0; i < KEY_STEPS; i++)
        colours[i] = palette_heat(1 - (double)i / (KEY_STEPS - 1));
    picture_image(p, (picture_box){box.x, box.y, KEY_WIDTH, box.height}, 1, KEY_STEPS,
                  colours);
    const picture_point edge[] = {{box.x, box.y},
                                  {box.x + KEY_WIDTH, box.y},
                                  {box.x + KEY_WIDTH, box.y + box.height},
                                  {box.x, box.y + box.height},
                                  {box.x, box.y}};
    picture_line(p, 5, edge, (picture_pen){PICTURE_RULE, 0.5, 0});
    picture_text(p, box.x + KEY_WIDTH + 3, box.y + chart_label_font.size * 0.8,
                 PICTURE_START, chart_label_font, scale_number(most, 0, text));
    picture_text(p, box.x + KEY_WIDTH + 3, box.y + box.height, PICTURE_START,
                 chart_label_font, "0");
}

static void draw_cells(picture *p, picture_box plot, const chart_heat *heat,
                       double most)
{
    const size_t n = heat->rows * heat->columns;
    uint32_t *const colours = calloc(n ? n : 1, sizeof *colours);
    for (size_t i = 0; colours && i < n; i++)
        colours[i] = palette_heat(most > 0 ? heat->value[i] / most : 0);
    if (colours)
        picture_image(p, plot, heat->columns, heat->rows, colours);
    else
        picture_fail(p);
    free(colours);
    const picture_point edge[] = {{plot.x, plot.y},
                                  {plot.x + plot.width, plot.y},
                                  {plot.x + plot.width, plot.y + plot.height},
                                  {plot.x, plot.y + plot.height},
                                  {plot.x, plot.y}};
    picture_line(p, 5, edge, (picture_pen){PICTURE_RULE, 0.5, 0});
}

void chart_draw_heat(picture *p, picture_box box, const chart_heat *heat)
{
    char text[SCALE_TEXT_BYTES];
    const double most = largest(heat);
    picture_box plot = box;
    frame_titles(p, &plot, heat->title, heat->x_title);
    if (heat->y_title) {
        frame_text(p, plot.x, plot.y + chart_label_font.size, PICTURE_START,
                   chart_label_font, plot.width, heat->y_title);
        plot.y += FRAME_BELOW;
        plot.height -= FRAME_BELOW;
    }
    const double names = frame_widest(p, heat->name, heat->rows) + FRAME_GAP;
    const double key =
        KEY_WIDTH + 3 + FRAME_GAP +
        picture_text_width(p, chart_label_font, scale_number(most, 0, text));
    plot.x += names;
    plot.width -= names + key + FRAME_GAP;
    draw_cells(p, plot, heat, most);
    frame_row_names(p, plot, heat->rows, heat->name);
    frame_names(p, box, plot, heat->columns, heat->name);
    draw_key(p,
             (picture_box){plot.x + plot.width + FRAME_GAP + 2, plot.y, KEY_WIDTH,
                           plot.height},
             most);
}
