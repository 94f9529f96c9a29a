// SPDX-License-Identifier: Apache-2.0
/* Where placement wins, ties and loses: modelled steps of every balancer in a fixed list of
 * scenarios, under every overlap, with keys by exchange or all-gather. Prints a Markdown
 * table for each scenario. Uses public headers only.
 *   bench_scenarios [PACKS]     medians over so many packs, default 5 */
#define _POSIX_C_SOURCE 200809L

#include "parts/draw.h"

#include <cpb/cpb.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MOST_MASKS = 2, MOST_ROWS = 16, MOST_PACKS = 100, N_OVERLAPS = 3 };

/* How keys travel. With nodes an exchange is two-level; flat is the same plan sent rank to
 * rank over the nodes' cards. */
typedef enum travel { EXCHANGE, FLAT, ALLGATHER, N_FORMS } travel;

static const char *const form_names[] = {"exchange", "flat", "all-gather"};
static const char *const overlap_names[] = {"none", "two-stage", "ideal"};

typedef int64_t draw_length(uint64_t *seed);

static int64_t web_length(uint64_t *seed)
{
    return log_normal(seed, 8192);
}

static int64_t chat_length(uint64_t *seed)
{
    return log_normal(seed, 256);
}

typedef struct scenario {
    const char *title;
    int64_t tokens;
    int32_t ranks, nodes;
    draw_length *draw; /* NULL: one document */
    const char *masks[MOST_MASKS];
    int64_t net_bytes_per_us; /* 0: as the profile has it, 400 Gb/s */
    int64_t recurrent_layers; /* beside one attention layer */
    cpb_model model;          /* 0 heads: 64/4x128 in bf16 */
} scenario;

static const scenario scenarios[] = {
    {.title = "one causal document of 128K, one node of 8 on NVLink",
     .tokens = 1 << 17,
     .ranks = 8,
     .nodes = 1,
     .masks = {"documents"}},
    {.title = "one causal document of 128K, 8 ranks, one per node at 50 GB/s",
     .tokens = 1 << 17,
     .ranks = 8,
     .masks = {"documents"}},
    {.title = "packed, 128K, one node of 8 on NVLink",
     .tokens = 1 << 17,
     .ranks = 8,
     .nodes = 1,
     .draw = web_length,
     .masks = {"documents"}},
    {.title = "packed, 1M, 8 nodes of 8, a card of 50 GB/s per node",
     .tokens = 1 << 20,
     .ranks = 64,
     .nodes = 8,
     .draw = web_length,
     .masks = {"documents"}},
    {.title = "packed, 128K, 8 ranks, one per node at 50 GB/s",
     .tokens = 1 << 17,
     .ranks = 8,
     .draw = web_length,
     .masks = {"documents"}},
    {.title = "packed, 128K, 8 ranks, one per node at 100 Gb Ethernet (12.5 GB/s)",
     .tokens = 1 << 17,
     .ranks = 8,
     .draw = web_length,
     .masks = {"documents"},
     .net_bytes_per_us = 12500},
    {.title = "packed, 128K, one full layer and three of window 1,024, one per node at "
              "50 GB/s",
     .tokens = 1 << 17,
     .ranks = 8,
     .draw = web_length,
     .masks = {"documents", "3*window:1024"}},
    {.title = "packed, 128K, one full layer and three recurrent ones, one per node at "
              "50 GB/s",
     .tokens = 1 << 17,
     .ranks = 8,
     .draw = web_length,
     .masks = {"documents"},
     .recurrent_layers = 3},
    {.title = "packed, 128K, latent keys of 1.1 KB (64/1x288), one per node at 50 GB/s",
     .tokens = 1 << 17,
     .ranks = 8,
     .draw = web_length,
     .masks = {"documents"},
     .model = {64, 1, 288, 2}},
    {.title = "chat prompts of 256 tokens on average, 128K, one per node at 50 GB/s",
     .tokens = 1 << 17,
     .ranks = 8,
     .draw = chat_length,
     .masks = {"documents"}},
};

enum { N_SCENARIOS = sizeof scenarios / sizeof *scenarios };

/* Modelled steps in us, NAN where a combination is refused. */
typedef struct steps {
    double us[MOST_ROWS][N_FORMS][N_OVERLAPS][MOST_PACKS];
} steps;

/* --- One plan -------------------------------------------------------------------- */

static cpb_setup setup_of(const scenario *s, travel form, int overlap)
{
    cpb_setup setup = cpb_setup_default();
    setup.nodes = s->nodes;
    setup.transport = form == ALLGATHER ? CPB_ALLGATHER : CPB_EXCHANGE;
    setup.overlap = (cpb_overlap)overlap;
    if (s->net_bytes_per_us)
        setup.profile.net_bytes_per_us = s->net_bytes_per_us;
    if (s->model.q_heads)
        setup.model = s->model;
    return setup;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* Picoseconds that `keys` take at a rate. */
static double wire(const cpb_setup *setup, double keys, int64_t rate)
{
    const cpb_model *const m = &setup->model;
    return keys * 2 * (double)(m->kv_heads * m->head_dim * m->element_bytes) * 1e6 /
           (double)rate;
}

/* A flat exchange: a key crosses the cards of two nodes once for every rank that needs
 * it; traffic inside a node goes over the ranks' links, at the same time. */
static double flat_wire(const cpb_setup *setup, int32_t ranks, int32_t peers,
                        const int64_t *matrix)
{
    const int32_t per_node = setup->nodes ? ranks / setup->nodes : 1;
    double *const at = calloc(4 * (size_t)ranks, sizeof *at);
    double outside = 0, inside = 0;
    if (!at)
        or_die(CPB_NO_MEMORY);
    for (int32_t i = 0; i < ranks; i++)
        for (int32_t j = 0; j < ranks; j++) {
            const double keys = (double)matrix[(size_t)i * (size_t)ranks + (size_t)j];
            const int32_t from = i / per_node, to = j / per_node;
            const bool crosses = from != to;
            at[crosses ? from : 2 * ranks + i] += keys;
            at[ranks + (crosses ? to : 2 * ranks + j)] += keys;
        }
    for (int32_t r = 0; r < 2 * ranks; r++) {
        outside = larger(outside, at[r]);
        inside = larger(inside, at[2 * ranks + r]);
    }
    free(at);
    if (outside + inside == 0)
        return 0;
    return (double)setup->profile.phase_latency +
           (double)setup->profile.peer_latency * peers +
           larger(wire(setup, outside, setup->profile.net_bytes_per_us),
                  wire(setup, inside, setup->profile.link_bytes_per_us));
}

/* The step of the slowest rank when the wire takes `wire`, as docs/formats.md has it. */
static double step_of(const cpb_rank_score *ranks, int32_t n, double wire, int overlap)
{
    double longest = 0;
    for (int32_t r = 0; r < n; r++) {
        const double all = (double)ranks[r].compute;
        const double own =
            ranks[r].pairs ? all * (double)ranks[r].own_pairs / (double)ranks[r].pairs
                           : all;
        const double step = overlap == CPB_OVERLAP_NONE ? all + wire
                            : overlap == CPB_OVERLAP_IDEAL
                                ? larger(all, wire)
                                : larger(own, wire) + all - own;
        longest = larger(longest, step);
    }
    return longest;
}

static double flat_step(const cpb_plan *plan, const cpb_masks *masks,
                        const cpb_setup *setup)
{
    const int32_t n = cpb_plan_ranks(plan);
    cpb_score score;
    cpb_rank_score *const ranks = calloc((size_t)n, sizeof *ranks);
    int64_t *const matrix = calloc((size_t)n * (size_t)n, sizeof *matrix);
    if (!ranks || !matrix)
        or_die(CPB_NO_MEMORY);
    or_die(cpb_score_plan(plan, masks, setup, NULL, &score, ranks, matrix, NULL));
    const double step = step_of(ranks, n, flat_wire(setup, n, score.peers_max, matrix),
                                (int)setup->overlap);
    /* Where every rank has a card, both forms are one, and the library's word holds. */
    if (!setup->nodes && masks->n == 1 &&
        fabs(step - (double)score.step_time) > 1e-6 * step + 10) {
        fprintf(stderr, "a flat step of %g, but the library says %" PRId64 "\n", step,
                score.step_time);
        exit(1);
    }
    free(ranks);
    free(matrix);
    return step;
}

static double scored_step(const cpb_plan *plan, const cpb_masks *masks,
                          const cpb_setup *setup)
{
    cpb_score score;
    or_die(cpb_score_plan(plan, masks, setup, NULL, &score, NULL, NULL, NULL));
    return (double)score.step_time;
}

static double measure(const scenario *s, const cpb_masks *masks, const char *balancer,
                      travel form, int overlap)
{
    cpb_plan *plan;
    cpb_options options = cpb_options_default();
    options.ranks = s->ranks;
    options.balancer = balancer;
    options.setup = setup_of(s, form, overlap);
    const cpb_status status = cpb_plan_create(masks, &options, &plan, NULL);
    if (status == CPB_UNSUPPORTED)
        return NAN;
    or_die(status);
    double step = form == FLAT ? flat_step(plan, masks, &options.setup)
                               : scored_step(plan, masks, &options.setup);
    options.setup.kernel = CPB_RECURRENT;
    if (s->recurrent_layers)
        step += (double)s->recurrent_layers * scored_step(plan, masks, &options.setup);
    cpb_plan_free(plan);
    return step / 1e6;
}

/* --- One scenario ---------------------------------------------------------------- */

static cpb_mask *draw_mask(const scenario *s, const char *text, int pack,
                           int64_t *weight)
{
    uint64_t seed = (uint64_t)pack * UINT64_C(0x9e3779b97f4a7c15) + 1;
    int64_t *const lengths = malloc((size_t)s->tokens * sizeof *lengths);
    size_t n = 0;
    cpb_mask *mask;
    if (!lengths)
        or_die(CPB_NO_MEMORY);
    seed = next_random(&seed);
    for (int64_t left = s->tokens; left > 0; left -= lengths[n++]) {
        const int64_t length = s->draw ? s->draw(&seed) : s->tokens;
        lengths[n] = length < left ? length : left;
    }
    or_die(cpb_mask_create_text(text, n, lengths, weight, NULL, &mask, NULL));
    free(lengths);
    return mask;
}

static bool has_form(const scenario *s, travel form)
{
    return form != FLAT || s->nodes > 1;
}

static void measure_pack(const scenario *s, int pack, steps *to)
{
    cpb_mask *made[MOST_MASKS];
    const cpb_mask *mask[MOST_MASKS];
    int64_t weight[MOST_MASKS];
    cpb_masks masks = {.mask = mask, .weight = weight};
    for (; masks.n < MOST_MASKS && s->masks[masks.n]; masks.n++)
        mask[masks.n] = made[masks.n] =
            draw_mask(s, s->masks[masks.n], pack, &weight[masks.n]);
    for (size_t row = 0; cpb_balancer_name(row); row++)
        for (int form = 0; form < N_FORMS; form++)
            for (int o = 0; o < N_OVERLAPS; o++)
                to->us[row][form][o][pack] =
                    has_form(s, (travel)form)
                        ? measure(s, &masks, cpb_balancer_name(row), (travel)form, o)
                        : NAN;
    for (size_t i = 0; i < masks.n; i++)
        cpb_mask_free(made[i]);
}

/* NAN where a pack has none. */
static double median_of(const double *values, int n)
{
    double sorted[MOST_PACKS];
    for (int i = 0; i < n; i++) {
        if (isnan(values[i]))
            return NAN;
        sorted[i] = values[i];
    }
    return median(sorted, (size_t)n);
}

/* Whether a balancer is somebody else's. */
static bool is_peer(size_t row)
{
    static const char *const ours[] = {"even", "frugal", "auto"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(cpb_balancer_name(row), ours[i]) == 0)
            return false;
    return true;
}

/* Median of `auto` over the best peer of each pack, that with keys as `rival` says. */
static double ratio(const steps *from, travel own, travel rival, int overlap, int packs)
{
    double ratios[MOST_PACKS];
    for (int p = 0; p < packs; p++) {
        double best = INFINITY, ours = NAN;
        for (size_t row = 0; cpb_balancer_name(row); row++) {
            const double step = from->us[row][rival][overlap][p];
            if (is_peer(row) && step < best)
                best = step;
            if (strcmp(cpb_balancer_name(row), "auto") == 0)
                ours = from->us[row][own][overlap][p];
        }
        ratios[p] = ours / best;
    }
    return median_of(ratios, packs);
}

static void print_ratios(const steps *from, travel own, travel rival, int packs)
{
    printf("- `auto` by %s, of the best peer by %s:", form_names[own],
           form_names[rival]);
    for (int o = 0; o < N_OVERLAPS; o++)
        printf("%s %.3f (%s)", o ? "," : "", ratio(from, own, rival, o, packs),
               overlap_names[o]);
    puts("");
}

static void print_scenario(const scenario *s, const steps *from, int packs)
{
    printf("\n### %c%s\n\n| balancer |", s->title[0] & ~0x20, s->title + 1);
    for (int form = 0; form < N_FORMS; form++)
        for (int o = 0; o < N_OVERLAPS && has_form(s, (travel)form); o++)
            printf(" %s, %s |", form_names[form], overlap_names[o]);
    printf("\n|---|");
    for (int c = 0; c < (has_form(s, FLAT) ? 3 : 2) * N_OVERLAPS; c++)
        printf("---|");
    puts("");
    for (size_t row = 0; cpb_balancer_name(row); row++) {
        printf("| %s |", cpb_balancer_name(row));
        for (int form = 0; form < N_FORMS; form++)
            for (int o = 0; o < N_OVERLAPS && has_form(s, (travel)form); o++)
                printf(" %.0f |", median_of(from->us[row][form][o], packs));
        puts("");
    }
    puts("");
    print_ratios(from, EXCHANGE, EXCHANGE, packs);
    print_ratios(from, EXCHANGE, ALLGATHER, packs);
    print_ratios(from, ALLGATHER, ALLGATHER, packs);
    if (has_form(s, FLAT))
        print_ratios(from, FLAT, ALLGATHER, packs);
}

int main(int argc, char **argv)
{
    const int packs = argc > 1 ? atoi(argv[1]) : 5;
    steps *const all = malloc(sizeof *all);
    if (packs < 1 || packs > MOST_PACKS) {
        fprintf(stderr, "usage: bench_scenarios [PACKS], 1 to %d\n", MOST_PACKS);
        return 2;
    }
    if (!all)
        or_die(CPB_NO_MEMORY);
    printf("Steps in us, profile h100-fa2, kernel flex, forward; medians over %d "
           "packs.\n",
           packs);
    for (size_t i = 0; i < N_SCENARIOS; i++) {
        const scenario *const s = &scenarios[i];
        const int n = s->draw ? packs : 1;
        for (int pack = 0; pack < n; pack++)
            measure_pack(s, pack, all);
        print_scenario(s, all, n);
        fflush(stdout);
    }
    free(all);
    return 0;
}
