// SPDX-License-Identifier: Apache-2.0
/* Who works when, from the cells and groups of a schedule. */
#include "scheduleview.h"

#include "figuretable.h"
#include "message.h"
#include "picture/palette.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>

/* Neighbouring groups of one class have the colour, and this much of it. */
static const double odd_share = 0.72;

int32_t scheduleview_class(int32_t ranks)
{
    int32_t class = 0;
    while (ranks >> (class + 1))
        class ++;
    return class;
}

uint32_t scheduleview_colour(int32_t class, bool odd, double share)
{
    const size_t last = PALETTE_COLOURS - 1, wanted = 2 * (size_t) class;
    const size_t i = wanted < last ? wanted : last;
    return palette_tint(palette_ordered(last - i, PALETTE_COLOURS),
                        share * (odd ? odd_share : 1));
}

const char *scheduleview_label(schedule_class class, char text[SCHEDULE_LABEL_BYTES])
{
    if (class.most == class.least)
        snprintf(text, SCHEDULE_LABEL_BYTES, "%" PRId32 " %s", class.most,
                 class.most == 1 ? "rank" : "ranks");
    else
        snprintf(text, SCHEDULE_LABEL_BYTES, "%" PRId32 "-%" PRId32 " ranks",
                 class.least, class.most);
    return text;
}

/* The group that each rank works in during the micro-batch of groups begin .. end - 1: the
 * largest, in which its whole documents run along. */
static void own_ranks(const cpb_group *groups, int64_t begin, int64_t end,
                      int64_t *owner)
{
    for (int pass = 0; pass < 2; pass++) /* single ranks first */
        for (int64_t g = begin; g < end; g++)
            for (int32_t r = groups[g].first;
                 (groups[g].ranks > 1) == pass && r < groups[g].first + groups[g].ranks;
                 r++)
                owner[r] = g;
}

static void add_span(cli_scheduleview *view, const cpb_cell *cell,
                     const cpb_group *group, bool odd)
{
    schedule_class *const class = &view->class[scheduleview_class(group->ranks)];
    if (!class->most || group->ranks < class->least)
        class->least = group->ranks;
    if (group->ranks > class->most)
        class->most = group->ranks;
    view->span[view->n++] =
        (schedule_span){.rank = cell->rank,
                        .micro_batch = cell->micro_batch,
                        .tokens = cell->tokens,
                        .group = *group,
                        .odd = odd,
                        .start = figures_microseconds(cell->start),
                        .worked = figures_microseconds(cell->start + cell->time),
                        .end = figures_microseconds(group->end)};
}

/* Cells of a micro-batch from cell *c on; groups alternate as their first ranks come. */
static void list_micro(cli_scheduleview *view, int64_t begin, const int64_t *owner,
                       int64_t *c)
{
    const cpb_group *const groups = cpb_schedule_groups(view->schedule);
    const cpb_cell *const cells = cpb_schedule_cells(view->schedule);
    const int32_t micro_batch = groups[begin].micro_batch;
    bool odd = micro_batch & 1;
    int64_t before = -1;
    for (; *c < cpb_schedule_n_cells(view->schedule) &&
           cells[*c].micro_batch == micro_batch;
         ++*c) {
        const int64_t g = owner[cells[*c].rank];
        odd = before >= 0 && g != before ? !odd : odd;
        before = g;
        add_span(view, &cells[*c], &groups[g], odd);
    }
}

static bool list_spans(cli_scheduleview *view, cpb_error *error)
{
    const cpb_schedule *const s = view->schedule;
    const cpb_group *const groups = cpb_schedule_groups(s);
    const int64_t n = cpb_schedule_n_groups(s);
    int64_t *const owner = calloc((size_t)cpb_schedule_ranks(s), sizeof *owner);
    int64_t c = 0;
    view->span = calloc((size_t)cpb_schedule_n_cells(s) + 1, sizeof *view->span);
    const bool good = owner && view->span;
    for (int64_t begin = 0, end = 0; good && begin < n; begin = end) {
        while (end < n && groups[end].micro_batch == groups[begin].micro_batch)
            end++;
        own_ranks(groups, begin, end, owner);
        list_micro(view, begin, owner, &c);
    }
    free(owner);
    return good || fail_memory(error);
}

/* The file names the row that made it, and equal inputs give equal schedules. */
static bool remake(cli_scheduleview *view, cpb_error *error)
{
    cpb_domain domain = view->file.step.domain;
    const cpb_documents documents = step_documents(&view->file.step);
    domain.row = view->file.chosen;
    if (!succeeded(cpb_schedule_create(&documents, &domain, &view->schedule, error)))
        return false;
    return cpb_schedule_hash(view->schedule) == view->file.hash ||
           fail(error,
                "row %.40s of this version makes another schedule, %016" PRIx64
                " instead of %016" PRIx64 "; schedule again",
                view->file.chosen, cpb_schedule_hash(view->schedule), view->file.hash);
}

bool scheduleview_read(const char *path, cli_scheduleview *view, cpb_error *error)
{
    return schedulefile_read(path, &view->file, error) &&
           ((remake(view, error) && list_spans(view, error)) || fail_at(error, path));
}

const char *scheduleview_line(const cli_scheduleview *view, size_t i,
                              char text[SCHEDULE_LINE_BYTES])
{
    char a[TABLE_CELL_BYTES], b[TABLE_CELL_BYTES], c[TABLE_CELL_BYTES],
        d[TABLE_CELL_BYTES];
    const cpb_schedule_score *const score = cpb_schedule_score_of(view->schedule);
    if (i == 0)
        snprintf(text, SCHEDULE_LINE_BYTES, "%s: %s, %s, %s, %s",
                 cpb_schedule_row(view->schedule),
                 table_count(view->file.step.n - score->left_over, "document", a),
                 table_count(score->tokens, "token", b),
                 table_count(cpb_schedule_ranks(view->schedule), "rank", c),
                 table_count(score->micro_batches, "micro-batch", d));
    else if (i == 1)
        snprintf(
            text, SCHEDULE_LINE_BYTES,
            "step %s us of one layer, %.2f %% above the bound of %s us; ranks work "
            "%.1f %% of it (profile %.48s)",
            table_decimals(figures_microseconds(score->time), 1, a), 100 * score->gap,
            table_decimals(figures_microseconds(score->bound), 1, b), 100 * score->busy,
            view->file.step.domain.setup.profile.name);
    return i < 2 ? text : NULL;
}

void scheduleview_free(cli_scheduleview *view)
{
    schedulefile_free(&view->file);
    cpb_schedule_free(view->schedule);
    free(view->span);
    *view = (cli_scheduleview){0};
}
