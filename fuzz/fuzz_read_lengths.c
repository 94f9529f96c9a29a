// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a list of document lengths or of speeds: refused with a sentence, or in
 * range, of the stated total, and the same from a file as from the command line. */
#include "documents.h"
#include "fuzz_input.h"
#include "speeds.h"

static void require_equal(const cli_list *a, const cli_list *b)
{
    require(a->n == b->n && a->total == b->total);
    for (size_t i = 0; i < a->n; i++)
        require(a->value[i] == b->value[i]);
}

static void require_lengths(const cli_list *list, int64_t most_total)
{
    int64_t total = 0;
    require(list->n > 0);
    for (size_t i = 0; i < list->n; i++) {
        require(list->value[i] >= 0 && list->value[i] <= CPB_MAX_TOKENS);
        total += list->value[i];
    }
    require(total == list->total && total <= most_total);
}

/* The same text where it can stand on a command line. */
static void try_text(const uint8_t *data, size_t size, bool accepted,
                     const cli_list *same)
{
    cpb_error error = {.at = -2};
    cli_list list = {0};
    char *const text = malloc(size + 1);
    require(text);
    memcpy(text, data, size);
    text[size] = '\0';
    if (strlen(text) == size && *text != '@' && strcmp(text, "-") != 0) {
        require(accepted == lengths_read(text, CPB_MAX_TOKENS, &list, &error));
        if (accepted)
            require_equal(&list, same);
        else
            require_sentence(&error);
    }
    list_free(&list);
    free(text);
}

static void try_speeds(const char *path)
{
    char text[40];
    cpb_error error = {.at = -2};
    cli_speeds speeds = {0};
    snprintf(text, sizeof text, "@%s", path);
    if (speeds_read(text, &speeds, &error)) {
        require(speeds.n > 0 && speeds.n <= CPB_MAX_RANKS);
        for (size_t i = 0; i < speeds.n; i++)
            require(speeds.speed[i] >= 1 && speeds.speed[i] <= CPB_MAX_SPEED);
    } else {
        require_sentence(&error);
    }
    speeds_free(&speeds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cpb_error error = {.at = -2};
    cli_list list = {0};
    const char *const path = input_path(data, size);
    const bool accepted = lengths_read_file(path, CPB_MAX_TOKENS, &list, &error);
    if (accepted)
        require_lengths(&list, CPB_MAX_TOKENS);
    else
        require_sentence(&error);
    try_text(data, size, accepted, &list);
    try_speeds(path);
    list_free(&list);
    return 0;
}
