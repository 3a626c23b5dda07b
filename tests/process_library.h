// SPDX-License-Identifier: MIT
// process_library.h - what process_library.c has, built twice: to be linked, and to be loaded.
#ifndef WEFT_TESTS_PROCESS_LIBRARY_H
#define WEFT_TESTS_PROCESS_LIBRARY_H

#include <weft/task.h>

// A function, of int to long: twice as much. And one for on_start.
struct library {
    const struct weft_task *twice;
    int (*on_start)(void *ctx);
};

const struct library *linked_library(void);
const struct library *loaded_library(void);

#endif
