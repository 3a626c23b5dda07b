// SPDX-License-Identifier: MIT
// memory.h - a run's own memory: memory.c. As malloc and the like, but they never fail: a run that
// needs more has failed.
#ifndef XP_MEMORY_H
#define XP_MEMORY_H

#include <stddef.h>

void *xp_malloc(size_t size);
void *xp_calloc(size_t n, size_t size);
void *xp_realloc(void *memory, size_t size);
void *xp_aligned_alloc(size_t align, size_t size);
char *xp_strdup(const char *text);
void xp_free(void *memory);

#endif
