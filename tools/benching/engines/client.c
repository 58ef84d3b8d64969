// client PORT REQUESTS MARK IN-FLIGHT SECONDS: a load over plain TCP on loopback, for engines that speak other protocols than
// ours. REQUESTS is a file of requests, each with its length before it as a line of digits; an answer has the text MARK once.
// Prints requests, seconds, and the p50 and p99 of the latency in microseconds.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  alarm((unsigned)atoi(argv[5]) + 30);
  size_t flight = (size_t)atoi(argv[4]), mark = strlen(argv[3]);
  double seconds = atof(argv[5]);
  FILE *file = fopen(argv[2], "rb");
  if (!file) die(argv[2]);
  static char *bytes[1 << 16];
  static size_t sizes[1 << 16];
  size_t requests = 0, size;
  while (requests < 1 << 16 && fscanf(file, "%zu", &size) == 1 && fgetc(file) == '\n') {
    bytes[requests] = malloc(size);
    sizes[requests] = size;
    if (fread(bytes[requests++], 1, size, file) != size) die(argv[2]);
  }
  if (!requests) return 2;
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);

  static char out[1 << 20], in[1 << 20];
  size_t room = 1 << 24, held = 0, sent = 0, answered = 0, done = 0;
  double *took = malloc(room * sizeof *took), *began = malloc(flight * sizeof *began);
  double warm = now() + 0.5, end = warm + seconds, time = now();
  while (time < end) {
    size_t filled = 0;
    while (sent - answered < flight && filled + sizes[sent % requests] <= sizeof out) {
      memcpy(out + filled, bytes[sent % requests], sizes[sent % requests]);
      filled += sizes[sent % requests];
      began[sent++ % flight] = time;
    }
    for (size_t at = 0; at < filled;) {
      ssize_t count = write(fd, out + at, filled - at);
      if (count <= 0) die("write");
      at += (size_t)count;
    }
    ssize_t count = read(fd, in + held, sizeof in - held);
    if (count <= 0) die("read");
    held += (size_t)count;
    time = now();
    char *from = in, *found;
    while ((found = memmem(from, held - (size_t)(from - in), argv[3], mark))) {
      from = found + mark;
      double latency = time - began[answered++ % flight];
      if (time >= warm && done < room) took[done++] = latency;
    }
    // What may be the beginning of a mark stays.
    size_t left = held - (size_t)(from - in), keep = left < mark - 1 ? left : mark - 1;
    memmove(in, in + held - keep, keep);
    held = keep;
  }
  if (!done) return 1;
  qsort(took, done, sizeof *took, ascending);
  printf("%zu %.6f %.2f %.2f\n", done, seconds, took[done / 2] * 1e6, took[done * 99 / 100] * 1e6);
}
