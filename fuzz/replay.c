// SPDX-License-Identifier: Apache-2.0
/* Runs a fuzz target once on each file named: the kept inputs, as ordinary tests. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_BYTES = 1 << 20 };

static int replay(const char *path, uint8_t *bytes)
{
    FILE *const file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "cannot read %s\n", path);
        return EXIT_FAILURE;
    }
    const size_t size = fread(bytes, 1, MOST_BYTES, file);
    fclose(file);
    /* A buffer of exactly that size, so that a sanitizer sees one byte too many. */
    uint8_t *const exact = malloc(size ? size : 1);
    if (!exact)
        return EXIT_FAILURE;
    for (size_t i = 0; i < size; i++)
        exact[i] = bytes[i];
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    uint8_t *const bytes = malloc(MOST_BYTES);
    int status = bytes && argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
    if (argc <= 1)
        fputs("no inputs: a fuzz target keeps at least one seed\n", stderr);
    for (int i = 1; i < argc && status == EXIT_SUCCESS; i++)
        status = replay(argv[i], bytes);
    free(bytes);
    return status;
}
