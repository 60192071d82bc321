/*
 * Byte streams: a provider and the three loads for it.
 *
 *   unix-load serve SOCKET
 *   unix-load throughput SOCKET MS   {"bytes":…,"seconds":…}
 *   unix-load latency SOCKET MS      {"p50":…,"p99":…}          microseconds
 *   unix-load connections SOCKET MS  {"count":…,"seconds":…}
 *
 * The first byte of a connection says what it is for. 'E': every byte comes back. 'D': blocks
 * of BLOCK bytes; after one that begins with 'L' the provider answers how many bytes it got, so
 * that lost bytes are noticed and no half-close is needed (some relays lose it).
 */
#include "common.h"

#define BLOCK 65536

struct session {
  char mode;
  uint64_t bytes;
  int last;
};

static int serve_once(int fd, struct session *session) {
  static char buffer[BLOCK];
  ssize_t count = read(fd, buffer, sizeof buffer);
  if (count <= 0) return count < 0 && errno == EAGAIN;
  char *at = buffer;
  if (session->mode == 0) {
    session->mode = *at++;
    count -= 1;
  }
  if (session->mode == 'E') {
    return send_all(fd, at, (size_t)count);
  }
  uint64_t offset = session->bytes % BLOCK;
  uint64_t start = offset == 0 ? 0 : BLOCK - offset;
  if (count > 0 && start < (uint64_t)count) session->last = at[start] == 'L';
  session->bytes += (uint64_t)count;
  if (session->last && session->bytes % BLOCK == 0) {
    session->last = 0;
    return send_all(fd, &session->bytes, sizeof session->bytes);
  }
  return 1;
}

static void serve(const char *path) {
  static struct session sessions[65536];
  int listener = listen_at(path);
  int epoll = epoll_with(listener);
  for (;;) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd != listener) {
        if (!serve_once(fd, &sessions[fd])) close(fd);
        continue;
      }
      int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
      if (accepted < 0) continue;
      memset(&sessions[accepted], 0, sizeof sessions[accepted]);
      struct epoll_event event = {.events = EPOLLIN, .data.fd = accepted};
      epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &event);
    }
  }
}

static void throughput(const struct sockaddr_un *address, double seconds) {
  static char block[BLOCK];
  int fd = dial(address);
  uint64_t sent = 0, got = 0;
  write_all(fd, "D", 1);
  double begin = now();
  for (;;) {
    int last = now() - begin >= seconds;
    block[0] = last ? 'L' : '.';
    write_all(fd, block, BLOCK);
    sent += BLOCK;
    if (last) break;
  }
  read_all(fd, &got, sizeof got);
  double took = now() - begin;
  errno = 0;
  if (got != sent) die("bytes were lost");
  printf("{\"bytes\":%llu,\"seconds\":%.6f}\n", (unsigned long long)sent, took);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void latency(const struct sockaddr_un *address, double seconds) {
  enum { MOST = 1 << 20, WARM_UP = 100 };
  double *took = malloc(MOST * sizeof *took);
  int fd = dial(address), count = 0;
  char byte = 'x';
  write_all(fd, "E", 1);
  double begin = now();
  for (int i = 0; count < MOST && (count < 100 || now() - begin < seconds); i++) {
    double sent = now();
    write_all(fd, &byte, 1);
    read_all(fd, &byte, 1);
    if (i >= WARM_UP) took[count++] = (now() - sent) * 1e6;
  }
  qsort(took, (size_t)count, sizeof *took, by_value);
  printf("{\"p50\":%.3f,\"p99\":%.3f}\n", took[count / 2], took[(int)(count * 0.99)]);
}

static void connections(const struct sockaddr_un *address, double seconds) {
  int count = 0;
  double begin = now(), took;
  do {
    char byte;
    int fd = dial(address);
    write_all(fd, "Ex", 2);
    read_all(fd, &byte, 1);
    close(fd);
    count += 1;
    took = now() - begin;
  } while (took < seconds);
  printf("{\"count\":%d,\"seconds\":%.6f}\n", count, took);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(argv[2]);
  if (argc != 4) return 2;
  struct sockaddr_un address = address_of(argv[2]);
  double seconds = atof(argv[3]) / 1000;
  if (strcmp(argv[1], "throughput") == 0) throughput(&address, seconds);
  else if (strcmp(argv[1], "latency") == 0) latency(&address, seconds);
  else if (strcmp(argv[1], "connections") == 0) connections(&address, seconds);
  else return 2;
  return 0;
}
