// SPDX-License-Identifier: Apache-2.0
/* Traffic, balance, fragments and time of every balancer of the table, and of METIS, over
 * packs of documents that are causal inside themselves. Prints a Markdown table for each
 * source of lengths, case and tolerance.
 *   bench_traffic [PACKS] [--option=value]... [FILE...]     --help lists the options
 * A FILE holds document lengths, one a line; log-normal, Pareto and tiny lengths are drawn
 * always. A pack draws lengths with replacement until it is full and cuts the last. */
#define _POSIX_C_SOURCE 200809L

#include "parts/draw.h"
#include "parts/packs.h"
#include "parts/traffic_table.h"
#include "peers/metis.h"

#include <cpb/cpb.h>

#include <string.h>

enum { MOST_CASES = 16, MOST_TOLERANCES = 8, MOST_SOURCES = 16 };

/* What takes longer than this many seconds is not repeated. */
static const double long_enough = 0.1;

/* What the options say. */
typedef struct request {
    int packs;
    int repeats;
    size_t n_cases;
    traffic_case cases[MOST_CASES];
    size_t n_tolerances;
    double tolerances[MOST_TOLERANCES];
    const char *only; /* names of balancers, or NULL: all */
    cpb_options options;
    size_t n_sources;
    pack_source sources[MOST_SOURCES];
} request;

static _Noreturn void usage(const char *what)
{
    fprintf(stderr,
            "%s\nusage: bench_traffic [PACKS] [--repeats=N] [--cases=128K/8,1M/64]\n"
            "  [--tolerances=0.01,0.001] [--only=frugal,ptrr] "
            "[--effort=fast|default|high]\n"
            "  [--kernel=flex|varlen] [--cost=pairs|tiles|profile] [FILE...]\n",
            what);
    exit(2);
}

/* The number of the choice that `value` names. */
static int choice(const char *value, size_t n, const char *const *names)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], value) == 0)
            return (int)i;
    usage(value);
}

static void read_cases(request *r, const char *text)
{
    for (r->n_cases = 0; *text && r->n_cases < MOST_CASES; text += *text == ',') {
        char *end;
        traffic_case *const c = &r->cases[r->n_cases++];
        c->tokens = strtoll(text, &end, 10);
        if (*end == 'K' || *end == 'M')
            c->tokens <<= *end++ == 'K' ? 10 : 20;
        if (*end != '/')
            usage(text);
        c->ranks = (int32_t)strtol(end + 1, &end, 10);
        if (c->tokens < 1 || c->ranks < 1 || (*end && *end != ','))
            usage(text);
        text = end;
    }
}

static void read_tolerances(request *r, const char *text)
{
    for (r->n_tolerances = 0; *text && r->n_tolerances < MOST_TOLERANCES;
         text += *text == ',') {
        char *end;
        r->tolerances[r->n_tolerances++] = strtod(text, &end);
        if (end == text || (*end && *end != ','))
            usage(text);
        text = end;
    }
}

static void read_option(request *r, const char *text)
{
    static const char *const kernels[] = {"flex", "varlen"};
    static const char *const costs[] = {"pairs", "tiles", "profile"};
    static const char *const efforts[] = {"fast", "default", "high"};
    const char *const value = strchr(text, '=') ? strchr(text, '=') + 1 : "";
    const size_t length = (size_t)(value - text);
#define IS(name) (length == sizeof name && strncmp(text, name "=", length) == 0)
    if (IS("--repeats"))
        r->repeats = atoi(value) > 0 ? atoi(value) : 1;
    else if (IS("--cases"))
        read_cases(r, value);
    else if (IS("--tolerances"))
        read_tolerances(r, value);
    else if (IS("--only"))
        r->only = value;
    else if (IS("--effort"))
        r->options.effort = (cpb_effort)choice(value, 3, efforts);
    else if (IS("--kernel"))
        r->options.setup.kernel = (cpb_kernel)choice(value, 2, kernels);
    else if (IS("--cost"))
        r->options.setup.cost = (cpb_cost)choice(value, 3, costs);
    else
        usage(text);
#undef IS
}

static request read_arguments(int argc, char **argv)
{
    request r = {.packs = 15, .repeats = 3, .options = cpb_options_default()};
    r.options.setup.kernel = CPB_VARLEN;
    r.options.setup.cost = CPB_PAIRS;
    read_cases(&r, "128K/8,1M/64");
    read_tolerances(&r, "0.01");
    r.n_sources = pack_sources_drawn(r.sources);
    for (int i = 1; i < argc; i++) {
        const size_t digits = strspn(argv[i], "0123456789");
        if (strncmp(argv[i], "--", 2) == 0)
            read_option(&r, argv[i]);
        else if (digits && !argv[i][digits])
            r.packs = atoi(argv[i]) > 0 ? atoi(argv[i]) : 1;
        else if (r.n_sources < MOST_SOURCES)
            r.sources[r.n_sources++] = pack_source_read(argv[i]);
    }
    return r;
}

/* --- One plan -------------------------------------------------------------------- */

static double seconds_of_exchange(const cpb_plan *plan, const cpb_mask *mask,
                                  int32_t nodes)
{
    const cpb_exchange_options options = {nodes ? CPB_TWO_LEVEL : CPB_FLAT, nodes};
    cpb_exchange *exchange;
    const double begin = cpu_seconds();
    or_die(cpb_exchange_create(plan, mask, &options, NULL, &exchange, NULL));
    const double seconds = cpu_seconds() - begin;
    cpb_exchange_free(exchange);
    return seconds;
}

/* Traffic of the busiest card, of the traffic that an all-gather has there at its best,
 * where each key crosses a card once per node. */
static double of_allgather(const cpb_plan *plan, const cpb_masks *masks,
                           cpb_setup setup)
{
    cpb_score ours, theirs;
    or_die(cpb_score_plan(plan, masks, &setup, NULL, &ours, NULL, NULL, NULL));
    setup.transport = CPB_ALLGATHER;
    or_die(cpb_score_plan(plan, masks, &setup, NULL, &theirs, NULL, NULL, NULL));
    return (double)(ours.net_in_max > ours.net_out_max ? ours.net_in_max
                                                       : ours.net_out_max) /
           (double)(theirs.net_in_max > theirs.net_out_max ? theirs.net_in_max
                                                           : theirs.net_out_max);
}

static void note_score(const cpb_plan *plan, const cpb_masks *masks,
                       const cpb_options *options, traffic_figures *f)
{
    cpb_score s;
    int64_t largest = 0;
    or_die(cpb_score_plan(plan, masks, &options->setup, NULL, &s, NULL, NULL, NULL));
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        if (cpb_plan_size(plan, r) > largest)
            largest = cpb_plan_size(plan, r);
    const double fair =
        s.load_mean > (double)s.load_bound ? s.load_mean : (double)s.load_bound;
    f->made = true;
    f->total = (double)s.receive_total;
    f->receive = (double)s.receive_max;
    f->send = (double)s.send_max;
    f->runs = (double)s.runs_max;
    f->load = (double)s.load_max;
    f->excess = fair > 0 ? (double)s.load_max / fair - 1 : 0;
    f->size = (double)largest * cpb_plan_ranks(plan) /
              (double)(cpb_plan_tokens(plan) + cpb_plan_padding(plan));
}

static void keep_least(double *least, double value)
{
    if (!(*least <= value))
        *least = value;
}

/* The two-level side of a row: planned for nodes of eight ranks. */
static void measure_nodes(cpb_options options, const cpb_masks *masks, int repeats,
                          traffic_figures *f)
{
    const int32_t nodes = options.ranks / 8;
    options.setup.nodes = nodes;
    for (int i = 0; nodes > 1 && i < repeats; i++) {
        cpb_plan *plan;
        const double begin = cpu_seconds();
        if (cpb_plan_create(masks, &options, &plan, NULL) != CPB_OK)
            return;
        const double planned = cpu_seconds() - begin;
        keep_least(&f->two_level,
                   planned + seconds_of_exchange(plan, masks->mask[0], nodes));
        if (!i)
            f->card = of_allgather(plan, masks, options.setup);
        cpb_plan_free(plan);
        if (f->two_level > long_enough)
            break;
    }
}

static void measure_row(const char *name, const request *r, cpb_options options,
                        const cpb_masks *masks, traffic_figures *f)
{
    options.balancer = name;
    for (int i = 0; i < r->repeats; i++) {
        cpb_plan *plan;
        const double begin = cpu_seconds();
        if (cpb_plan_create(masks, &options, &plan, NULL) != CPB_OK)
            return;
        const double planned = cpu_seconds() - begin;
        keep_least(&f->plan, planned);
        keep_least(&f->flat, planned + seconds_of_exchange(plan, masks->mask[0], 0));
        if (!i)
            note_score(plan, masks, &options, f);
        cpb_plan_free(plan);
        if (f->flat > long_enough)
            break;
    }
    measure_nodes(options, masks, r->repeats, f);
}

/* --- METIS ----------------------------------------------------------------------- */

static cpb_plan *plan_of_owners(int64_t tokens, int64_t chunk, int32_t ranks,
                                const int32_t *owner)
{
    const int64_t n = (tokens + chunk - 1) / chunk;
    int64_t *const first = calloc((size_t)ranks + 1, sizeof *first);
    cpb_range *const runs = malloc((size_t)n * sizeof *runs);
    const cpb_promise promise = {CPB_UNEVEN, chunk, chunk, -1, CPB_ALGORITHM, 10000};
    cpb_plan *plan;
    if (!first || !runs)
        or_die(CPB_NO_MEMORY);
    for (int32_t r = 0; r < ranks; r++) {
        first[r + 1] = first[r];
        for (int64_t c = 0; c < n; c++)
            if (owner[c] == r)
                runs[first[r + 1]++] = (cpb_range){
                    c * chunk, (c + 1) * chunk < tokens ? (c + 1) * chunk : tokens};
    }
    or_die(cpb_plan_create_runs(tokens, 0, ranks, first, runs, &promise, NULL, &plan,
                                NULL));
    free(first);
    free(runs);
    return plan;
}

/* Both objectives; the partition with less traffic counts. METIS wants more vertices than
 * parts. */
static void measure_metis(const cpb_options *options, double tolerance,
                          const cpb_masks *masks, traffic_figures *f)
{
    const int64_t tokens = cpb_mask_tokens(masks->mask[0]);
    const int64_t chunk = tokens / 2048 > 128 ? tokens / 2048 : 128;
    if (tokens / chunk < options->ranks)
        return;
    int32_t *const owner = calloc((size_t)(tokens / chunk + 1), sizeof *owner);
    if (!owner)
        or_die(CPB_NO_MEMORY);
    for (int volume = 0; volume < 2; volume++) {
        traffic_figures one = {.made = false};
        one.plan = one.flat = metis_partition(masks->mask[0], chunk, options->ranks,
                                              tolerance, volume, owner);
        cpb_plan *const plan = plan_of_owners(tokens, chunk, options->ranks, owner);
        note_score(plan, masks, options, &one);
        one.flat += seconds_of_exchange(plan, masks->mask[0], 0);
        one.two_level = NAN;
        one.card = NAN;
        if (!f->made || one.total < f->total)
            *f = one;
        cpb_plan_free(plan);
    }
    free(owner);
}

/* What all ranks together receive at least, where documents are causal, shards equal and
 * loads within the tolerance. Order the ranks that share a document of length L and w
 * pairs by the last position they hold. All but the last i of them hold at least
 * w - i * limit of its pairs and L - i * share of its positions, all before the end y of
 * the last among them; so y (y + 1) / 2 and y are no less. Each rank receives y but for
 * what it holds; the very last one's y is L, which is what all hold together. */
static double least_total(const cpb_mask *mask, int32_t ranks, double tolerance)
{
    const int64_t *const ends = cpb_mask_document_ends(mask);
    const double tokens = (double)cpb_mask_tokens(mask), share = tokens / ranks;
    double mean = (double)cpb_mask_pairs(mask) / ranks + 1, sum = 0;
    if (mean < tokens)
        mean = tokens; /* the costliest query may be the limit */
    for (size_t d = 0; d < cpb_mask_n_documents(mask); d++) {
        const double length = (double)(ends[d] - (d ? ends[d - 1] : 0));
        for (int32_t i = 1; i < ranks; i++) {
            const double pairs = length * (length + 1) / 2 - i * mean * (1 + tolerance);
            const double by_pairs = pairs > 0 ? (sqrt(1 + 8 * pairs) - 1) / 2 : 0;
            const double by_share = length - i * share;
            if (by_pairs <= 0 && by_share <= 0)
                break;
            sum += by_pairs > by_share ? by_pairs : by_share;
        }
    }
    return sum;
}

/* --- Packs ----------------------------------------------------------------------- */

static void measure_pack(const request *r, const pack_source *source,
                         const traffic_case *c, double tolerance, int pack,
                         traffic_table *table)
{
    cpb_options options = r->options;
    cpb_mask *const mask = pack_draw(source, c->tokens, c->ranks, (uint64_t)pack);
    const cpb_mask *const one = mask;
    const cpb_masks masks = {.n = 1, .mask = &one};
    options.ranks = c->ranks;
    options.tolerance_ppm = (int64_t)(tolerance * 1e6 + 0.5);
    for (size_t row = 0; row < table->n_rows; row++) {
        traffic_figures *const f = traffic_cell(table, pack, row);
        if (strcmp(table->names[row], "METIS") == 0)
            measure_metis(&options, tolerance, &masks, f);
        else
            measure_row(table->names[row], r, options, &masks, f);
        f->bound = least_total(mask, c->ranks, tolerance);
    }
    cpb_mask_free(mask);
}

static bool is_wanted(const request *r, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = r->only; at && (at = strstr(at, name)); at += length)
        if ((at == r->only || at[-1] == ',') && (!at[length] || at[length] == ','))
            return true;
    return !r->only;
}

static void measure_case(const request *r, const pack_source *source,
                         const traffic_case *c)
{
    traffic_table before = {.n_rows = 0};
    for (size_t t = 0; t < r->n_tolerances; t++) {
        traffic_table table = traffic_table_new(c, r->packs);
        for (size_t i = 0; cpb_balancer_name(i); i++)
            if (is_wanted(r, cpb_balancer_name(i)))
                traffic_table_add(&table, cpb_balancer_name(i));
        if (metis_is_here() && is_wanted(r, "METIS"))
            traffic_table_add(&table, "METIS");
        for (int pack = 0; pack < r->packs; pack++)
            measure_pack(r, source, c, r->tolerances[t], pack, &table);
        traffic_table_print(&table, source->name, r->tolerances[t], &before);
        traffic_table_free(&before);
        before = table;
    }
    traffic_table_free(&before);
}

int main(int argc, char **argv)
{
    const request r = read_arguments(argc, argv);
    printf("Medians over packs, worst in brackets. S: tokens of the pack. Times are "
           "those of the processor, the least of %d runs.\n",
           r.repeats);
    printf(metis_is_here()
               ? "METIS: both objectives, the better counts; its time is that of the "
                 "partitioning alone; its shards are not equal.\n"
               : "METIS is not in this build: libmetis-dev was not found.\n");
    for (size_t i = 0; i < r.n_cases; i++)
        for (size_t s = 0; s < r.n_sources; s++)
            measure_case(&r, &r.sources[s], &r.cases[i]);
    for (size_t s = 0; s < r.n_sources; s++)
        pack_source_free(&r.sources[s]);
    return 0;
}
