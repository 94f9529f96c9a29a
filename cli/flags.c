// SPDX-License-Identifier: Apache-2.0
/* The table of flags. Values are read here, so that every refusal is a sentence with the
 * value in it. */
#include "flags.h"

#include "message.h"
#include "number.h"

#include <stdlib.h>
#include <string.h>

const char *const kernel_names[] = {
    [CPB_FLEX] = "flex", [CPB_VARLEN] = "varlen", [CPB_RECURRENT] = "recurrent", NULL};
const char *const transport_names[] = {[CPB_EXCHANGE] = "exchange",
                                       [CPB_ALLGATHER] = "allgather",
                                       [CPB_RING] = "ring",
                                       NULL};
const char *const cost_names[] = {
    [CPB_PAIRS] = "pairs", [CPB_TILES] = "tiles", [CPB_PROFILE_TIME] = "profile", NULL};
const char *const overlap_names[] = {[CPB_OVERLAP_NONE] = "none",
                                     [CPB_OVERLAP_TWO_STAGE] = "two-stage",
                                     [CPB_OVERLAP_IDEAL] = "ideal",
                                     NULL};
const char *const sizes_names[] = {
    [CPB_EQUAL] = "equal", [CPB_UNEVEN] = "uneven", NULL};
static const char *const effort_names[] = {[CPB_EFFORT_FAST] = "fast",
                                           [CPB_EFFORT_DEFAULT] = "default",
                                           [CPB_EFFORT_HIGH] = "high",
                                           NULL};
const char *const combine_names[] = {
    [CPB_COMBINE_LAYERS] = "layers", [CPB_COMBINE_SUM] = "sum", NULL};
static const char *const dtype_names[] = {
    [CPB_INT64] = "int64", [CPB_INT32] = "int32", NULL};

static void *member(const flag_row *flag, cli_options *options)
{
    return (char *)options + flag->offset;
}

static bool read_switch(const flag_row *flag, const char *text, cli_options *options,
                        cpb_error *error)
{
    (void)text;
    (void)error;
    *(bool *)member(flag, options) = true;
    return true;
}

static bool read_string(const flag_row *flag, const char *text, cli_options *options,
                        cpb_error *error)
{
    (void)error;
    *(const char **)member(flag, options) = text;
    return true;
}

static bool append(const char ***list, size_t *n, const char *text, cpb_error *error)
{
    const char **const grown = realloc(*list, (*n + 1) * sizeof *grown);
    if (!grown)
        return fail_memory(error);
    grown[(*n)++] = text;
    *list = grown;
    return true;
}

static bool read_mask(const flag_row *flag, const char *text, cli_options *options,
                      cpb_error *error)
{
    (void)flag;
    return append(&options->masks, &options->n_masks, text, error);
}

static bool read_repeated(const flag_row *flag, const char *text, cli_options *options,
                          cpb_error *error)
{
    cli_texts *const texts = member(flag, options);
    return append(&texts->text, &texts->n, text, error);
}

/* `--name` as sentences call it. */
static const char *dashed(const flag_row *flag, char name[24])
{
    snprintf(name, 24, "--%s", flag->name);
    return name;
}

static bool read_number(const flag_row *flag, const char *text, cli_options *options,
                        cpb_error *error)
{
    char name[24];
    return number_read(dashed(flag, name), text, flag->low, flag->high,
                       member(flag, options), error);
}

static bool read_ppm(const flag_row *flag, const char *text, cli_options *options,
                     cpb_error *error)
{
    char name[24];
    return number_read_ppm(dashed(flag, name), text, member(flag, options), error);
}

static bool read_model(const flag_row *flag, const char *text, cli_options *options,
                       cpb_error *error)
{
    char name[24];
    options->model_given = true;
    return number_read_model(dashed(flag, name), text, member(flag, options), error);
}

static bool read_speeds(const flag_row *flag, const char *text, cli_options *options,
                        cpb_error *error)
{
    return speeds_read(text, member(flag, options), error);
}

static bool read_ranks(const flag_row *flag, const char *text, cli_options *options,
                       cpb_error *error)
{
    return axes_read_ranks(text, member(flag, options), error);
}

static bool read_tolerances(const flag_row *flag, const char *text,
                            cli_options *options, cpb_error *error)
{
    return axes_read_tolerances(text, member(flag, options), error);
}

static bool read_balancers(const flag_row *flag, const char *text, cli_options *options,
                           cpb_error *error)
{
    return axes_read_balancers("--balancer", text, member(flag, options), error);
}

static bool read_compare(const flag_row *flag, const char *text, cli_options *options,
                         cpb_error *error)
{
    options->compare = true;
    return !text ||
           axes_read_balancers("--compare", text, member(flag, options), error);
}

static bool read_choice(const flag_row *flag, const char *text, cli_options *options,
                        cpb_error *error)
{
    char accepted[80] = "";
    size_t n = 0;
    for (; flag->names[n]; n++) {
        if (!strcmp(text, flag->names[n])) {
            *(int64_t *)member(flag, options) = (int64_t)n;
            return true;
        }
        const size_t used = strlen(accepted);
        snprintf(accepted + used, sizeof accepted - used, "%s%s", n ? ", " : "",
                 flag->names[n]);
    }
    const char *const guess = nearest(text, n, flag->names);
    return fail(error, "--%s is \"%.40s\"; accepted are %s%s%s%s", flag->name, text,
                accepted, guess ? " (did you mean " : "", guess ? guess : "",
                guess ? "?)" : "");
}

enum {
    MANY = USED_BY_COMPARE | USED_BY_SWEEP,
    SCORES = USED_BY_PLAN | USED_BY_SCORE | USED_BY_CHECK | USED_BY_DRAW | MANY,
    MEASURES = SCORES | USED_BY_ATTEND,
    LAYERS = USED_BY_PLAN | USED_BY_DRAW | MANY,
    PLANS = LAYERS | USED_BY_ATTEND,
    READS = USED_BY_SCORE | USED_BY_CHECK,
    ALL = MEASURES | USED_BY_PAD | USED_BY_CALIBRATE | USED_BY_SCHEDULE,
    ANY = ALL | USED_BY_REPORT,
    COUNTS_RANKS = MEASURES | USED_BY_PAD,
    MODELS = MEASURES | USED_BY_SCHEDULE
};

#define MEMBER(name) offsetof(cli_options, name)

const flag_row flags[] = {
    {"documents", "LENGTHS",
     "document lengths L1,L2,... or @FILE or - (standard input); without --mask: "
     "causal "
     "inside each document",
     MEASURES, read_string, MEMBER(documents), 0, 0, NULL},
    {"documents", "LENGTHS",
     "document lengths L1,L2,... or @FILE or - (standard input)", USED_BY_PAD,
     read_string, MEMBER(documents), 0, 0, NULL},
    {"documents", "LENGTHS",
     "document lengths L1,L2,... or @FILE or - (standard input); @FILE.csv also knows "
     "cost, loss, holder, waited and place of each",
     USED_BY_SCHEDULE, read_string, MEMBER(documents), 0, 0, NULL},
    {"mask", "MASK",
     "FAMILY:LENGTHS[;key=value], beside --documents FAMILY[:N], or @FILE.json; W*MASK "
     "weighs it; repeats",
     MEASURES, read_mask, 0, 0, 0, NULL},
    {"combine", "layers|sum",
     "what several masks are: layers that ranks wait for one by one, or costs inside "
     "one layer that add up; default layers",
     LAYERS, read_choice, MEMBER(combine), 0, 0, combine_names},
    {"ranks", "W", "ranks of the context-parallel group (world size)",
     COUNTS_RANKS & ~(unsigned)USED_BY_SWEEP, read_number, MEMBER(ranks), 1,
     CPB_MAX_RANKS, NULL},
    {"ranks", "W1,W2,...", "numbers of ranks to try (world sizes)", USED_BY_SWEEP,
     read_ranks, MEMBER(axes), 0, 0, NULL},
    {"nodes", "N", "nodes that the ranks fill in order; divides W", MODELS, read_number,
     MEMBER(nodes), 1, CPB_MAX_RANKS, NULL},
    {"speeds", "S1,S2,...|@FILE",
     "relative speeds of the ranks, whole numbers, one per rank; default all alike",
     SCORES, read_speeds, MEMBER(speeds), 0, 0, NULL},
    {"balancer", "NAME", "how to deal the tokens out; default auto",
     USED_BY_PLAN | USED_BY_ATTEND, read_string, MEMBER(balancer), 0, 0, NULL},
    {"balancer", "NAME",
     "how to deal the tokens out; default auto; repeats: side by side", USED_BY_DRAW,
     read_repeated, MEMBER(balancers), 0, 0, NULL},
    {"balancer", "NAME1,NAME2,...", "balancers to try; default all", USED_BY_SWEEP,
     read_balancers, MEMBER(axes), 0, 0, NULL},
    {"chunk", "N", "tokens that move as one piece; default 128, min-heap 512", MEASURES,
     read_number, MEMBER(chunk), 1, CPB_MAX_TOKENS, NULL},
    {"tolerance", "X", "allowed excess of the largest load; default 0.01",
     MEASURES & ~(unsigned)USED_BY_SWEEP, read_ppm, MEMBER(tolerance_ppm), 0, 0, NULL},
    {"tolerance", "X1,X2,...",
     "values to try for the allowed excess of the largest load; default 0.01",
     USED_BY_SWEEP, read_tolerances, MEMBER(axes), 0, 0, NULL},
    {"sizes", "equal|uneven", "tokens per rank; default equal, with reported padding",
     MEASURES, read_choice, MEMBER(sizes), 0, 0, sizes_names},
    {"cap", "TOKENS", "most tokens that a rank may hold, padding included", MEASURES,
     read_number, MEMBER(cap), 1, CPB_MAX_TOKENS, NULL},
    {"kernel", "flex|varlen|recurrent", "what computes attention; default flex", SCORES,
     read_choice, MEMBER(kernel), 0, 0, kernel_names},
    {"kernel", "flex|varlen|recurrent",
     "what to plan and model for; default varlen, as attention runs here",
     USED_BY_ATTEND, read_choice, MEMBER(kernel), 0, 0, kernel_names},
    {"transport", "exchange|allgather|ring", "how keys travel; default exchange",
     SCORES, read_choice, MEMBER(transport), 0, 0, transport_names},
    {"cost", "pairs|tiles|profile", "what is balanced; default profile", MEASURES,
     read_choice, MEMBER(cost), 0, 0, cost_names},
    {"profile", "NAME|@FILE", "numbers behind modelled times; default h100-fa2", MODELS,
     read_string, MEMBER(profile), 0, 0, NULL},
    {"model", "Q/KVxD", "query heads, KV heads, head dimension; default 64/4x128",
     MODELS, read_model, MEMBER(model), 0, 0, NULL},
    {"overlap", "none|two-stage|ideal", "what hides traffic; default two-stage", MODELS,
     read_choice, MEMBER(overlap), 0, 0, overlap_names},
    {"backward", NULL, "add the backward pass to loads and step time", MODELS,
     read_switch, MEMBER(backward), 0, 0, NULL},
    {"peers", "MAX", "refuse a plan in which a rank talks to more other ranks",
     USED_BY_PLAN | USED_BY_SCORE | MANY, read_number, MEMBER(peers), 0, CPB_MAX_RANKS,
     NULL},
    {"effort", "fast|default|high", "how hard to search", PLANS, read_choice,
     MEMBER(effort), 0, 0, effort_names},
    {"strict", NULL, "refuse where a warning would be printed",
     USED_BY_PLAN | USED_BY_SCORE, read_switch, MEMBER(strict), 0, 0, NULL},
    {"order", "FILE.npy", "the order: entry i is an original position",
     USED_BY_PLAN | READS | USED_BY_DRAW, read_string, MEMBER(order), 0, 0, NULL},
    {"inverse", "FILE.npy", "the inverse of the order", USED_BY_PLAN | USED_BY_CHECK,
     read_string, MEMBER(inverse), 0, 0, NULL},
    {"dtype", "int64|int32", "elements of the .npy files; default int64", USED_BY_PLAN,
     read_choice, MEMBER(dtype), 0, 0, dtype_names},
    {"plan", "FILE.json", "the plan file", USED_BY_PLAN | READS, read_string,
     MEMBER(plan), 0, 0, NULL},
    {"plan", "FILE.json", "the plan file; repeats: side by side", USED_BY_DRAW,
     read_repeated, MEMBER(plans), 0, 0, NULL},
    {"schedule", "FILE.json", "the schedule file, that of cpb schedule -o",
     USED_BY_CHECK, read_string, MEMBER(schedule), 0, 0, NULL},
    {"schedule", "FILE.json",
     "the schedule file, that of cpb schedule -o; repeats: below each other",
     USED_BY_DRAW, read_repeated, MEMBER(schedules), 0, 0, NULL},
    {"packs", "FILE.jsonl",
     "one JSON array of document lengths per line, one pack each", MANY, read_string,
     MEMBER(packs), 0, 0, NULL},
    {"sample", "FILE|builtin",
     "draw packs from a file of document lengths, or from the built-in shares", MANY,
     read_string, MEMBER(sample), 0, 0, NULL},
    {"tokens", "S", "tokens of a drawn pack", MANY, read_number, MEMBER(tokens), 1,
     CPB_MAX_TOKENS, NULL},
    {"count", "N", "how many packs to draw; default 1", MANY, read_number,
     MEMBER(count), 1, 1 << 20, NULL},
    {"seed", "K", "seed of the draw; default 0", MANY, read_number, MEMBER(seed), 0,
     INT64_MAX, NULL},
    {"seed", "K", "seed of the numbers that it runs on; default 0", USED_BY_ATTEND,
     read_number, MEMBER(seed), 0, INT64_MAX, NULL},
    {"compare", "[NAME1,NAME2,...]", "run several balancers in turn; default all",
     USED_BY_ATTEND, read_compare, MEMBER(axes), 0, 0, NULL},
    {"timeline", "FILE", "draw what each rank did when: .svg, .png or .pdf",
     USED_BY_ATTEND, read_string, MEMBER(timeline), 0, 0, NULL},
    {"timings", "FILE.csv",
     "time cases of its own on this machine, for cpb calibrate, and run nothing else",
     USED_BY_ATTEND, read_string, MEMBER(timings), 0, 0, NULL},
    {"multiple", "N", "what each length must divide by; default 2W", USED_BY_PAD,
     read_number, MEMBER(multiple), 1, CPB_MAX_TOKENS, NULL},
    {"memory", "MIB", "most MiB of keys and values that a rank may hold in the answer",
     USED_BY_SWEEP, read_number, MEMBER(memory), 1, INT64_MAX >> 20, NULL},
    {"threads", "N", "worker threads; default one per core", USED_BY_SWEEP, read_number,
     MEMBER(threads), 1, 1024, NULL},
    {"curve", NULL, "one batch with frugal at several tolerances: traffic for balance",
     USED_BY_COMPARE, read_switch, MEMBER(curve), 0, 0, NULL},
    {"json", NULL, "print JSON", ALL & ~(unsigned)(USED_BY_CHECK | USED_BY_DRAW),
     read_switch, MEMBER(json), 0, 0, NULL},
    {"csv", NULL, "print CSV, one line per balancer and pack", MANY, read_switch,
     MEMBER(csv), 0, 0, NULL},
    {"ranks", "R", "ranks of the step: data times context parallel", USED_BY_SCHEDULE,
     read_number, MEMBER(ranks), 1, CPB_MAX_RANKS, NULL},
    {"budget", "TOKENS",
     "most tokens of a rank in one micro-batch; in a sweep: packs are steps to "
     "schedule",
     ONLY_SCHEDULES, read_number, MEMBER(budget), 1, CPB_MAX_TOKENS, NULL},
    {"row", "NAME", "how to schedule; default auto", USED_BY_SCHEDULE, read_string,
     MEMBER(row), 0, 0, NULL},
    {"row", "NAME1,NAME2,...", "rows of schedules to try; default all", USED_BY_SWEEP,
     read_string, MEMBER(row), 0, 0, NULL},
    {"meet", "step|micro|pipe:P",
     "ranks wait for each other at the end of the step, after every micro-batch, or in "
     "a "
     "pipeline of P stages; default step",
     ONLY_SCHEDULES, read_string, MEMBER(meet), 0, 0, NULL},
    {"groups", "powers|any|P1,P2,...",
     "sizes that groups may have, ascending; default powers (of two)", ONLY_SCHEDULES,
     read_string, MEMBER(groups), 0, 0, NULL},
    {"one-size", NULL, "all groups of a micro-batch have the same size", ONLY_SCHEDULES,
     read_switch, MEMBER(one_size), 0, 0, NULL},
    {"groups-only", NULL,
     "no keys are exchanged on demand: documents are cut evenly over their group, and "
     "nothing is flat",
     ONLY_SCHEDULES, read_switch, MEMBER(groups_only), 0, 0, NULL},
    {"batches", "MAX", "most micro-batches; default no limit", ONLY_SCHEDULES,
     read_number, MEMBER(micro_most), 1, CPB_MAX_MICRO_BATCHES, NULL},
    {"batches-least", "MIN", "fewest micro-batches; default 1", ONLY_SCHEDULES,
     read_number, MEMBER(micro_least), 1, CPB_MAX_MICRO_BATCHES, NULL},
    {"batches-multiple", "N", "their number is a multiple of this; default 1",
     ONLY_SCHEDULES, read_number, MEMBER(micro_multiple), 1, CPB_MAX_MICRO_BATCHES,
     NULL},
    {"multiple", "N",
     "tokens of a rank in a micro-batch are padded to a multiple of this; default 1",
     ONLY_SCHEDULES, read_number, MEMBER(multiple), 1, CPB_MAX_TOKENS, NULL},
    {"fixed", "PS", "picoseconds that every micro-batch of a rank takes; default 0",
     ONLY_SCHEDULES, read_number, MEMBER(fixed), 0, INT64_C(1000000000000), NULL},
    {"window", "PLACES",
     "most places that a document may move in the order; default any", ONLY_SCHEDULES,
     read_number, MEMBER(window), 0, CPB_MAX_DOCUMENTS, NULL},
    {"token-bytes", "N", "bytes of a token as loaders hold it; default 8",
     ONLY_SCHEDULES, read_number, MEMBER(token_bytes), 1, 256, NULL},
    {"hold", "STEPS",
     "most steps that a giant may be held back for; default 0, the order of the loss",
     ONLY_SCHEDULES, read_number, MEMBER(hold), 0, 1 << 20, NULL},
    {"runs", NULL, "write the runs of each group's plan, not its hash alone",
     USED_BY_SCHEDULE, read_switch, MEMBER(runs), 0, 0, NULL},
    {"compare", NULL, "print a table of every row", USED_BY_SCHEDULE, read_switch,
     MEMBER(compare), 0, 0, NULL},
    {"output", "FILE", "or -o FILE: where the result goes",
     USED_BY_CALIBRATE | USED_BY_SCHEDULE, read_string, MEMBER(output), 0, 0, NULL},
    {"output", "FILE",
     "or -o FILE: where the picture goes, .svg, .png or .pdf; without it the terminal "
     "shows it",
     USED_BY_DRAW, read_string, MEMBER(output), 0, 0, NULL},
    {"output", "FILE",
     "or -o FILE: where rows go, .csv or .jsonl; a sweep that began there goes on",
     USED_BY_SWEEP, read_string, MEMBER(output), 0, 0, NULL},
    {"output", "FILE.html", "or -o FILE.html: where the page goes", USED_BY_REPORT,
     read_string, MEMBER(output), 0, 0, NULL},
    {"version", NULL, "the version of the program", ANY, read_switch, MEMBER(version),
     0, 0, NULL},
    {"help", NULL, "this text", ANY, read_switch, MEMBER(help), 0, 0, NULL},
};

const size_t n_flags = sizeof flags / sizeof *flags;
_Static_assert(sizeof flags / sizeof *flags <= MOST_FLAGS, "raise MOST_FLAGS");
