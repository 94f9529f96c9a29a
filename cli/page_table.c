// SPDX-License-Identifier: Apache-2.0
/* The table of a page. */
#include "page.h"

#include "html.h"
#include "message.h"
#include "table.h"

#include <inttypes.h>

static bool has_tolerances(const cli_rowset *set)
{
    return set->axes.tolerance_ppm.n > 1;
}

static void print_heads(FILE *stream, const cli_rowset *set)
{
    fputs("<div class=\"wide\"><table>\n<thead><tr><th>balancer</th><th>ranks</th>",
          stream);
    if (has_tolerances(set))
        fputs("<th>tolerance</th>", stream);
    for (size_t c = 0; c < ANSWER_COLUMNS; c++) {
        fputs("<th>", stream);
        html_text(stream, answer_columns[c].title);
        fputs("</th>", stream);
    }
    fputs("</tr></thead>\n<tbody>\n", stream);
}

/* The median, below it the worst; all three quantiles for who points at it. */
static bool print_cell(FILE *stream, const cli_rowset *set, size_t group, size_t column)
{
    bool good = true;
    char median[TABLE_CELL_BYTES], most[TABLE_CELL_BYTES], high[TABLE_CELL_BYTES];
    const answer_column *const c = &answer_columns[column];
    const set_row *const at[] = {rowset_quantile(set, group, c->value, 50, &good),
                                 rowset_quantile(set, group, c->value, 90, &good),
                                 rowset_quantile(set, group, c->value, 100, &good)};
    if (!good)
        return false;
    const double value = c->value(&at[0]->row);
    table_decimals(value, c->decimals, median);
    table_decimals(c->value(&at[1]->row), c->decimals, high);
    table_decimals(c->value(&at[2]->row), c->decimals, most);
    fprintf(stream, "<td data-v=\"%.17g\"", value);
    if (set->answer.n_packs > 1)
        fprintf(
            stream,
            " title=\"median %s, 90th percentile %s, worst %s\">%s<small>%s</small>",
            median, high, most, median, most);
    else
        fprintf(stream, ">%s", median);
    fputs("</td>", stream);
    return true;
}

static bool print_row(FILE *stream, const cli_rowset *set, size_t group)
{
    const cli_answer *const answer = &set->answer;
    const bool best = (int64_t)group == answer_choice(answer, -1);
    fprintf(stream, "<tr%s><td>", best ? " class=\"answer\"" : "");
    html_text(stream, answer_balancer(answer, group));
    fprintf(stream, "</td><td>%" PRId64 "</td>", answer_ranks(answer, group));
    if (has_tolerances(set))
        fprintf(stream, "<td>%g</td>", answer_tolerance(answer, group));
    for (size_t c = 0; c < ANSWER_COLUMNS; c++)
        if (!print_cell(stream, set, group, c))
            return false;
    fputs("</tr>\n", stream);
    return true;
}

bool page_table(FILE *stream, const cli_rowset *set, cpb_error *error)
{
    const bool many = set->answer.n_packs > 1;
    fprintf(
        stream,
        "<h2>Every combination</h2>\n<p>%sReceived is in sequences, all ranks "
        "together; runs and memory are those of the rank that has most; ns/token is "
        "ranks x step / tokens. The least is the best everywhere. Marked: the "
        "answer.</p>\n",
        many ? "The median over the packs, below it the worst. " : "");
    print_heads(stream, set);
    for (size_t g = 0; g < set->answer.n_groups; g++)
        if (set->answer.groups[g].packs && !print_row(stream, set, g))
            return fail_memory(error);
    fputs("</tbody></table></div>\n", stream);
    return true;
}
