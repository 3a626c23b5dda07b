// SPDX-License-Identifier: MIT
// tokens.h - a text as the words that are searched.
//
// Letters, digits and what combines with them make words; case, accents (those of Latin, Greek and
// Cyrillic) and the widths of East Asian typewriters make no difference. Chinese, Japanese and
// Korean are written without spaces between words: a run of their characters becomes its pairs,
// each overlapping the next, and at last its last character alone. 多线程 gives 多线, 线程, 程: so 线程 is
// found as a word, 多线程 as the phrase of its pairs, and 线 as how a word begins.
#ifndef WEFT_CHAT_STORE_TOKENS_H
#define WEFT_CHAT_STORE_TOKENS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

// Told of each word, in order; the text is its own for the call. Not 0 ends it.
typedef int tokens_each(void *ctx, const char *word, size_t size);

// Of a text to be kept (whole is false): all words. Of one that is looked for (whole): of a run of
// two characters or more only the pairs. 0, what `each` returned, or -ENOMEM. What is not UTF-8
// separates words.
int tokens_of(const char *text, size_t size, bool whole, tokens_each *each, void *ctx);

// What FTS5 shall match to find all words of `words`, to be freed; NULL: out of memory. "": there
// are none. Made of tokens only, so nothing of FTS5's language can come in.
char *tokens_match(const char *words);

// Make them known to db as FTS5's tokenizer "weft": 0 or an error as sql.h.
int tokens_register(sqlite3 *db);

#endif
