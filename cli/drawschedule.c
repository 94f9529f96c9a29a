// SPDX-License-Identifier: Apache-2.0
/* Schedules as rows of stretches. */
#include "drawschedule.h"

#include "figuretable.h"
#include "message.h"
#include "picture/chart.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MARGIN = 24,
    WIDTH = 720,
    GAP = 28,
    MOST_ROWS = 128, /* of a picture: of more ranks every k-th is drawn */
    ROWS_HEIGHT = 420,
    ROW_HEIGHT = 18,
    AXES_HEIGHT = 64,
    NOTE_BYTES = 160
};

static const picture_font title_font = {11.5, PICTURE_INK, true};
static const double waiting = 0.22; /* share of the colour while a rank waits */

/* What one chart borrows: two stretches per span. */
typedef struct stretches {
    size_t n;
    chart_span *span;
    char (*note)[NOTE_BYTES];
} stretches;

static bool stretches_create(size_t n, stretches *s)
{
    s->span = calloc(2 * n + 1, sizeof *s->span);
    s->note = calloc(n + 1, sizeof *s->note);
    return s->span && s->note;
}

static void stretches_free(stretches *s)
{
    free(s->span);
    free(s->note);
}

static void add_stretch(const schedule_span *from, size_t row, char *note, stretches *s)
{
    const int32_t class = scheduleview_class(from->group.ranks);
    snprintf(note, NOTE_BYTES,
             "rank %" PRId32 ", micro-batch %" PRId32 ": %" PRId64
             " tokens, works %.1f us, group of ranks %" PRId32 " to %" PRId32,
             from->rank, from->micro_batch, from->tokens, from->worked - from->start,
             from->group.first, from->group.first + from->group.ranks - 1);
    s->span[s->n++] = (chart_span){.row = row,
                                   .begin = from->start,
                                   .end = from->worked,
                                   .colour = scheduleview_colour(class, from->odd, 1),
                                   .note = note};
    if (from->end > from->worked)
        s->span[s->n++] =
            (chart_span){.row = row,
                         .begin = from->worked,
                         .end = from->end,
                         .colour = scheduleview_colour(class, from->odd, waiting)};
}

static void draw_rows(picture *p, picture_box box, const cli_scheduleview *view,
                      double reach, stretches *s)
{
    const cpb_schedule_score *const score = cpb_schedule_score_of(view->schedule);
    const int32_t ranks = cpb_schedule_ranks(view->schedule);
    const int32_t each = (ranks + MOST_ROWS - 1) / MOST_ROWS;
    char text[MOST_ROWS][12], title[64];
    const char *name[MOST_ROWS];
    size_t n = 0;
    for (int32_t r = 0; r < ranks; r += each) {
        snprintf(text[n], sizeof text[n], "%" PRId32, r);
        name[n] = text[n];
        n++;
    }
    for (size_t i = 0; i < view->n; i++)
        if (view->span[i].rank % each == 0)
            add_stretch(&view->span[i], (size_t)(view->span[i].rank / each), s->note[i],
                        s);
    snprintf(title, sizeof title, each > 1 ? "rank (every %" PRId32 "th)" : "rank",
             each);
    const chart_mark bound = {figures_microseconds(score->bound), "bound"};
    chart_draw_rows(p, box,
                    &(chart_rows){.title = title,
                                  .x_title = "us of one layer",
                                  .n = n,
                                  .name = name,
                                  .n_spans = s->n,
                                  .span = s->span,
                                  .n_marks = 1,
                                  .mark = &bound,
                                  .reach = reach});
}

/* Sizes of groups that occur, and what pale means. */
static double draw_legend(picture *p, double y, const cli_scheduleview *view)
{
    char text[SCHEDULE_CLASSES][SCHEDULE_LABEL_BYTES];
    const char *name[SCHEDULE_CLASSES + 1];
    uint32_t colour[SCHEDULE_CLASSES + 1];
    size_t n = 0;
    for (int32_t c = 0; c < SCHEDULE_CLASSES; c++) {
        if (!view->class[c].most)
            continue;
        name[n] = scheduleview_label(view->class[c], text[n]);
        colour[n++] = scheduleview_colour(c, false, 1);
    }
    name[n] = "pale: waits for its group";
    colour[n++] = PICTURE_EMPTY;
    return chart_draw_legend(p, MARGIN, y, WIDTH, n, name, colour);
}

static double draw_lines(picture *p, double y, const cli_scheduleview *view)
{
    char text[SCHEDULE_LINE_BYTES];
    double height = 0;
    for (size_t i = 0; scheduleview_line(view, i, text); i++)
        height += chart_draw_paragraph(p, MARGIN, y + height, WIDTH,
                                       i ? chart_label_font : title_font, text);
    return height + 8;
}

static bool draw_one(picture *p, double *y, const cli_scheduleview *view, double reach,
                     cpb_error *error)
{
    stretches s = {0};
    const int32_t ranks = cpb_schedule_ranks(view->schedule);
    const int32_t high = ranks * ROW_HEIGHT;
    const double height = AXES_HEIGHT + (high < ROWS_HEIGHT ? high : ROWS_HEIGHT);
    const bool good = stretches_create(view->n, &s) || fail_memory(error);
    if (good) {
        *y += draw_lines(p, *y, view);
        draw_rows(p, (picture_box){MARGIN, *y, WIDTH, height}, view, reach, &s);
        *y += height + 6;
        *y += draw_legend(p, *y, view);
    }
    stretches_free(&s);
    return good;
}

double drawschedule_reach(size_t n, const cli_scheduleview *views)
{
    double reach = 0;
    for (size_t i = 0; i < n; i++) {
        const double time =
            figures_microseconds(cpb_schedule_score_of(views[i].schedule)->time);
        reach = time > reach ? time : reach;
    }
    return reach;
}

bool drawschedule_page(picture *p, size_t n, const cli_scheduleview *views,
                       cpb_error *error)
{
    const double reach = drawschedule_reach(n, views);
    double y = MARGIN;
    for (size_t i = 0; i < n; i++) {
        if (!draw_one(p, &y, &views[i], reach, error))
            return false;
        y += i + 1 < n ? GAP : 0;
    }
    picture_set_size(p, WIDTH + 2 * MARGIN, y + MARGIN);
    return true;
}
