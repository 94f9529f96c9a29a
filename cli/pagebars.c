// SPDX-License-Identifier: Apache-2.0
/* Steps as rows of stacked parts on a page. */
#include "pagebars.h"

#include "pagepicture.h"
#include "picture/palette.h"
#include "table.h"

#include <stdlib.h>

bool page_bars_open(page_bars *bars, size_t rows, size_t n_parts,
                    const char *const *part)
{
    *bars = (page_bars){
        .n_parts = n_parts,
        .part = part,
        .name = calloc(rows, sizeof *bars->name),
        .span = calloc(rows * n_parts, sizeof *bars->span),
        .note = calloc(rows * n_parts, sizeof *bars->note),
    };
    return bars->name && bars->span && bars->note;
}

void page_bars_add(page_bars *bars, const char *name, const double *value)
{
    double end = 0;
    for (size_t i = 0; i < bars->n_parts; i++) {
        const size_t at = bars->n * bars->n_parts + i;
        snprintf(bars->note[at], PAGE_NOTE_BYTES, "%s, %s: %.1f us", name,
                 bars->part[i], value[i]);
        bars->span[at] = (chart_span){bars->n, end, end + value[i], palette_distinct(i),
                                      bars->note[at]};
        end += value[i];
    }
    bars->name[bars->n++] = name;
}

static void draw(picture *p, double height, const page_bars *bars,
                 const chart_mark *mark)
{
    uint32_t colour[PAGE_MOST_PARTS];
    picture_box box = page_inside(height);
    for (size_t i = 0; i < bars->n_parts; i++)
        colour[i] = palette_distinct(i);
    const double legend = 6 + chart_draw_legend(p, box.x, box.y, box.width,
                                                bars->n_parts, bars->part, colour);
    box.y += legend;
    box.height -= legend;
    chart_draw_rows(p, box,
                    &(chart_rows){.title = "step, us",
                                  .n = bars->n,
                                  .name = bars->name,
                                  .n_spans = bars->n * bars->n_parts,
                                  .span = bars->span,
                                  .n_marks = mark != NULL,
                                  .mark = mark});
}

bool page_bars_finish(FILE *stream, const page_bars *bars, int64_t ranks,
                      const chart_mark *mark, const char *whose, cpb_error *error)
{
    char caption[PAGE_NOTE_BYTES], count[TABLE_CELL_BYTES];
    const double height = PAGE_BAR * (double)bars->n + PAGE_AROUND_BARS;
    if (!bars->n)
        return true;
    picture *const p = page_picture(height);
    if (p)
        draw(p, height, bars, mark);
    snprintf(caption, sizeof caption, "A step on %s, mean over the packs%s.",
             table_count(ranks, "rank", count), whose);
    return page_finish(stream, p, caption, error);
}

void page_bars_free(page_bars *bars)
{
    free(bars->name);
    free(bars->span);
    free(bars->note);
}
