// The system's OpenSSL, and inline functions for what Swift cannot import: macros, and calls that 3.0 marks as deprecated.
#ifndef ROUSE_COPENSSL_SHIM_H
#define ROUSE_COPENSSL_SHIM_H

#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/// The SHA-256 state after a fixed prefix: one is made a policy, and copied for each user.
typedef struct rouse_sha256_prefix {
  SHA256_CTX state;
  /// The prefix and zeros, where it is shorter than a block.
  unsigned char head[64];
  size_t count;
} rouse_sha256_prefix;

static inline void rouse_sha256_start(rouse_sha256_prefix *prefix, const void *bytes, size_t count) {
  SHA256_Init(&prefix->state);
  SHA256_Update(&prefix->state, bytes, count);
  memset(prefix->head, 0, sizeof prefix->head);
  prefix->count = count;
  if (count < sizeof prefix->head) memcpy(prefix->head, bytes, count);
}

/// Takes more bytes into a prefix.
static inline void rouse_sha256_more(rouse_sha256_prefix *prefix, const void *bytes, size_t count) {
  SHA256_Update(&prefix->state, bytes, count);
  prefix->count = sizeof prefix->head;
}

/// SHA-256 of the prefix followed by `count` bytes, 32 bytes into `digest`. The low-level calls cost a third of EVP's on
/// short texts, and this stands on the path of every candidate.
static inline void rouse_sha256_finish(const rouse_sha256_prefix *prefix, const void *bytes, size_t count,
                                       unsigned char *digest) {
  SHA256_CTX state = prefix->state;
  SHA256_Update(&state, bytes, count);
  SHA256_Final(digest, &state);
}

/// The first 24 bytes of the same as three big-endian numbers. Most salts and user_ids fit into one block: then the block
/// is made here, which saves half of the time that the calls take.
static inline void rouse_sha256_draw(const rouse_sha256_prefix *prefix, const void *bytes, size_t count,
                                     uint64_t *words) {
  SHA256_CTX state = prefix->state;
  size_t before = prefix->count;
  if (count == 0 || before + count > 55) {
    unsigned char digest[32];
    rouse_sha256_finish(prefix, bytes, count, digest);
    for (int word = 0; word < 3; word++) {
      words[word] = 0;
      for (int at = 0; at < 8; at++) words[word] = words[word] << 8 | digest[8 * word + at];
    }
    return;
  }
  unsigned char block[64];
  memcpy(block, prefix->head, sizeof block);
  memcpy(block + before, bytes, count);
  block[before + count] = 0x80;
  uint64_t bits = 8 * (uint64_t)(before + count);
  block[62] = (unsigned char)(bits >> 8);
  block[63] = (unsigned char)bits;
  SHA256_Transform(&state, block);
  for (int word = 0; word < 3; word++) words[word] = (uint64_t)state.h[2 * word] << 32 | state.h[2 * word + 1];
}

// Contexts.

/// What every connection of ours has, whatever the system's openssl.cnf says: TLS 1.3 alone unless `tls12` is set (then
/// Mozilla's intermediate ciphers), three groups, keys and signatures of 112 bits of strength or more, no compression, no
/// renegotiation, no early data. A peer that vanishes without a close_notify is never taken for one that said goodbye; a
/// ticket amid the bytes never looks like the end of them (AUTO_RETRY). What is sent of a chain is what was given: whom we
/// trust may have issued our own certificate too, and would be sent along (NO_AUTO_CHAIN). A server has its order of
/// ciphers, but a client without AES hardware gets the one it is quick at. 1, or 0 with the reason in the error queue.
static inline int rouse_ctx_harden(SSL_CTX *ctx, int tls12) {
  SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_TICKET | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY |
                            SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_clear_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_security_level(ctx, 2);
  SSL_CTX_set_max_early_data(ctx, 0);
  SSL_CTX_set_recv_max_early_data(ctx, 0);
  return SSL_CTX_set_min_proto_version(ctx, tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) &&
         SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
         SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") &&
         SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305") &&
         SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384");
}

/// The protocol list of ALPN as it stands on the wire: one name, with its length before it.
static const unsigned char rouse_alpn[] = {7, 'r', 'o', 'u', 's', 'e', '/', '1'};

static int rouse_alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_count, const unsigned char *offered,
                             unsigned int offered_count, void *unused) {
  (void)ssl, (void)unused;
  unsigned char *chosen = NULL;
  if (SSL_select_next_proto(&chosen, out_count, rouse_alpn, sizeof rouse_alpn, offered, offered_count) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

static inline void rouse_ctx_select_alpn(SSL_CTX *ctx) { SSL_CTX_set_alpn_select_cb(ctx, rouse_alpn_select, NULL); }

/// 1 when the offer was taken (SSL_CTX_set_alpn_protos says it with 0).
static inline int rouse_ctx_offer_alpn(SSL_CTX *ctx) {
  return SSL_CTX_set_alpn_protos(ctx, rouse_alpn, sizeof rouse_alpn) == 0;
}

/// Adds an intermediate certificate to what is sent; the context takes its own reference.
static inline int rouse_ctx_add_chain(SSL_CTX *ctx, X509 *certificate) {
  return SSL_CTX_add1_chain_cert(ctx, certificate) == 1;
}

/// A client keeps its sessions itself, by host; OpenSSL's own store has no use for them.
static inline void rouse_ctx_keep_client_sessions(SSL_CTX *ctx, int (*keep)(SSL *, SSL_SESSION *)) {
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, keep);
}

/// A server keeps sessions itself, by their ids, and a ticket is no more than an id: what OpenSSL would otherwise seal into
/// it has the peer's certificate, and to read that again, key and all, costs more than the rest of a resumed handshake.
/// They belong to the context, so another context, with other authorities and revocation lists, asks for the certificates
/// anew. `find` adds a reference to what it gives, and is told so.
static inline void rouse_ctx_keep_server_sessions(SSL_CTX *ctx, long seconds, int (*keep)(SSL *, SSL_SESSION *),
                                                  SSL_SESSION *(*find)(SSL *, const unsigned char *, int, int *)) {
  SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_timeout(ctx, seconds);
  SSL_CTX_set_num_tickets(ctx, 1);
  SSL_CTX_sess_set_new_cb(ctx, keep);
  SSL_CTX_sess_set_get_cb(ctx, find);
}

// Connections.

static inline int rouse_ssl_set_name(SSL *ssl, const char *name) { return SSL_set_tlsext_host_name(ssl, name) == 1; }
static inline void rouse_ssl_set_owner(SSL *ssl, void *owner) { SSL_set_app_data(ssl, owner); }
static inline void *rouse_ssl_owner(const SSL *ssl) { return SSL_get_app_data(ssl); }

/// Bytes of the certificates that the peer of a server has sent behind its own, as they stood on the wire.
static inline size_t rouse_ssl_chain_bytes(const SSL *ssl) {
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
  size_t bytes = 0;
  for (int index = 0; index < sk_X509_num(chain); index++) {
    int count = i2d_X509(sk_X509_value(chain, index), NULL);
    if (count > 0) bytes += (size_t)count;
  }
  return bytes;
}

/// Whatever else is wrong by now with a certificate that was once verified is for its next handshake.
static int rouse_only_revoked(int ok, X509_STORE_CTX *store) {
  (void)ok;
  return X509_STORE_CTX_get_error(store) != X509_V_ERR_CERT_REVOKED;
}

/// Whether the lists of a server's context revoke the certificate that a peer has shown to another one, or one above it.
static inline int rouse_ssl_peer_is_revoked(SSL *ssl, SSL_CTX *ctx) {
  X509 *certificate = SSL_get0_peer_certificate(ssl);
  X509_STORE_CTX *store = certificate == NULL ? NULL : X509_STORE_CTX_new();
  int revoked = 0;
  if (store != NULL &&
      X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(ctx), certificate, SSL_get_peer_cert_chain(ssl)) == 1) {
    X509_STORE_CTX_set_default(store, "ssl_client");
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(store), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_CTX_set_verify_cb(store, rouse_only_revoked);
    revoked = X509_verify_cert(store) != 1 && X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_REVOKED;
  }
  X509_STORE_CTX_free(store);
  ERR_clear_error();
  return revoked;
}

/// "No bytes now, ask again": what a BIO answers when the network has given nothing more.
static inline void rouse_bio_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void rouse_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

// Certificates.

/// The bytes of a memory BIO, valid until it is written or freed.
static inline size_t rouse_bio_bytes(BIO *bio, const unsigned char **bytes) {
  char *start = NULL;
  long count = BIO_get_mem_data(bio, &start);
  *bytes = (const unsigned char *)start;
  return count > 0 ? (size_t)count : 0;
}

/// Frees what OpenSSL allocated for its caller.
static inline void rouse_free(void *bytes) { OPENSSL_free(bytes); }

/// Never asks a terminal: an encrypted key is refused.
static int rouse_no_passphrase(char *buffer, int size, int writing, void *unused) {
  (void)buffer, (void)size, (void)writing, (void)unused;
  return -1;
}

static inline EVP_PKEY *rouse_read_private_key(BIO *bio) {
  return PEM_read_bio_PrivateKey(bio, NULL, rouse_no_passphrase, NULL);
}

static inline X509 *rouse_read_certificate(BIO *bio) {
  return PEM_read_bio_X509(bio, NULL, rouse_no_passphrase, NULL);
}

static inline X509_CRL *rouse_read_revocation_list(BIO *bio) {
  return PEM_read_bio_X509_CRL(bio, NULL, rouse_no_passphrase, NULL);
}

/// 1 when the last error only says that the file has no further PEM block.
static inline int rouse_error_is_end_of_pem(void) {
  unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static inline int rouse_error_is_passphrase(void) {
  unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM &&
         (ERR_GET_REASON(error) == PEM_R_BAD_PASSWORD_READ || ERR_GET_REASON(error) == PEM_R_PROBLEMS_GETTING_PASSWORD);
}

/// A certificate's or a list's moment in seconds since 1970; 0 when it cannot be read.
static inline int rouse_seconds(const ASN1_TIME *time, int64_t *seconds) {
  struct tm when;
  memset(&when, 0, sizeof when);
  if (time == NULL || !ASN1_TIME_to_tm(time, &when)) return 0;
  *seconds = (int64_t)timegm(&when);
  return 1;
}

/// The end of the certificate's validity in seconds since 1970; 0 when its time cannot be read.
static inline int rouse_not_after(const X509 *certificate, int64_t *seconds) {
  return rouse_seconds(X509_get0_notAfter(certificate), seconds);
}

/// A name as `openssl x509 -subject -nameopt RFC2253` prints it.
static inline int rouse_print_name(BIO *bio, const X509_NAME *name) {
  return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0;
}

/// Whether the certificate may issue others.
static inline int rouse_is_authority(X509 *certificate) {
  return (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0;
}

/// Whether the certificate's key may sign revocation lists: a certificate that says nothing about it may.
static inline int rouse_may_sign_lists(X509 *certificate) {
  return (X509_get_key_usage(certificate) & KU_CRL_SIGN) != 0;
}

/// The subject alternative names; NULL with -1 in `state` when there are none, with another value when they are malformed.
static inline GENERAL_NAMES *rouse_alternative_names(const X509 *certificate, int *state) {
  return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, state, NULL);
}

static inline int rouse_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline void rouse_names_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }

/// The kind of one name (GEN_DNS, GEN_URI, GEN_EMAIL, GEN_IPADD), and its bytes as long as `names` lives; -1 for others.
static inline int rouse_name_at(const GENERAL_NAMES *names, int index, const unsigned char **bytes, int *count) {
  int kind = -1;
  const ASN1_STRING *text = (const ASN1_STRING *)GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), &kind);
  if (text == NULL || (kind != GEN_DNS && kind != GEN_URI && kind != GEN_EMAIL && kind != GEN_IPADD)) return -1;
  *bytes = ASN1_STRING_get0_data(text);
  *count = ASN1_STRING_length(text);
  return kind;
}

static inline EVP_PKEY *rouse_new_p256_key(void) { return EVP_EC_gen("P-256"); }

/// Adds an extension in the notation of openssl.cnf. `value` must hold nothing that came from outside unchecked.
static inline int rouse_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  memset(&context, 0, sizeof context);
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  if (extension == NULL) return 0;
  int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return added == 1;
}

#endif
