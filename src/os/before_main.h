// SPDX-License-Identifier: MIT
// before_main.h - what weft does before main, in which order.
//
// Constructors without a number run in the order in which the linker met them, which is another one
// where the library is optimized as a whole. Ours with a number do not depend on each other; the
// one without, of the ancestor, does not return there, and relies on all of them.
#ifndef WF_OS_BEFORE_MAIN_H
#define WF_OS_BEFORE_MAIN_H

#define WF_BEFORE_MAIN __attribute__((constructor(101))) // the first that is not the compiler's own
#define WF_LAST_BEFORE_MAIN __attribute__((constructor))

#endif
