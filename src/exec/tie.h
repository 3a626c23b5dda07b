// SPDX-License-Identifier: MIT
// tie.h - the socket between the root and its ancestor, as the root has it.
//
// Its close is how each hears of the other's death. So a child that the program forks keeps neither
// end, whenever that was: while the ancestor is being started, too.
#ifndef WF_EXEC_TIE_H
#define WF_EXEC_TIE_H

enum wf_tie_end { WF_TIE_OURS, WF_TIE_THEIRS };

int wf_tie_open(int ends[2]); // by enum wf_tie_end. 0, -EMFILE, -ENFILE, -ENOMEM
void wf_tie_close(enum wf_tie_end end);

#endif
