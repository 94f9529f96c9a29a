// SPDX-License-Identifier: Apache-2.0
/* Plans drawn with characters. A group of ranks is a colour, or a letter from A. */
#include "drawtext.h"

#include "canvas.h"
#include "message.h"
#include "mosaic.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_CELLS = 64,
    VALUE = 11,
    EMPTY = '.',
    CUBE_COLOURS = 8 /* of ranks that stay apart among the 256 of xterm */
};

/* A text cut at the width of the terminal; odd bytes (a plan file may hold any name) do
 * not reach it. */
static void put_line(const cli_canvas *canvas, const char *text)
{
    for (size_t i = 0; i < canvas->columns && text[i]; i++)
        fputc(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?', canvas->stream);
    fputc('\n', canvas->stream);
}

static char letter_of(int32_t group)
{
    return (char)(group < 0 ? EMPTY : 'A' + group);
}

/* The cells of a grid: `per_line` rows of cells per line of text, each `wide`
 * characters. */
static bool put_letters(const cli_canvas *canvas, cli_scene scene, cli_cells rows,
                        cli_cells columns, size_t wide, cpb_error *error)
{
    int32_t *const group = malloc((size_t)(rows.n * columns.n) * sizeof *group);
    const bool good = (group || fail_memory(error)) &&
                      mosaic_groups(scene, rows, columns, group, error);
    for (int64_t row = 0; good && row < rows.n; row++) {
        for (int64_t column = 0; column < columns.n; column++)
            for (size_t i = 0; i < wide; i++)
                fputc(letter_of(group[row * columns.n + column]), canvas->stream);
        fputc('\n', canvas->stream);
    }
    free(group);
    return good;
}

static bool put_colours(const cli_canvas *canvas, cli_scene scene, cli_cells rows,
                        cli_cells columns, size_t wide, int64_t per_line,
                        cpb_error *error)
{
    uint32_t *const colour = malloc((size_t)(rows.n * columns.n) * sizeof *colour);
    const bool good = (colour || fail_memory(error)) &&
                      mosaic_colours(scene, rows, columns, colour, error);
    for (int64_t row = 0; good && row < rows.n; row += per_line) {
        const int64_t next = row + per_line / 2;
        for (int64_t column = 0; column < columns.n; column++)
            for (size_t i = 0; i < wide; i++)
                canvas_cell(canvas, colour[row * columns.n + column],
                            next < rows.n ? colour[next * columns.n + column]
                                          : PICTURE_PAPER);
        canvas_plain(canvas);
        fputc('\n', canvas->stream);
    }
    free(colour);
    return good;
}

/* A grid as wide as the terminal allows. A character is twice as high as wide: few
 * tokens take two characters each, many share lines two by two. */
static bool put_grid(const cli_canvas *canvas, cli_scene scene, int64_t rows,
                     int64_t tokens, cpb_error *error)
{
    const int64_t room =
        canvas->columns < MOST_CELLS ? (int64_t)canvas->columns : MOST_CELLS;
    const bool few = 2 * tokens <= room;
    const bool blocks = canvas->blocks && !few && rows > 1;
    const cli_cells columns = {tokens, few || tokens < room ? tokens : room};
    const int64_t lines = few ? columns.n : (columns.n + 1) / 2;
    const int64_t wanted = blocks ? columns.n : lines;
    const cli_cells down = {rows, rows < wanted ? rows : wanted};
    const size_t wide = few ? 2 : 1;
    if (canvas->ink == CANVAS_LETTERS)
        return put_letters(canvas, scene, down, columns, wide, error);
    return put_colours(canvas, scene, down, columns, wide, blocks ? 2 : 1, error);
}

static void put_swatch(const cli_canvas *canvas, const cli_view *view, size_t group)
{
    const uint32_t colour = palette_ordered(group, view->groups.n);
    if (canvas->ink == CANVAS_LETTERS) {
        fprintf(canvas->stream, "%c ", letter_of((int32_t)group));
        return;
    }
    canvas_cell(canvas, colour, colour);
    canvas_plain(canvas);
    fputc(' ', canvas->stream);
}

/* One bar: filled up to its load, with a stroke where the mean lies. */
static void put_bar(const cli_canvas *canvas, const cli_view *view, size_t group,
                    size_t filled, size_t mean, size_t width)
{
    const uint32_t colour = palette_ordered(group, view->groups.n);
    for (size_t i = 0; i < width; i++) {
        if (i == mean)
            fputc('|', canvas->stream);
        else if (i >= filled)
            fputc(' ', canvas->stream);
        else if (canvas->ink == CANVAS_LETTERS)
            fputc('#', canvas->stream);
        else
            canvas_cell(canvas, colour, colour);
        if (i < filled && i != mean)
            canvas_plain(canvas);
    }
}

static double largest_load(const cli_view *view, size_t group)
{
    const size_t ranks = (size_t)cpb_plan_ranks(view->plan);
    int64_t most = 0;
    for (size_t r = group * view->groups.size;
         r < ranks && r < (group + 1) * view->groups.size; r++)
        most = view->ranks[r].load > most ? view->ranks[r].load : most;
    return (double)most;
}

/* Of the widest name of a group. */
static size_t label_width(const cli_view *view)
{
    char name[24];
    size_t widest = 0;
    for (size_t group = 0; group < view->groups.n; group++) {
        view_group_name(view->groups, (size_t)cpb_plan_ranks(view->plan), group, name);
        widest = strlen(name) > widest ? strlen(name) : widest;
    }
    return widest;
}

/* The legend and the loads in one: what each colour is, and how much it got. */
static void put_loads(const cli_canvas *canvas, const cli_view *view)
{
    char name[24], number[TABLE_CELL_BYTES], text[160], bound[TABLE_CELL_BYTES];
    const int decimals = view->setup.cost == CPB_PROFILE_TIME;
    const double scale = view->score.load_max > 0 ? (double)view->score.load_max : 1;
    const size_t label = label_width(view);
    const size_t taken = 2 + label + 1 + VALUE; /* swatch, name, space, number */
    const size_t width = canvas->columns > taken + 5 ? canvas->columns - taken : 5;
    const size_t mean =
        (size_t)(view->score.load_mean / scale * (double)(width - 1) + 0.5);
    snprintf(text, sizeof text, "load, %s%s", view_unit(view),
             view->groups.size > 1 ? " (largest of a group)" : "");
    put_line(canvas, text);
    for (size_t group = 0; group < view->groups.n; group++) {
        const double load = largest_load(view, group);
        put_swatch(canvas, view, group);
        view_group_name(view->groups, (size_t)cpb_plan_ranks(view->plan), group, name);
        fprintf(canvas->stream, "%-*s ", (int)label, name);
        put_bar(canvas, view, group, (size_t)(load / scale * (double)width + 0.5), mean,
                width);
        fprintf(canvas->stream, "%*s\n", VALUE,
                table_decimals(view_load(view, load), decimals, number));
    }
    snprintf(text, sizeof text, "| mean %s, bound %s",
             table_decimals(view_load(view, view->score.load_mean), decimals, number),
             table_decimals(view_load(view, (double)view->score.load_bound), decimals,
                            bound));
    put_line(canvas, text);
}

/* Keys from each group (row) to each group (column), as sums. */
static double *sum_traffic(const cli_view *view, double *most)
{
    const size_t ranks = (size_t)cpb_plan_ranks(view->plan), n = view->groups.n;
    double *const sum = calloc(n * n, sizeof *sum);
    *most = 0;
    for (size_t i = 0; sum && i < ranks * ranks; i++) {
        const size_t from = i / ranks / view->groups.size;
        const size_t to = i % ranks / view->groups.size;
        sum[from * n + to] += (double)view->sent[i];
        *most = sum[from * n + to] > *most ? sum[from * n + to] : *most;
    }
    return sum;
}

static bool put_traffic(const cli_canvas *canvas, const cli_view *view,
                        cpb_error *error)
{
    static const char shades[] = ".:-=+*%@#";
    const size_t n = view->groups.n;
    double most;
    double *const sum = sum_traffic(view, &most);
    if (!sum)
        return fail_memory(error);
    put_line(canvas, "keys sent, from line to column");
    for (size_t from = 0; from < n; from++) {
        put_swatch(canvas, view, from);
        for (size_t to = 0; to < n; to++) {
            const double share = most > 0 ? sum[from * n + to] / most : 0;
            const uint32_t colour = palette_heat(share);
            const size_t shade = (size_t)(share * (sizeof shades - 2) + 0.5);
            for (int i = 0; i < 2; i++)
                if (canvas->ink == CANVAS_LETTERS)
                    fputc(shades[shade], canvas->stream);
                else
                    canvas_cell(canvas, colour, colour);
        }
        canvas_plain(canvas);
        fputc('\n', canvas->stream);
    }
    free(sum);
    return true;
}

static void put_facts(const cli_canvas *canvas, const cli_view *view)
{
    char value[VIEW_FACT_BYTES], text[2 * VIEW_FACT_BYTES];
    const char *name;
    for (size_t i = 0; (name = view_fact(view, i, value)); i++) {
        snprintf(text, sizeof text, "%-17s %s", name, value);
        put_line(canvas, text);
    }
}

static void put_title(const cli_canvas *canvas, const cli_view *view)
{
    char text[VIEW_SIZE_BYTES];
    put_line(canvas, view->title);
    put_line(canvas, view_size(view, text));
}

static bool print_all(const cli_canvas *canvas, const cli_view *view, cpb_error *error)
{
    const int64_t tokens = cpb_mask_tokens(view->mask);
    const cli_scene matrix = {&view->owners, view->mask, view->groups.n};
    const cli_scene line = {&view->owners, NULL, view->groups.n};
    put_title(canvas, view);
    fputc('\n', canvas->stream);
    put_line(canvas, "attention by rank, queries downwards");
    if (!put_grid(canvas, matrix, tokens, tokens, error))
        return false;
    put_line(canvas, "tokens by rank");
    if (!put_grid(canvas, line, 1, tokens, error))
        return false;
    fputc('\n', canvas->stream);
    put_loads(canvas, view);
    fputc('\n', canvas->stream);
    if (!put_traffic(canvas, view, error))
        return false;
    fputc('\n', canvas->stream);
    put_facts(canvas, view);
    return true;
}

bool drawtext_print(FILE *stream, const cli_view *view, cpb_error *error)
{
    const cli_canvas canvas = canvas_of(stream);
    cli_view coarse = *view; /* where a terminal tells fewer colours apart */
    coarse.groups =
        palette_group((size_t)cpb_plan_ranks(view->plan),
                      canvas.ink == CANVAS_256 ? CUBE_COLOURS : PALETTE_COLOURS);
    const bool good = owners_create(view->plan, coarse.groups, &coarse.owners, error) &&
                      print_all(&canvas, &coarse, error);
    owners_free(&coarse.owners);
    return good;
}
