// SPDX-License-Identifier: MIT
// aside.h - no descriptor of ours is one of the standard streams'.
#ifndef WF_OS_ASIDE_H
#define WF_OS_ASIDE_H

// Round a call that makes a descriptor: what it gave, -1 and errno too. Where the program has
// closed a standard stream and the kernel has handed out its number, another one for the same
// file, closed on exec; or -1 with errno (EMFILE).
int wf_aside(int fd);
int wf_aside_pair(int fds[2]); // 0, or -1 with errno: then both are closed

#endif
