// SPDX-License-Identifier: MIT
// chat_store_eras.h - for tests of what is said in an era of #lobby.
#ifndef WEFT_TESTS_CHAT_STORE_ERAS_H
#define WEFT_TESTS_CHAT_STORE_ERAS_H

#include "chat_store.h"

SHARED const char *folder_of_test(void)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    return folder;
}

SHARED struct store_conversation in_era(int64_t era)
{
    return (struct store_conversation){.first = "#lobby", .era = era};
}

SHARED void say_in(struct store *store, int64_t era, const char *msgid, int64_t time_ms,
                   const char *text)
{
    struct store_message m = text_of(msgid, time_ms, text);
    m.where.era = era;
    assert_int_equal(outcome_of(store, append(store, m)), 0);
}

SHARED int64_t begin(struct store *store, const char *key)
{
    int64_t era = store_era_new(store);
    assert_true(era > 0);
    assert_int_equal(store_era_set(store, era, "#lobby", key), 0);
    return era;
}

SHARED const char *all_of(struct store *store, int64_t era)
{
    return asked(store,
                 (struct store_query){
                     .where = in_era(era), .range = STORE_LATEST, .limit = 100, .events = true});
}

SHARED int64_t counted(const char *folder, const char *sql)
{
    return number_in(file_in(folder, "history.db"), sql);
}

#endif
