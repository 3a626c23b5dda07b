// SPDX-License-Identifier: MIT
// valgrind.h - what valgrind is told and asked, where its header was there at build time; elsewhere
// the same words mean nothing.
#ifndef WF_OS_VALGRIND_H
#define WF_OS_VALGRIND_H

#ifdef WF_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_STACK_REGISTER(begin, end) ((void)(begin), (void)(end), 0u)
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#endif
