// SPDX-License-Identifier: MIT
// error.h - how the calls of the library fail, beside weft_fail; and failures that nobody sees.
#ifndef WF_CORE_ERROR_H
#define WF_CORE_ERROR_H

#include <weft/error.h>

// Tell whoever weft_on_unobserved named, or stderr, of a failure that nobody will join.
void wf_report_unobserved(const char *task, int code, const char *message);

// weft_fail, by somebody inside a call of ours who knows more than its code says: the call itself
// fails by wf_failed, which keeps these words.
int wf_explain(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// A call of ours failed with rc < 0: note it, the text for later. Returns rc, also if it is not
// negative.
int wf_note_failure(const char *call, int rc); // for wf_failed alone
static inline int wf_failed(const char *call, int rc)
{
    return __builtin_expect(rc < 0, 0) ? wf_note_failure(call, rc) : rc;
}

// What a call of ours ran in place for its caller, `name`, returned rc. A failure that said nothing
// gets the words of its code. Returns rc.
int wf_failed_in(const char *name, int rc);

// Why somebody inside a call of ours failed so: the words of wf_explain, or else those of the code.
// For a call that fails by weft_fail, with more than that to say.
const char *wf_why(int code);

// strerror of a code, whatever a task returned: of INT_MIN there is no -code.
const char *wf_strerror(int code);

// The text of a task's latest failure, or "".
struct wf_task;
const char *wf_error_text(struct wf_task *task);

// Cut a text to fewer than `cap` bytes, not inside a UTF-8 character.
void wf_cut_text(char *text, size_t cap);

#endif
