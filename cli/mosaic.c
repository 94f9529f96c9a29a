// SPDX-License-Identifier: Apache-2.0
/* The attention matrix, or the line of tokens, as cells of a grid: one group after the
 * other, so that memory does not grow with their number. */
#include "mosaic.h"

#include "message.h"

#include <math.h>
#include <stdlib.h>

enum { LEVELS = 256, FULL = 65535 };

typedef struct painter {
    cli_coverage *coverage;
    size_t group;
} painter;

static void paint(const cli_strip *strip, void *context)
{
    const painter *const to = context;
    if (strip->group == to->group)
        coverage_add(to->coverage, strip);
}

static void paint_line(const cli_owners *owners, painter *to)
{
    for (size_t i = 0; i < owners->n; i++) {
        const cli_strip strip = {.group = owners->owner[i].group,
                                 .rows = 1,
                                 .left = owners->owner[i].tokens.begin,
                                 .right = owners->owner[i].tokens.end};
        paint(&strip, to);
    }
}

/* Pairs of one group per cell. */
static void cover(cli_scene scene, size_t group, cli_coverage *coverage)
{
    painter to = {coverage, group};
    coverage_clear(coverage);
    if (scene.mask)
        strips_visit(scene.owners, scene.mask, paint, &to);
    else
        paint_line(scene.owners, &to);
    coverage_finish(coverage);
}

static void fill_levels(uint16_t level[LEVELS])
{
    for (int i = 0; i < LEVELS; i++) {
        const double part = (double)i / (LEVELS - 1);
        const double light =
            part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4);
        level[i] = (uint16_t)lround(FULL * light);
    }
}

/* The colour value whose light is nearest. */
static uint32_t nearest_level(const uint16_t level[LEVELS], int64_t light)
{
    uint32_t low = 0, high = LEVELS - 1;
    while (high - low > 1) {
        const uint32_t middle = (low + high) / 2;
        if (level[middle] <= light)
            low = middle;
        else
            high = middle;
    }
    return light - level[low] <= level[high] - light ? low : high;
}

/* What is missing of the light of paper, summed over pairs: [3 * cells]. */
static void darken(const cli_coverage *from, const uint16_t level[LEVELS],
                   uint32_t colour, int64_t *missing)
{
    const size_t cells = (size_t)(from->rows.n * from->columns.n);
    for (size_t i = 0; i < cells; i++)
        for (int channel = 0; from->pairs[i] && channel < 3; channel++)
            missing[3 * i + (size_t)channel] +=
                from->pairs[i] * (FULL - level[colour >> (16 - 8 * channel) & 0xff]);
}

static void to_colours(const cli_coverage *from, const uint16_t level[LEVELS],
                       const int64_t *missing, uint32_t *colours)
{
    for (int64_t row = 0; row < from->rows.n; row++)
        for (int64_t column = 0; column < from->columns.n; column++) {
            const int64_t cell = row * from->columns.n + column;
            const int64_t room = coverage_room(from, row, column);
            colours[cell] = 0;
            for (int channel = 0; channel < 3; channel++)
                colours[cell] =
                    colours[cell] << 8 |
                    nearest_level(level, FULL - missing[3 * cell + channel] / room);
        }
}

bool mosaic_colours(cli_scene scene, cli_cells rows, cli_cells columns,
                    uint32_t *colours, cpb_error *error)
{
    uint16_t level[LEVELS];
    cli_coverage coverage;
    fill_levels(level);
    int64_t *const missing = calloc((size_t)(rows.n * columns.n), 3 * sizeof *missing);
    bool good = coverage_create(rows, columns, &coverage, error) &&
                (missing || fail_memory(error));
    for (size_t group = 0; good && group < scene.groups; group++) {
        cover(scene, group, &coverage);
        darken(&coverage, level, palette_ordered(group, scene.groups), missing);
    }
    if (good)
        to_colours(&coverage, level, missing, colours);
    coverage_free(&coverage);
    free(missing);
    return good;
}

bool mosaic_groups(cli_scene scene, cli_cells rows, cli_cells columns, int32_t *group,
                   cpb_error *error)
{
    const size_t cells = (size_t)(rows.n * columns.n);
    cli_coverage coverage;
    int64_t *const most = calloc(cells, sizeof *most);
    bool good = coverage_create(rows, columns, &coverage, error) &&
                (most || fail_memory(error));
    for (size_t i = 0; i < cells; i++)
        group[i] = -1;
    for (size_t g = 0; good && g < scene.groups; g++) {
        cover(scene, g, &coverage);
        for (size_t i = 0; i < cells; i++)
            if (coverage.pairs[i] > most[i]) {
                most[i] = coverage.pairs[i];
                group[i] = (int32_t)g;
            }
    }
    coverage_free(&coverage);
    free(most);
    return good;
}
