// SPDX-License-Identifier: Apache-2.0
/* cpb calibrate: timings in, a profile out. */
#include "calibration.h"
#include "command.h"
#include "json.h"
#include "message.h"
#include "output.h"
#include "profile.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool ready(const cli_options *options, cpb_error *error)
{
    return options->file || fail(error, "the file of timings is missing");
}

/* The file's name without folder and ending, as far as it fits. */
static void set_name(const char *path, cpb_profile *profile)
{
    const char *const slash = strrchr(path, '/');
    const char *const begin = slash ? slash + 1 : path;
    const char *const dot = strrchr(begin, '.');
    const size_t length = dot && dot != begin ? (size_t)(dot - begin) : strlen(begin);
    size_t n = 0;
    for (size_t i = 0; i < length && n + 1 < sizeof profile->name; i++)
        if (begin[i] > ' ' && begin[i] <= '~') /* JSON holds text, paths hold bytes */
            profile->name[n++] = begin[i];
    if (!n)
        strcpy(profile->name, "calibrated");
}

/* --- For people ------------------------------------------------------------------- */

static void print_pass(FILE *stream, const char *name, const cpb_pass *pass)
{
    char a[TABLE_CELL_BYTES], b[TABLE_CELL_BYTES], c[TABLE_CELL_BYTES],
        d[TABLE_CELL_BYTES];
    fprintf(stream,
            "%-12s full tile %s ps, partial tile %s ps, q-tile %s ps, kv-tile %s ps\n",
            name, table_thousands(pass->full_tile, a),
            table_thousands(pass->partial_tile, b), table_thousands(pass->q_tile, c),
            table_thousands(pass->kv_tile, d));
}

static void print_attention(FILE *stream, const cli_calibration *c)
{
    const cpb_profile *const p = &c->profile;
    char a[TABLE_CELL_BYTES];
    if (!c->timings[CASE_FORWARD] && !c->timings[CASE_BACKWARD])
        return;
    fprintf(stream,
            "%-12s %" PRId64 " x %" PRId64 ", %" PRId64 "/%" PRId64 "x%" PRId64 "\n",
            "tiles", p->tile_q, p->tile_k, p->model.q_heads, p->model.kv_heads,
            p->model.head_dim);
    if (c->timings[CASE_FORWARD])
        print_pass(stream, "forward", &p->forward);
    if (c->timings[CASE_BACKWARD])
        print_pass(stream, "backward", &p->backward);
    fprintf(stream, "%-12s %s ps\n", "received key",
            table_thousands(p->received_key, a));
}

static void print_wire(FILE *stream, const cli_calibration *c)
{
    const cpb_profile *const p = &c->profile;
    char a[TABLE_CELL_BYTES], b[TABLE_CELL_BYTES];
    if (c->timings[CASE_NET])
        fprintf(stream, "%-12s %s bytes/us\n", "net",
                table_thousands(p->net_bytes_per_us, a));
    if (c->timings[CASE_LINK])
        fprintf(stream, "%-12s %s bytes/us\n", "link",
                table_thousands(p->link_bytes_per_us, a));
    if (c->timings[CASE_NET] || c->timings[CASE_LINK])
        fprintf(stream, "%-12s phase %s ps, peer %s ps\n", "latency",
                table_thousands(p->phase_latency, a),
                table_thousands(p->peer_latency, b));
}

static void print_summary(FILE *stream, const cli_calibration *c)
{
    fprintf(stream, "%-12s %s\n", "profile", c->profile.name);
    print_attention(stream, c);
    print_wire(stream, c);
    for (int i = 0; i < N_CASES; i++)
        if (c->timings[i])
            fprintf(stream, "%-12s %s: %.2f %% in line %" PRId64 ", of %zu timings\n",
                    "worst error", case_names[i], 100 * c->worst[i], c->worst_line[i],
                    c->timings[i]);
        else
            fprintf(stream, "%-12s %s: costs nothing in this profile\n", "not timed",
                    case_names[i]);
    if (c->pairs_ranked == c->pairs)
        fprintf(stream, "%-12s rightly: all %" PRId64 " pairs\n", "ranked", c->pairs);
    else
        fprintf(stream,
                "%-12s wrongly: %" PRId64 " of %" PRId64
                " pairs, the first in lines %" PRId64 " and %" PRId64 "\n",
                "ranked", c->pairs - c->pairs_ranked, c->pairs, c->wrong[0],
                c->wrong[1]);
}

/* --- For programs ----------------------------------------------------------------- */

static json_t *case_to_json(const cli_calibration *c, int i)
{
    json_t *const object = json_object();
    bool good = object;
    json_put(object, "timings", json_integer((json_int_t)c->timings[i]), &good);
    json_put(object, "worst_error", json_real(c->worst[i]), &good);
    json_put(object, "worst_line", json_integer(c->worst_line[i]), &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *to_json(const cli_calibration *c)
{
    json_t *const object = json_object();
    bool good = object;
    double worst = 0;
    for (int i = 0; i < N_CASES; i++)
        worst = c->worst[i] > worst ? c->worst[i] : worst;
    json_put(object, "profile", profile_to_json(&c->profile), &good);
    json_put(object, "worst_error", json_real(worst), &good);
    for (int i = 0; i < N_CASES; i++)
        json_put(object, case_names[i], case_to_json(c, i), &good);
    json_put(object, "pairs", json_integer(c->pairs), &good);
    json_put(object, "pairs_ranked", json_integer(c->pairs_ranked), &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static char *text_of(json_t *object)
{
    char *const text = object ? json_text(object) : NULL;
    json_decref(object);
    return text;
}

static bool print_json(const cli_calibration *c, cpb_error *error)
{
    char *const text = text_of(to_json(c));
    if (!text)
        return fail_memory(error);
    fputs(text, stdout);
    free(text);
    return true;
}

/* --- Together --------------------------------------------------------------------- */

/* The profile goes to a file and the fit to standard output; without a file the profile
 * goes there and the fit to standard error. */
static bool answer(const cli_options *options, const cli_calibration *c,
                   cpb_error *error)
{
    char *const text = text_of(profile_to_json(&c->profile));
    if (!text)
        return fail_memory(error);
    bool good =
        !options->output || output_file(options->output, text, strlen(text), error);
    if (good && options->json)
        good = print_json(c, error);
    else if (good && options->output)
        print_summary(stdout, c);
    else if (good) {
        fputs(text, stdout);
        print_summary(stderr, c);
    }
    free(text);
    return good;
}

/* Timings are measured once; a profile is made of them again in no time. */
static bool keeps_timings(const cli_options *options, cpb_error *error)
{
    return !options->output || strcmp(options->output, options->file) ||
           output_is_direct(options->output) ||
           fail(error,
                "--output is \"%.40s\", the file of timings; accepted is another name",
                options->output);
}

static bool run(const cli_options *options, cpb_error *error)
{
    cli_timings timings = {0};
    cli_calibration calibration;
    bool good =
        keeps_timings(options, error) && timings_read(options->file, &timings, error) &&
        (calibrate(&timings, &calibration, error) || fail_at(error, options->file));
    timings_free(&timings);
    if (good) {
        set_name(options->file, &calibration.profile);
        good = answer(options, &calibration, error);
    }
    return good;
}

const cli_command calibrate_command = {
    .name = "calibrate",
    .summary = "fit a profile to timings of kernels and links",
    .usage = "TIMINGS.csv [-o PROFILE.json] [--json]",
    .about =
        "Reads timings (docs/formats.md), fits the prices of a profile to them by\n"
        "least squares of relative errors, none below zero, and writes what\n"
        "--profile @FILE takes: to the file, and the fit to standard output, or\n"
        "without a file to standard output, and the fit to standard error.\n",
    .examples =
        "  cpb calibrate timings.csv -o my-gpu.json\n"
        "  cpb plan --documents @lengths.txt --ranks 8 --profile @my-gpu.json\n",
    .user = USED_BY_CALIBRATE,
    .ready = ready,
    .run = run,
};
