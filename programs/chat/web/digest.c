// SPDX-License-Identifier: MIT
// digest.c - see digest.h.
//
// OpenSSL would clean up at exit, while fibers may still be in it: it is told not to, as the
// library does for TLS.
#include "chat/web/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <weft/error.h>

static int digest(const EVP_MD *kind, const void *bytes, size_t size, char *out)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!EVP_Digest(bytes, size, raw, &length, kind, NULL))
        return weft_fail(-ENOMEM, "no memory for a digest");
    (void)EVP_EncodeBlock((unsigned char *)out, raw, (int)length); // cannot fail
    return 0;
}

// Before anything else of OpenSSL; later calls do nothing. Fails only without memory, and then so
// does the digest.
static void begin(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

int digest_sha1(const void *bytes, size_t size, char out[DIGEST_SHA1_TEXT])
{
    begin();
    return digest(EVP_sha1(), bytes, size, out);
}

int digest_sha256(const void *bytes, size_t size, char out[DIGEST_SHA256_TEXT])
{
    begin();
    return digest(EVP_sha256(), bytes, size, out);
}
