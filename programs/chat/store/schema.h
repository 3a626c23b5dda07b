// SPDX-License-Identifier: MIT
// schema.h - what history.db looks like.
#ifndef WEFT_CHAT_STORE_SCHEMA_H
#define WEFT_CHAT_STORE_SCHEMA_H

#include "common/schema.h"

extern const struct schema history_schema;

#endif
