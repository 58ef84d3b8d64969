// server PORT-FILE CERTIFICATE KEY [CLIENT-CA]: what a server costs that speaks TLS as ours does and does nothing else. It
// reads lines, answers each with a fixed text that has the line's id in it, and knows no JSON. One thread, any number of
// connections. Ends with its parent.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 1024
#define ROOM (1 << 17)

static struct connection {
  SSL *ssl;
  int ready;
  size_t held;
  char *in;
} connections[MOST];
static struct pollfd polls[MOST];
static int count = 1;

static void fail(const char *what) {
  perror(what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static void drop(int index) {
  SSL_free(connections[index].ssl);
  free(connections[index].in);
  close(polls[index].fd);
  count--;
  connections[index] = connections[count];
  polls[index] = polls[count];
}

// The answers to all whole lines, in one write.
static int answer(struct connection *c) {
  static char out[ROOM * 4];
  static const char body[] = ",\"ok\":true,\"policy\":\"cash-loan-recall@eb2aa0cf209f\",\"results\":[{\"user_id\":\"u00000001\","
                             "\"status\":\"declined\",\"reasons\":[\"R02\",\"R01\"],\"stage\":\"visited\",\"dormant_days\":101,"
                             "\"silent_days\":101,\"tier\":\"6m\",\"risk_score\":558,\"pd\":0.05555}],\"summary\":{\"lines\":1,"
                             "\"status\":{\"invalid\":0,\"suppressed\":0,\"active\":0,\"declined\":1,\"resting\":0,"
                             "\"holdout\":0,\"unprofitable\":0,\"eligible\":0},\"ignored\":0}}\n";
  size_t from = 0, filled = 0;
  char *end;
  while ((end = memchr(c->in + from, '\n', c->held - from))) {
    size_t line = (size_t)(end - c->in) - from;
    char *id = memmem(c->in + from, line < 200 ? line : 200, "\"id\":", 5);
    if (filled + sizeof body + 64 > sizeof out) return 0;
    if (id) {
      memcpy(out + filled, "{\"id\":", 6);
      filled += 6;
      for (id += 5; *id >= '0' && *id <= '9'; id++) out[filled++] = *id;
      memcpy(out + filled, body, sizeof body - 1);
      filled += sizeof body - 1;
    } else {
      memcpy(out + filled, "{\"ok\":true}\n", 12);
      filled += 12;
    }
    from = (size_t)(end - c->in) + 1;
  }
  memmove(c->in, c->in + from, c->held - from);
  c->held -= from;
  return filled == 0 || SSL_write(c->ssl, out, (int)filled) == (int)filled;
}

// 0 when the connection is over.
static int serve(struct connection *c) {
  ERR_clear_error();
  if (!c->ready) {
    int done = SSL_do_handshake(c->ssl);
    if (done != 1) return SSL_get_error(c->ssl, done) == SSL_ERROR_WANT_READ;
    c->ready = 1;
    c->in = malloc(ROOM);
  }
  for (;;) {
    int got = SSL_read(c->ssl, c->in + c->held, (int)(ROOM - c->held));
    if (got > 0) {
      c->held += (size_t)got;
      if (!answer(c)) return 0;
      if (SSL_has_pending(c->ssl)) continue;
      return 1;
    }
    int error = SSL_get_error(c->ssl, got);
    if (error == SSL_ERROR_ZERO_RETURN) SSL_shutdown(c->ssl);
    return error == SSL_ERROR_WANT_READ;
  }
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_session_id_context(context, (const unsigned char *)"stub", 4);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1) fail(argv[2]);
  if (SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1) fail(argv[3]);
  if (argc > 4) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(argv[4]));
    if (SSL_CTX_load_verify_locations(context, argv[4], NULL) != 1) fail(argv[4]);
  }
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 512)) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  FILE *file = fopen(argv[1], "w");
  if (!file) fail(argv[1]);
  fprintf(file, "127.0.0.1:%d\n", ntohs(address.sin_port));
  fclose(file);
  polls[0] = (struct pollfd){.fd = listener, .events = POLLIN};
  for (;;) {
    if (poll(polls, (nfds_t)count, -1) < 0 && errno != EINTR) fail("poll");
    for (int index = count - 1; index > 0; index--)
      if (polls[index].revents && !serve(&connections[index])) drop(index);
    if (!polls[0].revents || count == MOST) continue;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) continue;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    SSL_set_accept_state(ssl);
    SSL_set_read_ahead(ssl, 1);
    connections[count] = (struct connection){.ssl = ssl};
    polls[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
  }
}
