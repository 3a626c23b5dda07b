// SPDX-License-Identifier: MIT
// drop.h - why a client was put out, in the few words that can be counted.
#ifndef WEFT_CHAT_DROP_H
#define WEFT_CHAT_DROP_H

enum drop {
    DROP_NONE,    // it went of its own
    DROP_SLOW,    // it did not take what was sent to it
    DROP_LOST,    // its connection broke
    DROP_SILENT,  // it did not say who it is, or no longer anything, in time
    DROP_TLS,     // it spoke no TLS, none that we have in common, or TLS where there is none
    DROP_REFUSED, // a wrong password, or HTTP where IRC is spoken
    DROP_FLOOD,   // more came than flood control lets wait
    DROP_KILLED,  // by an operator
    DROP_MEMORY,  // there was none for it, or no other means
    DROPS,
};

#endif
