// SPDX-License-Identifier: MIT
// fuzz.h - what the fuzz targets share. A target is a file with LLVMFuzzerTestOneInput in it; built
// by clang with the option `fuzz` it is run by libFuzzer (tools/fuzz), else by replay.c, which
// gives it the stored corpus.
#ifndef WEFT_TESTS_FUZZ_H
#define WEFT_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// Returns 0. Must leave nothing behind: the next input is to be judged alone.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Ends the program, with the words of what does not hold; libFuzzer keeps the input.
#define must(claim) \
    do { \
        if (!(claim)) { \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim); \
            abort(); \
        } \
    } while (0)

#endif
