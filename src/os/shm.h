// SPDX-License-Identifier: MIT
// shm.h - memory that several processes map: files without a name.
#ifndef WF_OS_SHM_H
#define WF_OS_SHM_H

#include <stddef.h>

// A file of zeros, whose size is sealed, because whoever reads beyond the end of a file that was
// cut dies of SIGBUS. Its memory is taken page by page, at first use. The descriptor, or -EMFILE,
// -ENFILE, -ENOMEM, -EFBIG (RLIMIT_FSIZE).
int wf_shm_new(const char *name, size_t size);

// Map it: anywhere; at a multiple of `align`, a power of two; far from where a program of its own
// accord maps anything, if that can be; at `at` and nowhere else. NULL: no room, or it is taken.
void *wf_shm_map(int fd, size_t size);
void *wf_shm_map_aligned(int fd, size_t size, size_t align);
void *wf_shm_map_apart(int fd, size_t size);
void *wf_shm_map_at(int fd, size_t size, void *at);
void wf_shm_unmap(void *at, size_t size);

// Into the file, and out of it, without a mapping: who passes each byte once need not touch its
// pages for the first time, which costs ten times the copy. 0, or -ENOMEM, -ENOSPC: no memory.
int wf_shm_write(int fd, size_t at, const void *bytes, size_t size);
int wf_shm_read(int fd, size_t at, void *bytes, size_t size);

// Leave the mapping out of core files, but for what is taken here: its memory, now. 0 or -ENOMEM.
// (Linux before 5.14 cannot; memory comes at first use there.)
void wf_shm_hide(void *at, size_t size);
int wf_shm_take(void *at, size_t size);
void wf_shm_give_back(void *at, size_t size); // for all processes; reads as zeros afterwards

#endif
