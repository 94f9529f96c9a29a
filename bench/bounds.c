// SPDX-License-Identifier: Apache-2.0
/* How tight the proved bounds of traffic are: for each mask the least that any balancer
 * reaches within the tolerance, beside the bound. Prints one Markdown table. Uses public
 * headers only.
 *   bench_bounds [PACKS]     sums over so many packs, default 5 */
#define _POSIX_C_SOURCE 200809L

#include "parts/draw.h"

#include <cpb/cpb.h>

typedef int64_t draw_length(uint64_t *seed);

enum { TOKENS = 1 << 18 };

static int64_t web_length(uint64_t *seed)
{
    return log_normal(seed, 8192);
}

static int64_t short_length(uint64_t *seed)
{
    return log_normal(seed, 1024);
}

static int64_t equal_length(uint64_t *seed)
{
    (void)seed;
    return TOKENS / 16;
}

typedef struct subject {
    const char *what;
    const char *mask;
    draw_length *draw; /* NULL: one document */
} subject;

static const subject subjects[] = {
    {"one causal document", "documents", NULL},
    {"16 equal documents", "documents", equal_length},
    {"log-normal, mean 8K", "documents", web_length},
    {"log-normal, mean 1K", "documents", short_length},
    {"Pareto", "documents", pareto},
    {"log-normal, full inside documents", "documents-full", web_length},
    {"log-normal, window 1,024", "window:1024", web_length},
    {"one document, window 4,096", "window:4096", NULL},
    {"one document, window 4,096 both ways", "window-both:4096", NULL},
    {"one document, chunked 8,192", "chunked:8192", NULL},
    {"log-normal, blocks of 512 causal", "block-causal:512", web_length},
};

static const int32_t worlds[] = {8, 64};
static const int64_t tolerances_ppm[] = {1000, 10000, 100000};

enum {
    N_SUBJECTS = sizeof subjects / sizeof *subjects,
    N_WORLDS = sizeof worlds / sizeof *worlds,
    N_TOLERANCES = sizeof tolerances_ppm / sizeof *tolerances_ppm
};

/* What ranks receive in all, what the one receives that gets most, and what the one sends
 * that gives most: flat, and at the least. */
typedef struct traffic {
    int64_t total, most, flat, send;
} traffic;

typedef struct line {
    traffic bound, best; /* summed over packs */
    int packs;           /* on which some plan keeps the tolerance */
} line;

static cpb_mask *draw_mask(const subject *s, int pack)
{
    uint64_t seed = (uint64_t)pack * UINT64_C(0x9e3779b97f4a7c15) + 3;
    int64_t *const lengths = malloc(TOKENS * sizeof *lengths);
    size_t n = 0;
    cpb_mask *mask;
    if (!lengths)
        or_die(CPB_NO_MEMORY);
    seed = next_random(&seed);
    for (int64_t left = TOKENS; left > 0; left -= lengths[n++]) {
        const int64_t length = s->draw ? s->draw(&seed) : TOKENS;
        lengths[n] = length < left ? length : left;
    }
    or_die(cpb_mask_create_text(s->mask, n, lengths, NULL, NULL, &mask, NULL));
    free(lengths);
    return mask;
}

/* The largest load that the tolerance allows beside the mean and the bound of a plan. */
static double allowed(const cpb_score *score, int64_t tolerance_ppm)
{
    const double bound = (double)score->load_bound;
    const double base = score->load_mean > bound ? score->load_mean : bound;
    return base * (1 + (double)tolerance_ppm / 1e6) * (1 + 1e-12);
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static cpb_score score_of(const char *balancer, const cpb_masks *masks,
                          cpb_options options)
{
    cpb_plan *plan;
    cpb_score score;
    options.balancer = balancer;
    or_die(cpb_plan_create(masks, &options, &plan, NULL));
    or_die(cpb_score_plan(plan, masks, &options.setup, NULL, &score, NULL, NULL, NULL));
    cpb_plan_free(plan);
    return score;
}

/* Add the least of all figures over all balancers, each figure by itself. What is
 * allowed and the bounds are those of plans by token, which all plans are. */
static void add_pack(const subject *s, int pack, const cpb_options *options, line *to)
{
    cpb_mask *const mask = draw_mask(s, pack);
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks = {.n = 1, .mask = list};
    const cpb_score by_token = score_of("frugal", &masks, *options);
    const double limit = allowed(&by_token, options->tolerance_ppm);
    traffic best = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    for (size_t b = 0; cpb_balancer_name(b); b++) {
        const cpb_score score = score_of(cpb_balancer_name(b), &masks, *options);
        if ((double)score.load_max > limit)
            continue;
        best.total = lesser(best.total, score.receive_total);
        best.most = lesser(best.most, score.receive_max);
        best.flat = lesser(best.flat, score.send_max);
        best.send = lesser(best.send, lesser(score.send_max, score.relay_send_max));
    }
    cpb_mask_free(mask);
    if (best.total == INT64_MAX)
        return;
    to->bound.total += by_token.receive_bound;
    to->bound.most += by_token.receive_max_bound;
    to->bound.send += by_token.send_max_bound;
    to->best.total += best.total;
    to->best.most += best.most;
    to->best.flat += best.flat;
    to->best.send += best.send;
    to->packs++;
}

static void print_pair(int64_t best, int64_t bound, int packs)
{
    const double all = (double)TOKENS * packs;
    if (!packs) {
        printf(" - | - | - |");
        return;
    }
    printf(" %.4f | %.4f |", (double)best / all, (double)bound / all);
    if (best == bound)
        printf(" 1 |");
    else if (bound == 0)
        printf(" - |");
    else
        printf(" %.2f |", (double)best / (double)bound);
}

static void print_flat(const line *sum)
{
    if (sum->packs)
        printf(" %.4f |", (double)sum->best.flat / ((double)TOKENS * sum->packs));
    else
        printf(" - |");
}

int main(int argc, char **argv)
{
    const int packs = argc > 1 ? atoi(argv[1]) : 5;
    cpb_options options = cpb_options_default();
    options.setup.kernel = CPB_VARLEN;
    options.setup.cost = CPB_PAIRS;
    if (packs < 1) {
        fprintf(stderr, "usage: bench_bounds [PACKS]\n");
        return 2;
    }
    printf("%d tokens, kernel varlen, cost pairs; in sequences; the least over all "
           "balancers that keep the tolerance, means over %d packs\n\n",
           (int)TOKENS, packs);
    puts("| mask | W | tolerance | total | bound | ratio | most | bound | ratio | flat "
         "| relayed | bound | ratio | packs |\n"
         "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (size_t s = 0; s < N_SUBJECTS; s++)
        for (size_t w = 0; w < N_WORLDS; w++)
            for (size_t t = 0; t < N_TOLERANCES; t++) {
                const int n = subjects[s].draw ? packs : 1;
                line sum = {.packs = 0};
                options.ranks = worlds[w];
                options.tolerance_ppm = tolerances_ppm[t];
                for (int pack = 0; pack < n; pack++)
                    add_pack(&subjects[s], pack, &options, &sum);
                printf("| %s | %d | %g %% |", subjects[s].what, (int)worlds[w],
                       (double)tolerances_ppm[t] / 1e4);
                print_pair(sum.best.total, sum.bound.total, sum.packs);
                print_pair(sum.best.most, sum.bound.most, sum.packs);
                print_flat(&sum);
                print_pair(sum.best.send, sum.bound.send, sum.packs);
                printf(" %d of %d |\n", sum.packs, n);
                fflush(stdout);
            }
    return 0;
}
