// SPDX-License-Identifier: Apache-2.0
/* Time lines of ranks. */
#include "timeline.h"

#include "../message.h"
#include "../picture/chart.h"
#include "../picturefile.h"

#include <stdlib.h>

/* Points. */
enum { WIDTH = 640, MARGIN = 20, LINE = 14, LEAST_HEIGHT = 90, MOST_HEIGHT = 1200 };

static const picture_font title_font = {11.5, PICTURE_INK, true};

/* What a stretch of time is, and in which order a pass has them. */
typedef struct phase {
    run_pass pass;
    cpb_phase phase;
    size_t kind;
} phase;

enum { OWN, RECEIVED, WAITING, OWN_BACK, RECEIVED_BACK, N_KINDS };
enum { N_PHASES = 6, KINDS_FORWARD = 3 };

static const phase phases[N_PHASES] = {
    {RUN_FORWARD, CPB_PHASE_OWN, OWN},
    {RUN_FORWARD, CPB_PHASE_WAIT, WAITING},
    {RUN_FORWARD, CPB_PHASE_RECEIVED, RECEIVED},
    {RUN_BACKWARD, CPB_PHASE_RECEIVED, RECEIVED_BACK},
    {RUN_BACKWARD, CPB_PHASE_OWN, OWN_BACK},
    {RUN_BACKWARD, CPB_PHASE_WAIT, WAITING}};

static const char *const kind_names[N_KINDS] = {"own keys", "received keys", "waiting",
                                                "own keys, backward",
                                                "received keys, backward"};

static void set_colours(uint32_t colour[N_KINDS])
{
    colour[OWN] = palette_distinct(0);
    colour[RECEIVED] = palette_distinct(1);
    colour[WAITING] = PICTURE_RULE;
    colour[OWN_BACK] = palette_tint(palette_distinct(0), 0.5);
    colour[RECEIVED_BACK] = palette_tint(palette_distinct(1), 0.5);
}

/* Spans of one rank in milliseconds; returns how many. */
static size_t spans_of(const run_result *result, size_t row, bool waits,
                       const uint32_t colour[N_KINDS], chart_span *to)
{
    double at = 0;
    size_t n = 0;
    for (size_t i = 0; i < N_PHASES; i++) {
        const cpb_attend_times *const times = &result->times[phases[i].pass];
        const double length =
            1e3 * (times->end[phases[i].phase] - times->begin[phases[i].phase]);
        if (length <= 0 || (phases[i].kind == WAITING && !waits))
            continue;
        to[n++] = (chart_span){row, at, at + length, colour[phases[i].kind],
                               kind_names[phases[i].kind]};
        at += length;
    }
    return n;
}

static double draw_words(timeline *t, const cli_report *report, outcome_way way,
                         bool backward, const uint32_t colour[N_KINDS])
{
    char title[160];
    double y = t->height + MARGIN;
    snprintf(title, sizeof title, "%s: %lld tokens on %d ranks%s", report->chosen,
             (long long)cpb_plan_tokens(report->plan),
             (int)cpb_plan_ranks(report->plan),
             way.in_turn ? ", one after another: waiting is not measured" : "");
    y += chart_draw_paragraph(t->picture, MARGIN, y, WIDTH - 2 * MARGIN, title_font,
                              title);
    y += 4;
    return y + 4 +
           chart_draw_legend(t->picture, MARGIN, y, WIDTH - 2 * MARGIN,
                             backward ? N_KINDS : KINDS_FORWARD, kind_names, colour);
}

bool timeline_open(timeline *t, const char *path, cpb_error *error)
{
    picture_format format;
    if (!picturefile_format(path, &format, error))
        return false;
    t->picture = picture_create();
    return t->picture || fail_memory(error);
}

bool timeline_add(timeline *t, const cli_report *report, const run_job *job,
                  outcome_way way, cpb_error *error)
{
    const size_t ranks = (size_t)cpb_plan_ranks(report->plan);
    uint32_t colour[N_KINDS];
    chart_rows rows = {
        .title = "rank", .x_title = "milliseconds since the rank's start", .n = ranks};
    chart_span *const spans = calloc(ranks * N_PHASES, sizeof *spans);
    if (!spans)
        return fail_memory(error);
    set_colours(colour);
    for (size_t r = 0; r < ranks; r++)
        rows.n_spans +=
            spans_of(&job->results[r], r, !way.in_turn, colour, spans + rows.n_spans);
    rows.span = spans;
    const double y = draw_words(t, report, way, job->backward, colour);
    double height = 50 + LINE * (double)ranks;
    height = height < LEAST_HEIGHT ? LEAST_HEIGHT : height;
    height = height > MOST_HEIGHT ? MOST_HEIGHT : height;
    chart_draw_rows(t->picture, (picture_box){MARGIN, y, WIDTH - 2 * MARGIN, height},
                    &rows);
    t->height = y + height;
    picture_set_size(t->picture, WIDTH, t->height + MARGIN);
    free(spans);
    return true;
}

bool timeline_write(const timeline *t, const char *path, cpb_error *error)
{
    return picturefile_write(t->picture, path, error);
}

void timeline_free(timeline *t)
{
    picture_free(t->picture);
    *t = (timeline){0};
}
