// SPDX-License-Identifier: Apache-2.0
/* What a sweep comes to: tables for people, and the answer. */
#include "answer.h"

#include "message.h"
#include "table.h"

#include <inttypes.h>
#include <string.h>

enum { NONE = -1, PER_TOKEN = 6 /* among the columns */ };

static void print_name(const cli_answer *answer, size_t group, FILE *stream)
{
    char ranks[TABLE_CELL_BYTES];
    fprintf(stream, "%s with %s",
            table_count(answer_ranks(answer, group), "rank", ranks),
            answer_balancer(answer, group));
    if (answer->axes->tolerance_ppm.n > 1)
        fprintf(stream, " at tolerance %g", answer_tolerance(answer, group));
}

/* Names of a combination into the first cells of a row; returns how many. */
static size_t fill_names(const cli_answer *answer, size_t group, size_t row,
                         cli_table *table)
{
    size_t at = 0;
    snprintf(table_cell(table, row, at++), TABLE_CELL_BYTES, "%s",
             answer_balancer(answer, group));
    snprintf(table_cell(table, row, at++), TABLE_CELL_BYTES, "%" PRId64,
             answer_ranks(answer, group));
    if (answer->axes->tolerance_ppm.n > 1)
        snprintf(table_cell(table, row, at++), TABLE_CELL_BYTES, "%g",
                 answer_tolerance(answer, group));
    return at;
}

static size_t fill_titles(const cli_answer *answer, cli_table *table)
{
    size_t at = 0;
    strcpy(table_cell(table, 0, at++), "balancer");
    strcpy(table_cell(table, 0, at++), "ranks");
    if (answer->axes->tolerance_ppm.n > 1)
        strcpy(table_cell(table, 0, at++), "tolerance");
    for (size_t c = 0; c < ANSWER_COLUMNS; c++)
        strcpy(table_cell(table, 0, at + c), answer_columns[c].title);
    return at;
}

static size_t count_present(const cli_answer *answer)
{
    size_t present = 0;
    for (size_t g = 0; g < answer->n_groups; g++)
        present += answer->groups[g].packs > 0;
    return present;
}

static bool print_table(const cli_answer *answer, const char *title, int percent,
                        FILE *stream, cpb_error *error)
{
    cli_table table;
    size_t row = 1;
    const size_t names = answer->axes->tolerance_ppm.n > 1 ? 3 : 2;
    if (!table_create(count_present(answer) + 1, names + ANSWER_COLUMNS, &table)) {
        table_free(&table);
        return fail_memory(error);
    }
    fill_titles(answer, &table);
    for (size_t g = 0; g < answer->n_groups; g++) {
        if (!answer->groups[g].packs)
            continue;
        fill_names(answer, g, row, &table);
        for (size_t c = 0; c < ANSWER_COLUMNS; c++)
            table_decimals(spread_quantile(&answer->groups[g].spread[c], percent),
                           answer_columns[c].decimals,
                           table_cell(&table, row, names + c));
        row++;
    }
    fprintf(stream, "%s\n", title);
    table_print(&table, false, stream);
    fputc('\n', stream);
    table_free(&table);
    return true;
}

/* Whether a combination may be the answer: there on every pack, and within the limit. */
static bool may_win(const cli_answer *answer, size_t group, int64_t memory)
{
    const answer_group *const of = &answer->groups[group];
    return of->packs == answer->n_packs && (memory < 0 || of->memory_max <= memory);
}

/* The combination with the least time per token among those of `ranks` (0: any), without
 * `but`; NONE where there is none. */
static int64_t least(const cli_answer *answer, int64_t memory, int64_t ranks,
                     int64_t but)
{
    int64_t best = NONE;
    for (size_t g = 0; g < answer->n_groups; g++)
        if (may_win(answer, g, memory) && (int64_t)g != but &&
            (!ranks || answer_ranks(answer, g) == ranks) &&
            (best == NONE ||
             answer_time(answer, g) < answer_time(answer, (size_t)best)))
            best = (int64_t)g;
    return best;
}

/* How much less the answer takes than a rival, and how often. */
static void print_rival(const cli_answer *answer, size_t best, int64_t rival,
                        FILE *stream)
{
    char wins[TABLE_CELL_BYTES], packs[TABLE_CELL_BYTES];
    if (rival == NONE)
        return;
    const double mine = answer_time(answer, best);
    const double theirs = answer_time(answer, (size_t)rival);
    fprintf(stream, "        %.2f %% less than ",
            theirs > 0 ? 100 - 100 * mine / theirs : 0);
    print_name(answer, (size_t)rival, stream);
    fprintf(
        stream, ", less on %s of %s packs\n",
        table_thousands(answer->wins[best * answer->n_groups + (size_t)rival], wins),
        table_thousands(answer->n_packs, packs));
}

static void print_spread(const cli_answer *answer, size_t best, FILE *stream)
{
    char low[TABLE_CELL_BYTES], high[TABLE_CELL_BYTES], most[TABLE_CELL_BYTES];
    const cli_spread *const spread = &answer->groups[best].spread[PER_TOKEN];
    if (answer->n_packs > 1)
        fprintf(stream, "        %s to %s ns on four packs of five, at most %s\n",
                table_decimals(spread_quantile(spread, 10), 2, low),
                table_decimals(spread_quantile(spread, 90), 2, high),
                table_decimals(spread->most, 2, most));
    fprintf(
        stream, "        at most %s MiB of keys and values per rank\n",
        table_decimals((double)answer->groups[best].memory_max / (1 << 20), 1, low));
}

/* Under a limit that nothing keeps: what comes nearest. */
static void print_no_answer(const cli_answer *answer, FILE *stream)
{
    char text[TABLE_CELL_BYTES];
    int64_t best = NONE;
    for (size_t g = 0; g < answer->n_groups; g++)
        if (answer->groups[g].packs == answer->n_packs &&
            (best == NONE ||
             answer->groups[g].memory_max < answer->groups[best].memory_max))
            best = (int64_t)g;
    if (best == NONE) {
        fputs("answer  none: no balancer serves every pack\n", stream);
        return;
    }
    fputs("answer  none: nothing keeps the limit of memory; ", stream);
    print_name(answer, (size_t)best, stream);
    fprintf(
        stream, " takes least, %s MiB per rank\n",
        table_decimals((double)answer->groups[best].memory_max / (1 << 20), 1, text));
}

int64_t answer_choice(const cli_answer *answer, int64_t memory)
{
    return least(answer, memory, 0, NONE);
}

void answer_print_choice(const cli_answer *answer, int64_t memory, FILE *stream)
{
    char text[TABLE_CELL_BYTES];
    const cli_list *const ranks = &answer->axes->ranks;
    const int64_t best = answer_choice(answer, memory);
    if (best == NONE) {
        print_no_answer(answer, stream);
        return;
    }
    fputs("answer  ", stream);
    print_name(answer, (size_t)best, stream);
    fprintf(stream,
            ": least time per token, %s ns of all ranks together (profile %s)\n",
            table_decimals(answer_time(answer, (size_t)best), 2, text),
            answer->setup->profile.name);
    print_spread(answer, (size_t)best, stream);
    const int64_t own = answer_ranks(answer, (size_t)best);
    print_rival(answer, (size_t)best, least(answer, memory, own, best), stream);
    for (size_t r = 0; r < ranks->n; r++)
        if (ranks->value[r] != own)
            print_rival(answer, (size_t)best,
                        least(answer, memory, ranks->value[r], best), stream);
}

static void print_title(const cli_answer *answer, int64_t memory, FILE *stream)
{
    char packs[TABLE_CELL_BYTES];
    const cpb_setup *const setup = answer->setup;
    fprintf(stream, "%s: cost %s, kernel %s, transport %s\n",
            table_count(answer->n_packs, "pack", packs), cost_names[setup->cost],
            kernel_names[setup->kernel], transport_names[setup->transport]);
    fprintf(stream,
            "step of one attention layer under profile %s, overlap %s, %s\n"
            "received in sequences; ns/token is ranks x step / tokens",
            setup->profile.name, overlap_names[setup->overlap],
            setup->backward ? "forward and backward" : "forward");
    if (memory >= 0)
        fprintf(stream, "; at most %" PRId64 " MiB of keys and values per rank",
                memory >> 20);
    fputs("\n\n", stream);
}

bool answer_print(const cli_answer *answer, int64_t memory, FILE *stream,
                  cpb_error *error)
{
    print_title(answer, memory, stream);
    if (answer->n_packs == 1) {
        if (!print_table(answer, "the pack", 50, stream, error))
            return false;
    } else if (!print_table(answer, "median", 50, stream, error) ||
               !print_table(answer, "90th percentile", 90, stream, error) ||
               !print_table(answer, "worst", 100, stream, error)) {
        return false;
    }
    answer_print_choice(answer, memory, stream);
    return true;
}
