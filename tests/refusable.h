// SPDX-License-Identifier: MIT
// refusable.h - what the library asks the system for: memory, threads, descriptors. Those who
// refuse it in the system's place (shortage.h, faults/faults.c) give each call the same body.
#ifndef WEFT_TESTS_REFUSABLE_H
#define WEFT_TESTS_REFUSABLE_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

// Of what | what it returns | and when it is refused, errno being set | its name | what it takes |
// the same for a call.
#define REFUSABLE_CALLS(X) \
    X(MEMORY, void *, NULL, malloc, (size_t size), (size)) \
    X(MEMORY, void *, NULL, calloc, (size_t n, size_t size), (n, size)) \
    X(MEMORY, void *, NULL, realloc, (void *block, size_t size), (block, size)) \
    X(MEMORY, void *, NULL, aligned_alloc, (size_t align, size_t size), (align, size)) \
    X(MEMORY, char *, NULL, strdup, (const char *text), (text)) \
    X(MEMORY, int, errno, pthread_attr_init, (pthread_attr_t * attr), (attr)) \
    X(THREADS, int, errno, pthread_create, \
      (pthread_t * thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg), \
      (thread, attr, run, arg)) \
    X(FILES, int, -1, socket, (int family, int type, int protocol), (family, type, protocol)) \
    X(FILES, int, -1, eventfd, (unsigned value, int flags), (value, flags)) \
    X(FILES, int, -1, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags)) \
    X(FILES, int, -1, epoll_create1, (int flags), (flags))

#define BARE(...) __VA_ARGS__ // without their parentheses

#endif
