// SPDX-License-Identifier: Apache-2.0
/* Schedules drawn with characters: a letter or a colour per size of group. */
#include "canvas.h"
#include "drawschedule.h"
#include "message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 32, NAMES = 7, IDLE = ' ', WAITS = '.' };

/* A grid of [rows * columns]: the span that a rank is in at a time, -1 where it has
 * none. */
typedef struct grid {
    size_t rows, columns;
    int32_t each; /* of so many ranks one is shown */
    double time;  /* microseconds of a column */
    int64_t *at;
} grid;

static bool grid_create(const cli_scheduleview *view, size_t columns, double reach,
                        grid *g)
{
    const int32_t ranks = cpb_schedule_ranks(view->schedule);
    g->each = (ranks + MOST_ROWS - 1) / MOST_ROWS;
    g->rows = (size_t)((ranks + g->each - 1) / g->each);
    g->columns = columns;
    g->time = reach > 0 ? reach / (double)columns : 1;
    g->at = malloc(g->rows * g->columns * sizeof *g->at);
    for (size_t i = 0; g->at && i < g->rows * g->columns; i++)
        g->at[i] = -1;
    return g->at;
}

/* Columns whose middle lies in a span. */
static void fill(const cli_scheduleview *view, grid *g)
{
    for (size_t i = 0; i < view->n; i++) {
        const schedule_span *const s = &view->span[i];
        if (s->rank % g->each)
            continue;
        int64_t *const row = g->at + (size_t)(s->rank / g->each) * g->columns;
        for (size_t c = (size_t)(s->start / g->time); c < g->columns; c++) {
            const double middle = ((double)c + 0.5) * g->time;
            if (middle >= s->end)
                break;
            if (middle >= s->start)
                row[c] = (int64_t)i;
        }
    }
}

static void put_cell(const cli_canvas *canvas, const cli_scheduleview *view,
                     const grid *g, int64_t at, size_t column)
{
    if (at < 0) {
        canvas_plain(canvas);
        fputc(IDLE, canvas->stream);
        return;
    }
    const schedule_span *const s = &view->span[at];
    const int32_t class = scheduleview_class(s->group.ranks);
    const bool waits = ((double)column + 0.5) * g->time >= s->worked;
    if (canvas->ink == CANVAS_LETTERS) {
        fputc(waits ? WAITS : (s->odd ? 'a' : 'A') + class, canvas->stream);
        return;
    }
    const uint32_t colour = scheduleview_colour(class, s->odd, waits ? 0.22 : 1);
    canvas_cell(canvas, colour, colour);
}

static void put_rows(const cli_canvas *canvas, const cli_scheduleview *view,
                     const grid *g)
{
    for (size_t row = 0; row < g->rows; row++) {
        fprintf(canvas->stream, "%*" PRId32 " ", NAMES - 1, (int32_t)row * g->each);
        for (size_t c = 0; c < g->columns; c++)
            put_cell(canvas, view, g, g->at[row * g->columns + c], c);
        if (canvas->ink != CANVAS_LETTERS)
            canvas_plain(canvas);
        fputc('\n', canvas->stream);
    }
}

static void put_legend(const cli_canvas *canvas, const cli_scheduleview *view,
                       double reach)
{
    char text[SCHEDULE_LABEL_BYTES];
    fprintf(canvas->stream, "%*s0 .. %.1f us;", NAMES, "", reach);
    for (int32_t c = 0; c < SCHEDULE_CLASSES; c++) {
        if (!view->class[c].most)
            continue;
        fputc(' ', canvas->stream);
        if (canvas->ink == CANVAS_LETTERS) {
            fprintf(canvas->stream, "%c %c", 'A' + c, 'a' + c);
        } else {
            canvas_cell(canvas, scheduleview_colour(c, false, 1),
                        scheduleview_colour(c, false, 1));
            canvas_plain(canvas);
        }
        fprintf(canvas->stream, " %s", scheduleview_label(view->class[c], text));
    }
    fprintf(canvas->stream, canvas->ink == CANVAS_LETTERS ? "  . waits\n" : "\n");
}

bool drawschedule_print(FILE *stream, size_t n, const cli_scheduleview *views,
                        cpb_error *error)
{
    const cli_canvas canvas = canvas_of(stream);
    char text[SCHEDULE_LINE_BYTES];
    const double reach = drawschedule_reach(n, views);
    bool good = true;
    for (size_t i = 0; i < n && good; i++) {
        grid g;
        good = grid_create(&views[i], canvas.columns - NAMES, reach, &g) ||
               fail_memory(error);
        for (size_t line = 0; good && scheduleview_line(&views[i], line, text); line++)
            fprintf(stream, "%s%s\n", i && !line ? "\n" : "", text);
        if (good) {
            fill(&views[i], &g);
            put_rows(&canvas, &views[i], &g);
            put_legend(&canvas, &views[i], reach);
        }
        free(g.at);
    }
    return good;
}
