// The system's OpenSSL, and inline functions for what Swift cannot import: macros, and calls that 3.0 marks as deprecated.
#ifndef ROUSE_COPENSSL_SHIM_H
#define ROUSE_COPENSSL_SHIM_H

#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/// The SHA-256 state after a fixed prefix: one is made a policy, and copied for each user.
typedef struct rouse_sha256_prefix {
  SHA256_CTX state;
} rouse_sha256_prefix;

static inline void rouse_sha256_start(rouse_sha256_prefix *prefix, const void *bytes, size_t count) {
  SHA256_Init(&prefix->state);
  SHA256_Update(&prefix->state, bytes, count);
}

/// SHA-256 of the prefix followed by `count` bytes, 32 bytes into `digest`. The low-level calls cost a third of EVP's on
/// short texts, and this stands on the path of every candidate.
static inline void rouse_sha256_finish(const rouse_sha256_prefix *prefix, const void *bytes, size_t count,
                                       unsigned char *digest) {
  SHA256_CTX state = prefix->state;
  SHA256_Update(&state, bytes, count);
  SHA256_Final(digest, &state);
}

#endif
