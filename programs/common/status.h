// SPDX-License-Identifier: MIT
// status.h - what `weft` and each of its commands end with. One table for all of them.
#ifndef WEFT_PROGRAMS_STATUS_H
#define WEFT_PROGRAMS_STATUS_H

enum {
    STATUS_OK = 0,
    STATUS_FAILED = 1,       // something failed: the network, a port, an item
    STATUS_USAGE = 2,        // the command line makes no sense
    STATUS_INCONCLUSIVE = 3, // a measurement that says nothing, or a budget missed
    STATUS_SIGNAL = 128,     // plus N: ended by signal N
};

#endif
