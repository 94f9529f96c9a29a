// SPDX-License-Identifier: Apache-2.0
/* Any text is refused with a sentence inside it, or its canonical text gives an equal
 * mask whose canonical text is the same. */
#include "fuzz_masks.h"

enum { MOST_BYTES = 300, MOST_DIGITS = 4 };

/* Copy the text, but cut lengths short, so that no input makes a mask of many slices:
 * at most MOST_DIGITS digits in a row up to the first ';'. */
static void tame(const uint8_t *data, size_t size, char *text)
{
    size_t digits = 0, n = 0;
    bool in_lengths = true;
    for (size_t i = 0; i < size && n < MOST_BYTES; i++) {
        const char c = (char)data[i];
        digits = c >= '0' && c <= '9' ? digits + 1 : 0;
        in_lengths = in_lengths && c != ';';
        if (!in_lengths || digits <= MOST_DIGITS)
            text[n++] = c;
    }
    text[n] = '\0';
}

static void try_text(const char *text, size_t n, const int64_t *lengths)
{
    cpb_mask *mask = NULL, *again = NULL;
    cpb_error error = {.at = -2};
    int64_t weight = 0;
    if (cpb_mask_create_text(text, n, lengths, &weight, NULL, &mask, &error) !=
        CPB_OK) {
        require(!mask && error.message[0] && error.at >= -1);
        require(error.at <= (int64_t)strlen(text));
        return;
    }
    require(weight >= 1);
    require(cpb_mask_create_text(cpb_mask_text(mask), 0, NULL, NULL, NULL, &again,
                                 &error) == CPB_OK);
    require_equal_masks(mask, again);
    cpb_mask_free(mask);
    cpb_mask_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t lengths[] = {5, 0, 12, 1};
    char text[MOST_BYTES + 1];
    tame(data, size, text);
    try_text(text, 0, NULL);
    try_text(text, sizeof lengths / sizeof *lengths, lengths);
    return 0;
}
