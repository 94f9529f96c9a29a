// SPDX-License-Identifier: Apache-2.0
/* Masks as JSON: texts, slices, block masks, dense matrices, and lists of those. Shapes
 * are judged here, what they mean is judged by the library. */
#include "maskfile.h"

#include "maskblocks.h"
#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE_BYTES = 64, MOST_WEIGHT = 1000000 };

static const char *const kind_names[] = {[CPB_FULL] = "full",
                                         [CPB_CAUSAL] = "causal",
                                         [CPB_INVERSE_CAUSAL] = "inverse-causal",
                                         [CPB_BI_CAUSAL] = "bi-causal"};
enum { N_KINDS = sizeof kind_names / sizeof *kind_names };

/* One mask under construction. */
typedef struct builder {
    json_t *object;
    const char *where;
    const cli_list *documents; /* of the object or of --documents; NULL: one document */
    cpb_mask **mask;
    cpb_error *error;
} builder;

static size_t n_documents(const builder *b)
{
    return b->documents ? b->documents->n : 0;
}

static const int64_t *document_lengths(const builder *b)
{
    return b->documents ? b->documents->value : NULL;
}

static const char *inside(const builder *b, const char *key, char place[PLACE_BYTES])
{
    snprintf(place, PLACE_BYTES, "%.40s%s%s", b->where, *b->where ? "." : "", key);
    return place;
}

static bool read_kind(const json_t *value, cpb_kind *kind)
{
    const char *const name = json_string_value(value);
    for (size_t i = 0; i < N_KINDS; i++)
        if (name && !strcmp(name, kind_names[i])) {
            *kind = (cpb_kind)i;
            return true;
        }
    return false;
}

static bool fail_kind(const char *place, const json_t *value, cpb_error *error)
{
    char text[JSON_SHOWN_BYTES];
    const char *const name = json_string_value(value);
    const char *const guess = name ? nearest(name, N_KINDS, kind_names) : NULL;
    return fail(error,
                "%s has kind %s; accepted are full, causal, inverse-causal, "
                "bi-causal%s%s%s",
                place, json_shown(value, text), guess ? " (did you mean " : "",
                guess ? guess : "", guess ? "?)" : "");
}

/* `[q0, q1, k0, k1, "kind"]`, or an object with queries, keys and kind. */
static bool read_slice(json_t *value, const char *place, cpb_slice *slice,
                       cpb_error *error)
{
    static const char *const members[] = {"queries", "keys", "kind"};
    char text[JSON_SHOWN_BYTES];
    int64_t ends[4];
    const json_t *kind;
    if (json_is_array(value) && json_array_size(value) == 5) {
        for (size_t i = 0; i < 4; i++) {
            const json_t *const end = json_array_get(value, i);
            if (!json_is_integer(end))
                return fail(error, "%s[%zu] is %s; accepted is a whole number", place,
                            i, json_shown(end, text));
            ends[i] = json_integer_value(end);
        }
        kind = json_array_get(value, 4);
    } else if (json_is_object(value)) {
        if (!json_only(value, place, 3, members, error) ||
            !json_integers(json_object_get(value, "queries"), place, 2, ends, error) ||
            !json_integers(json_object_get(value, "keys"), place, 2, ends + 2, error))
            return false;
        kind = json_object_get(value, "kind");
    } else {
        return fail(error,
                    "%s is %s; accepted are [q0, q1, k0, k1, \"kind\"] and "
                    "{\"queries\": [q0, q1], \"keys\": [k0, k1], \"kind\": \"kind\"}",
                    place, json_shown(value, text));
    }
    *slice = (cpb_slice){{ends[0], ends[1]}, {ends[2], ends[3]}, CPB_FULL};
    return read_kind(kind, &slice->kind) || fail_kind(place, kind, error);
}

static bool build_slices(const builder *b)
{
    char place[PLACE_BYTES];
    int64_t tokens;
    const json_t *const list =
        json_member(b->object, b->where, "slices", JSON_ARRAY, b->error);
    if (!list || !json_member_integer(b->object, b->where, "tokens", 1, CPB_MAX_TOKENS,
                                      &tokens, b->error))
        return false;
    const size_t n = json_array_size(list);
    cpb_slice *const slices = calloc(n + 1, sizeof *slices);
    if (!slices)
        return fail_memory(b->error);
    bool good = true;
    for (size_t i = 0; i < n && good; i++) {
        snprintf(place, sizeof place, "%.30s%sslices[%zu]", b->where,
                 *b->where ? "." : "", i);
        good = read_slice(json_array_get(list, i), place, &slices[i], b->error);
    }
    good = good &&
           succeeded(cpb_mask_create(tokens, n, slices, n_documents(b),
                                     document_lengths(b), NULL, b->mask, b->error));
    free(slices);
    return good;
}

static bool build_text(const builder *b)
{
    const json_t *const text =
        json_member(b->object, b->where, "text", JSON_STRING, b->error);
    return text && succeeded(cpb_mask_create_text(json_string_value(text),
                                                  n_documents(b), document_lengths(b),
                                                  NULL, NULL, b->mask, b->error));
}

static bool read_cell(const json_t *cell, uint8_t *allowed)
{
    const json_int_t number =
        json_is_boolean(cell) ? json_is_true(cell) : json_integer_value(cell);
    *allowed = number == 1;
    return (json_is_boolean(cell) || json_is_integer(cell)) &&
           (number == 0 || number == 1);
}

static bool build_dense(const builder *b)
{
    enum { MOST_ROWS = 32768 };
    char place[PLACE_BYTES];
    inside(b, "dense", place);
    const json_t *const rows =
        json_member(b->object, b->where, "dense", JSON_ARRAY, b->error);
    if (!rows)
        return false;
    const size_t n = json_array_size(rows);
    if (n < 1 || n > MOST_ROWS)
        return fail(b->error, "%s has %zu rows; accepted are 1 to %d", place, n,
                    MOST_ROWS);
    uint8_t *const allowed = malloc(n * n);
    if (!allowed)
        return fail_memory(b->error);
    char text[JSON_SHOWN_BYTES];
    bool good = true;
    for (size_t i = 0; i < n && good; i++) {
        const json_t *const row = json_array_get(rows, i);
        good = json_array_size(row) == n ||
               fail(b->error, "%s[%zu] has %zu entries; accepted are %zu, one per row",
                    place, i, json_array_size(row), n);
        for (size_t j = 0; j < n && good; j++)
            good = read_cell(json_array_get(row, j), &allowed[i * n + j]) ||
                   fail(b->error, "%s[%zu][%zu] is %s; accepted are 0 and 1", place, i,
                        j, json_shown(json_array_get(row, j), text));
    }
    good = good && succeeded(cpb_mask_create_dense((int64_t)n, allowed, n_documents(b),
                                                   document_lengths(b), NULL, b->mask,
                                                   b->error));
    free(allowed);
    return good;
}

static bool build_blocks(const builder *b)
{
    char place[PLACE_BYTES];
    json_t *const object =
        json_member(b->object, b->where, "block_mask", JSON_OBJECT, b->error);
    return object &&
           maskblocks_create(object, inside(b, "block_mask", place), n_documents(b),
                             document_lengths(b), b->mask, b->error);
}

/* What makes an object a mask. */
static const struct {
    const char *member;
    bool (*build)(const builder *b);
} builders[] = {{"text", build_text},
                {"slices", build_slices},
                {"block_mask", build_blocks},
                {"dense", build_dense}};
enum { N_BUILDERS = sizeof builders / sizeof *builders };

static bool read_documents(json_t *object, const char *where, const cli_list *given,
                           cli_list *own, cpb_error *error)
{
    char text[JSON_SHOWN_BYTES];
    const json_t *const list = json_object_get(object, "documents");
    if (!list)
        return true;
    if (given)
        return fail(error,
                    "%s%sdocuments and --documents both give document lengths; "
                    "accepted is one of them",
                    where, *where ? "." : "");
    if (!json_is_array(list))
        return fail(error, "%s%sdocuments is %s; accepted is a list of lengths", where,
                    *where ? "." : "", json_shown(list, text));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *const entry = json_array_get(list, i);
        const json_int_t length = json_integer_value(entry);
        if (!json_is_integer(entry) || length < 0 || length > CPB_MAX_TOKENS)
            return fail(error,
                        "%s%sdocuments[%zu] is %s; accepted are whole numbers "
                        "from 0 to %" PRId64,
                        where, *where ? "." : "", i, json_shown(entry, text),
                        CPB_MAX_TOKENS);
        if (!list_add(own, length, error))
            return false;
    }
    return true;
}

static bool build(const builder *b)
{
    static const char *const members[] = {"text",   "slices", "block_mask",
                                          "dense",  "tokens", "documents",
                                          "weight", "figures"};
    size_t found = N_BUILDERS;
    if (!json_only(b->object, b->where, sizeof members / sizeof *members, members,
                   b->error))
        return false;
    for (size_t i = 0; i < N_BUILDERS; i++) {
        if (!json_object_get(b->object, builders[i].member))
            continue;
        if (found < N_BUILDERS)
            return fail(b->error,
                        "%s%s%s and %s stand beside each other; accepted is "
                        "one of them",
                        b->where, *b->where ? ": " : "", builders[found].member,
                        builders[i].member);
        found = i;
    }
    if (found == N_BUILDERS)
        return fail(b->error,
                    "%s%sno mask; accepted is an object with one of text, "
                    "slices, block_mask, dense, masks",
                    b->where, *b->where ? ": " : "");
    return builders[found].build(b);
}

/* The weight of an object, times that of the file it stands in. */
static bool read_weight(const json_t *object, const char *where, int64_t factor,
                        int64_t *weight, cpb_error *error)
{
    *weight = 1;
    if (json_object_get(object, "weight") &&
        !json_member_integer(object, where, "weight", 1, MOST_WEIGHT, weight, error))
        return false;
    *weight *= factor;
    return *weight <= MOST_WEIGHT ||
           fail(error, "%s%sweights multiply to %" PRId64 "; accepted are 1 to %d",
                where, *where ? ": " : "", *weight, MOST_WEIGHT);
}

bool maskfile_add(json_t *value, const char *where, int64_t factor,
                  const cli_list *documents, cli_batch *batch, cpb_error *error)
{
    cpb_mask *mask = NULL;
    int64_t weight;
    cli_list own = {0};
    if (!json_is_object(value))
        return fail(error, "%s%sa mask is a JSON object", where, *where ? ": " : "");
    const bool good = read_weight(value, where, factor, &weight, error) &&
                      read_documents(value, where, documents, &own, error) &&
                      build(&(builder){.object = value,
                                       .where = where,
                                       .documents = own.n ? &own : documents,
                                       .mask = &mask,
                                       .error = error}) &&
                      batch_add(batch, mask, weight, error);
    list_free(&own);
    return good;
}

/* The masks of a list, or the one that the value is. */
static bool add_all(json_t *value, int64_t factor, const cli_list *documents,
                    cli_batch *batch, cpb_error *error)
{
    static const char *const members[] = {"masks"};
    char place[PLACE_BYTES];
    if (!json_object_get(value, "masks"))
        return maskfile_add(value, "", factor, documents, batch, error);
    const json_t *const list = json_member(value, "", "masks", JSON_ARRAY, error);
    if (!list || !json_only(value, "", 1, members, error))
        return false;
    if (!json_array_size(list))
        return fail(error, "masks is empty; accepted is at least one mask");
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(place, sizeof place, "masks[%zu]", i);
        if (!maskfile_add(json_array_get(list, i), place, factor, documents, batch,
                          error))
            return false;
    }
    return true;
}

bool maskfile_read(const char *path, int64_t factor, const cli_list *documents,
                   cli_batch *batch, cpb_error *error)
{
    json_t *const value = json_read(path, error);
    if (!value)
        return false;
    const bool good =
        add_all(value, factor, documents, batch, error) || fail_at(error, path);
    json_decref(value);
    return good;
}

static json_t *slice_to_json(const cpb_slice *slice)
{
    return json_pack("[I,I,I,I,s]", (json_int_t)slice->queries.begin,
                     (json_int_t)slice->queries.end, (json_int_t)slice->keys.begin,
                     (json_int_t)slice->keys.end, kind_names[slice->kind]);
}

json_t *maskfile_to_json(const cpb_mask *mask, int64_t weight)
{
    json_t *const object = json_object();
    bool good = object;
    json_put(object, "weight", json_integer(weight), &good);
    if (cpb_mask_text(mask)) {
        json_put(object, "text", json_string(cpb_mask_text(mask)), &good);
    } else {
        json_t *const slices = json_array(), *const documents = json_array();
        int64_t begin = 0;
        for (size_t i = 0; i < cpb_mask_n_slices(mask); i++)
            json_push(slices, slice_to_json(&cpb_mask_slices(mask)[i]), &good);
        for (size_t i = 0; i < cpb_mask_n_documents(mask); i++) {
            const int64_t end = cpb_mask_document_ends(mask)[i];
            json_push(documents, json_integer(end - begin), &good);
            begin = end;
        }
        json_put(object, "tokens", json_integer(cpb_mask_tokens(mask)), &good);
        json_put(object, "documents", documents, &good);
        json_put(object, "slices", slices, &good);
    }
    if (good)
        return object;
    json_decref(object);
    return NULL;
}
