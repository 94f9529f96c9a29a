// SPDX-License-Identifier: Apache-2.0
/* From timings to a profile: counts of the library are the columns, prices the unknowns.
 *
 * A partial tile costs a full one plus something that is not negative, so timings that
 * cannot tell them apart price them alike. Tile sizes are no unknowns of a linear
 * system: the sizes of a short list that fit best are kept. */
#include "calibration.h"

#include "fit.h"
#include "message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const case_names[N_CASES] = {"forward", "backward", "net", "link"};

/* With fewer timings than unknowns anything fits. */
static const size_t least_timings[N_CASES] = {4, 4, 3, 3};

enum term { TILE, PARTIAL_EXTRA, Q_TILE, KV_TILE, PASS_TERMS };
enum { RECEIVED_KEY = 2 * PASS_TERMS, ATTENTION_TERMS };
enum wire_term { NET_BYTE, LINK_BYTE, PHASE, PEER, WIRE_TERMS };

/* Likeliest first: of sizes that fit equally well the first stay. */
static const int64_t tile_sizes[] = {128, 64, 256, 32, 16};
enum { TILE_SIZES = sizeof tile_sizes / sizeof *tile_sizes };

static const double ps_per_us = 1e6;

typedef struct fitting {
    const cli_timings *timings;
    size_t n_attention, n_wire;
    cpb_model model;  /* that prices are for */
    double *rows;     /* [n * max(ATTENTION_TERMS, WIRE_TERMS)] */
    double *modelled; /* [n] microseconds */
    double price[ATTENTION_TERMS];
    double wire[WIRE_TERMS];
    cpb_setup setup;
    double error; /* sum of squares of the kept tile sizes */
    cpb_error *failure;
} fitting;

static cli_case case_of(const cli_timing *t)
{
    if (t->what == TIMED_ATTENTION)
        return t->backward ? CASE_BACKWARD : CASE_FORWARD;
    return t->what == TIMED_NET ? CASE_NET : CASE_LINK;
}

/* How much more a timing of this model takes than one of the profile's. */
static double scale_of(const fitting *f, const cli_timing *t)
{
    return (double)(t->model.q_heads * t->model.head_dim) /
           (double)(f->model.q_heads * f->model.head_dim);
}

/* What the prices of a timing are multiplied by. */
static bool count_terms(const fitting *f, const cli_timing *t, double *row)
{
    cpb_shard_counts c;
    if (!succeeded(cpb_count_shard(f->timings->mask[t->mask], &f->setup, t->n_runs,
                                   t->runs, NULL, &c, f->failure)))
        return false;
    const int64_t tile_k = f->setup.profile.tile_k;
    const int64_t kv_tiles = (c.tokens + t->received + tile_k - 1) / tile_k;
    const double counts[PASS_TERMS] = {[TILE] =
                                           (double)(c.full_tiles + c.partial_tiles),
                                       [PARTIAL_EXTRA] = (double)c.partial_tiles,
                                       [Q_TILE] = (double)c.q_tiles,
                                       [KV_TILE] = (double)kv_tiles};
    const double scale = scale_of(f, t);
    memset(row, 0, ATTENTION_TERMS * sizeof *row);
    for (size_t i = 0; i < PASS_TERMS; i++)
        row[i + (t->backward ? PASS_TERMS : 0)] = scale * counts[i];
    row[RECEIVED_KEY] = scale * (double)t->received;
    return true;
}

static void wire_terms(const cli_timing *t, double *row)
{
    memset(row, 0, WIRE_TERMS * sizeof *row);
    row[t->what == TIMED_NET ? NET_BYTE : LINK_BYTE] = (double)t->bytes;
    row[PHASE] = (double)t->phases;
    row[PEER] = (double)t->peers;
}

static bool is_attention(const cli_timing *t)
{
    return t->what == TIMED_ATTENTION;
}

/* The rows of one sort of timings, each divided by its time. */
static bool fill_rows(const fitting *f, bool attention, size_t terms)
{
    size_t n = 0;
    for (size_t i = 0; i < f->timings->n; i++) {
        const cli_timing *const t = &f->timings->timing[i];
        double *const row = f->rows + n * terms;
        if (is_attention(t) != attention)
            continue;
        if (!attention)
            wire_terms(t, row);
        else if (!count_terms(f, t, row))
            return false;
        for (size_t j = 0; j < terms; j++)
            row[j] /= t->us;
        n++;
    }
    return true;
}

/* Tiles of one size. */
static bool try_tiles(fitting *f, int64_t tile_q, int64_t tile_k, cpb_profile *best)
{
    double price[ATTENTION_TERMS];
    f->setup.profile.tile_q = tile_q;
    f->setup.profile.tile_k = tile_k;
    if (!fill_rows(f, true, ATTENTION_TERMS))
        return false;
    const double error =
        fit_least_squares(f->n_attention, ATTENTION_TERMS, f->rows, price);
    if (error >= f->error * (1 - 1e-9) - 1e-12)
        return true;
    f->error = error;
    memcpy(f->price, price, sizeof price);
    *best = f->setup.profile;
    return true;
}

static bool fit_attention(fitting *f)
{
    cpb_profile best = f->setup.profile;
    f->setup.kernel = f->timings->kernel;
    for (size_t i = 0; f->n_attention && i < TILE_SIZES; i++)
        for (size_t j = 0; j < TILE_SIZES; j++)
            if (!try_tiles(f, tile_sizes[i], tile_sizes[j], &best))
                return false;
    f->setup.profile = best;
    return true;
}

static int64_t picoseconds(double us)
{
    return (int64_t)llround(us * ps_per_us);
}

static cpb_pass pass_of(const double *price)
{
    return (cpb_pass){
        .full_tile = picoseconds(price[TILE]),
        .partial_tile = picoseconds(price[TILE] + price[PARTIAL_EXTRA]),
        .q_tile = picoseconds(price[Q_TILE]),
        .kv_tile = picoseconds(price[KV_TILE]),
    };
}

/* A bandwidth from the time of a byte. */
static bool bandwidth(cli_case what, size_t timings, double us_per_byte, int64_t *rate,
                      cpb_error *error)
{
    *rate = 0;
    if (!timings)
        return true;
    if (us_per_byte <= 0)
        return fail(error,
                    "the timings of %s do not grow with their bytes, so no bandwidth "
                    "fits; time more and larger sizes",
                    case_names[what]);
    *rate = (int64_t)llround(fmin(1 / us_per_byte, 1e15));
    return *rate > 0 || fail(error,
                             "the timings of %s give a bandwidth of %.3g bytes per "
                             "microsecond, which rounds to 0; are they microseconds?",
                             case_names[what], 1 / us_per_byte);
}

static bool fit_wire(fitting *f, const cli_calibration *out)
{
    cpb_profile *const p = &f->setup.profile;
    if (!fill_rows(f, false, WIRE_TERMS))
        return false;
    fit_least_squares(f->n_wire, WIRE_TERMS, f->rows, f->wire);
    p->phase_latency = picoseconds(f->wire[PHASE]);
    p->peer_latency = picoseconds(f->wire[PEER]);
    return bandwidth(CASE_NET, out->timings[CASE_NET], f->wire[NET_BYTE],
                     &p->net_bytes_per_us, f->failure) &&
           bandwidth(CASE_LINK, out->timings[CASE_LINK], f->wire[LINK_BYTE],
                     &p->link_bytes_per_us, f->failure);
}

/* --- How good it is --------------------------------------------------------------- */

/* What the finished profile, in whole picoseconds, says of a timing. */
static bool model_time(const fitting *f, const cli_timing *t, double *us)
{
    const cpb_profile *const p = &f->setup.profile;
    const cpb_pass *const pass = t->backward ? &p->backward : &p->forward;
    double row[ATTENTION_TERMS];
    if (!is_attention(t)) {
        const int64_t rate =
            t->what == TIMED_NET ? p->net_bytes_per_us : p->link_bytes_per_us;
        *us = (double)t->bytes / (double)rate +
              ((double)p->phase_latency * (double)t->phases +
               (double)p->peer_latency * (double)t->peers) /
                  ps_per_us;
        return true;
    }
    if (!count_terms(f, t, row))
        return false;
    const double *const count = row + (t->backward ? PASS_TERMS : 0);
    *us =
        (count[TILE] * (double)pass->full_tile +
         count[PARTIAL_EXTRA] * (double)(pass->partial_tile - pass->full_tile) +
         count[Q_TILE] * (double)pass->q_tile + count[KV_TILE] * (double)pass->kv_tile +
         row[RECEIVED_KEY] * (double)p->received_key) /
        ps_per_us;
    return true;
}

static bool measure_errors(const fitting *f, cli_calibration *out)
{
    for (size_t i = 0; i < f->timings->n; i++) {
        const cli_timing *const t = &f->timings->timing[i];
        const cli_case c = case_of(t);
        if (!model_time(f, t, &f->modelled[i]))
            return false;
        const double error = fabs(f->modelled[i] / t->us - 1);
        if (out->worst_line[c] && error <= out->worst[c])
            continue;
        out->worst[c] = error;
        out->worst_line[c] = t->line;
    }
    return true;
}

static void measure_order(const fitting *f, cli_calibration *out)
{
    const cli_timing *const t = f->timings->timing;
    for (size_t i = 0; i < f->timings->n; i++)
        for (size_t j = i + 1; j < f->timings->n; j++) {
            if (case_of(&t[i]) != case_of(&t[j]) || t[i].us == t[j].us)
                continue;
            const bool right = (t[i].us < t[j].us && f->modelled[i] < f->modelled[j]) ||
                               (t[i].us > t[j].us && f->modelled[i] > f->modelled[j]);
            out->pairs++;
            out->pairs_ranked += right;
            if (right || out->wrong[0])
                continue;
            out->wrong[0] = t[i].line;
            out->wrong[1] = t[j].line;
        }
}

/* --- Together --------------------------------------------------------------------- */

static bool count_cases(fitting *f, cli_calibration *out)
{
    for (size_t i = 0; i < f->timings->n; i++) {
        const cli_timing *const t = &f->timings->timing[i];
        out->timings[case_of(t)]++;
        if (is_attention(t) && !f->n_attention++)
            f->model = t->model;
    }
    f->n_wire = f->timings->n - f->n_attention;
    for (int c = 0; c < N_CASES; c++)
        if (out->timings[c] && out->timings[c] < least_timings[c])
            return fail(f->failure,
                        "too few timings: %zu of %s; at least %zu are needed",
                        out->timings[c], case_names[c], least_timings[c]);
    return true;
}

/* Prices in whole picoseconds may all have come to nothing. */
static bool costs_something(const fitting *f, const cli_calibration *out, cli_case what,
                            const cpb_pass *pass)
{
    return !out->timings[what] || pass->full_tile || pass->partial_tile ||
           pass->q_tile || pass->kv_tile || f->setup.profile.received_key ||
           fail(f->failure,
                "the timings of %s give less than a picosecond per tile, which rounds "
                "to 0; are they microseconds?",
                case_names[what]);
}

static bool fit_all(fitting *f, cli_calibration *out)
{
    cpb_profile *const p = &f->setup.profile;
    if (!count_cases(f, out) || !fit_attention(f) || !fit_wire(f, out))
        return false;
    p->model = f->model;
    p->forward = pass_of(f->price);
    p->backward = pass_of(f->price + PASS_TERMS);
    p->received_key = picoseconds(f->price[RECEIVED_KEY]);
    if (!costs_something(f, out, CASE_FORWARD, &p->forward) ||
        !costs_something(f, out, CASE_BACKWARD, &p->backward) ||
        !succeeded(cpb_setup_check(&f->setup, 1, f->failure)) ||
        !measure_errors(f, out))
        return false;
    measure_order(f, out);
    out->profile = *p;
    return true;
}

bool calibrate(const cli_timings *timings, cli_calibration *out, cpb_error *error)
{
    fitting f = {.timings = timings,
                 .model = cpb_setup_default().model,
                 .setup = cpb_setup_default(),
                 .error = INFINITY,
                 .failure = error};
    f.setup.profile = (cpb_profile){
        .model = f.model, .tile_q = tile_sizes[0], .tile_k = tile_sizes[0]};
    f.rows = calloc(timings->n + 1, ATTENTION_TERMS * sizeof *f.rows);
    f.modelled = calloc(timings->n + 1, sizeof *f.modelled);
    *out = (cli_calibration){.pairs = 0};
    const bool good = f.rows && f.modelled ? fit_all(&f, out) : fail_memory(error);
    free(f.rows);
    free(f.modelled);
    return good;
}
