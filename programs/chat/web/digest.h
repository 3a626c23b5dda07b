// SPDX-License-Identifier: MIT
// digest.h - digests in base64: SHA-1 for handshakes, SHA-256 for the page's policy.
#ifndef WEFT_WEB_DIGEST_H
#define WEFT_WEB_DIGEST_H

#include <stddef.h>

enum { DIGEST_SHA1_TEXT = 29, DIGEST_SHA256_TEXT = 45 }; // with NUL

// 0, or -ENOMEM. Never waits.
int digest_sha1(const void *bytes, size_t size, char out[DIGEST_SHA1_TEXT]);
int digest_sha256(const void *bytes, size_t size, char out[DIGEST_SHA256_TEXT]);

#endif
