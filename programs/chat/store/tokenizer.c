// SPDX-License-Identifier: MIT
// tokenizer.c - our words as FTS5 asks for them: see tokens.h.
//
// FTS5 wants to know where in the text a word stands, for snippets; the index keeps no text, so
// nobody can ask for one, and the words here are of the folded text anyway. All stand at 0.
#include <errno.h>

#include "chat/store/tokens.h"
#include "common/sql.h"

typedef int fts_token(void *ctx, int flags, const char *token, int size, int start, int end);

struct sink {
    fts_token *token;
    void *ctx;
};

static int pass_on(void *ctx, const char *word, size_t size)
{
    struct sink *sink = ctx;
    return sink->token(sink->ctx, 0, word, (int)size, 0, 0);
}

static int create(void *ctx, const char **args, int count, Fts5Tokenizer **tokenizer)
{
    (void)ctx;
    (void)args;
    (void)count;
    static char nothing; // it has no settings, but must not be NULL
    *tokenizer = (Fts5Tokenizer *)&nothing;
    return SQLITE_OK;
}

static void destroy(Fts5Tokenizer *tokenizer)
{
    (void)tokenizer;
}

static int tokenize(Fts5Tokenizer *tokenizer, void *ctx, int why, const char *text, int size,
                    fts_token *token)
{
    (void)tokenizer;
    struct sink sink = {token, ctx};
    bool query = (why & FTS5_TOKENIZE_QUERY) != 0;
    int rc = tokens_of(text, (size_t)size, query, pass_on, &sink);
    return rc == -ENOMEM ? SQLITE_NOMEM : rc; // else as FTS5 said itself
}

static int find_api(sqlite3 *db, fts5_api **api)
{
    sqlite3_stmt *statement;
    int rc = sql_prepare(db, "SELECT fts5(?)", &statement);
    if (rc == 0) {
        (void)sqlite3_bind_pointer(statement, 1, api, "fts5_api_ptr", NULL);
        rc = sql_run(statement);
    }
    (void)sqlite3_finalize(statement);
    return rc;
}

int tokens_register(sqlite3 *db)
{
    fts5_api *api = NULL;
    int rc = find_api(db, &api);
    if (rc < 0)
        return rc;
    fts5_tokenizer ours = {create, destroy, tokenize};
    return api ? sql_check(db, api->xCreateTokenizer(api, "weft", NULL, &ours, NULL), "history")
               : sql_failed(db, "history: no full-text search in this SQLite");
}
