// SPDX-License-Identifier: Apache-2.0
/* Pictures of single packs on a page. */
#include "page.h"

#include "drawing.h"
#include "html.h"
#include "message.h"
#include "remake.h"

#include <inttypes.h>
#include <string.h>

enum { PACKS = 2, MOST_MASKS = 4, CAPTION_BYTES = 160 };

static double step(const cli_row *row)
{
    return row->step_time;
}

/* A plan through its first masks. */
typedef struct pack_views {
    const char *which; /* "median" */
    const set_row *of;
    cli_remake made;
    size_t n;
    cli_view view[MOST_MASKS];
} pack_views;

static void free_views(pack_views *pack)
{
    for (size_t i = 0; i < pack->n; i++)
        view_free(&pack->view[i]);
    remake_free(&pack->made);
}

/* What made the plan, and which mask it is seen through. */
static void write_title(const pack_views *pack, size_t mask,
                        char title[VIEW_TITLE_BYTES])
{
    char chosen[32] = "", which[32] = "";
    const char *const name = pack->of->row.balancer;
    const char *const made = cpb_plan_balancer(pack->made.plan);
    if (strcmp(name, made))
        snprintf(chosen, sizeof chosen, " (%.20s)", made);
    if (pack->made.batch.n > 1)
        snprintf(which, sizeof which, ", mask %d of %d", (int)mask + 1,
                 (int)pack->made.batch.n);
    snprintf(title, VIEW_TITLE_BYTES, "%.20s%s%s", name, chosen, which);
}

static bool make_views(pack_views *pack, cpb_error *error)
{
    if (!remake(&pack->of->row, pack->of->hash, &pack->made, error))
        return false;
    const cli_batch *const batch = &pack->made.batch;
    for (size_t i = 0; i < batch->n && i < MOST_MASKS; i++) {
        cli_view *const view = &pack->view[pack->n++];
        *view = (cli_view){
            .plan = pack->made.plan, .mask = batch->mask[i], .setup = pack->made.setup};
        write_title(pack, i, view->title);
        if (!view_measure(view, error))
            return false;
    }
    return true;
}

static bool print_view(FILE *stream, const pack_views *pack, const cli_view *view,
                       cpb_error *error)
{
    char caption[CAPTION_BYTES];
    picture *const p = picture_create();
    snprintf(caption, sizeof caption,
             "%s: pack %" PRId64 " on %" PRId64 " ranks with %.40s, a step of %.1f us.",
             pack->which, pack->of->row.pack, pack->of->row.ranks,
             pack->of->row.balancer, pack->of->row.step_time);
    const bool good = (p || fail_memory(error)) && drawing_page(p, 1, view, error) &&
                      html_picture(stream, p, caption, error);
    picture_free(p);
    return good;
}

/* All that can be refused is refused before anything is printed. */
static bool print_packs(FILE *stream, size_t n, pack_views *packs, cpb_error *why,
                        cpb_error *error)
{
    for (size_t i = 0; i < n; i++)
        if (!make_views(&packs[i], why)) {
            fputs("<p>The packs are not drawn: ", stream);
            html_text(stream, why->message);
            fputs(".</p>\n", stream);
            return true;
        }
    fputs("<div class=\"figures\">\n", stream);
    for (size_t i = 0; i < n; i++)
        for (size_t v = 0; v < packs[i].n; v++)
            if (!print_view(stream, &packs[i], &packs[i].view[v], error))
                return false;
    fputs("</div>\n", stream);
    return true;
}

bool page_packs(FILE *stream, const cli_rowset *set, cpb_error *error)
{
    bool good = true;
    cpb_error why = {.at = -1};
    const int64_t best = answer_choice(&set->answer, -1);
    const size_t n = set->answer.n_packs > 1 ? PACKS : 1;
    if (best < 0 || !picture_is_built())
        return true;
    pack_views packs[PACKS] = {{.which = n > 1 ? "Median" : "The pack"},
                               {.which = "Worst"}};
    packs[0].of = rowset_quantile(set, (size_t)best, step, 50, &good);
    packs[1].of = rowset_quantile(set, (size_t)best, step, 100, &good);
    if (!good)
        return fail_memory(error);
    fprintf(stream, "<h2>The answer on %s</h2>\n",
            n > 1 ? "its median and its worst pack" : "the pack");
    good = print_packs(stream, n, packs, &why, error);
    for (size_t i = 0; i < n; i++)
        free_views(&packs[i]);
    return good;
}
