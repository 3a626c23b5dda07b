// SPDX-License-Identifier: MIT
// model.h - given to the compiler before each source of the library's second copy, and of tests
// that explore: memory and endings come from the explorer.
#ifndef XP_MODEL_H
#define XP_MODEL_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

int xp_atexit(void (*handler)(void));
int xp_pause(void);
uint64_t *xp_kin(void); // of which process the task is

#define malloc xp_malloc
#define calloc xp_calloc
#define realloc xp_realloc
#define aligned_alloc xp_aligned_alloc
#undef strdup
#define strdup xp_strdup
#define free xp_free
#define atexit xp_atexit
#define pause xp_pause
#define wf_kin_number (*xp_kin())
#define wf_tracing false
#define WF_KIN_MAX 16 // the table is copied for each run

#endif
