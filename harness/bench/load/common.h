/* What the load programs share. They are C so that the load is never the bottleneck. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static inline void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, errno ? strerror(errno) : "unexpected answer");
  exit(1);
}

static inline double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Go to the socket's folder, so that every relay is reached by a short relative name and the
   cost of looking up a path is the same for all. */
static inline struct sockaddr_un address_of(const char *path) {
  static char folder[4096];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *slash = strrchr(path, '/');
  if (slash != NULL) {
    snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
    if (chdir(folder) != 0) die(folder);
    path = slash + 1;
  }
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  return address;
}

static inline int dial(const struct sockaddr_un *address) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) die("connect");
  return fd;
}

static inline int listen_at(const char *path) {
  struct sockaddr_un address = address_of(path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) die("socket");
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  if (listen(fd, 4096) != 0) die("listen");
  return fd;
}

/* A new epoll instance that tells of connections at this listener, as of descriptor `listener`. */
static inline int epoll_with(int listener) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) die("epoll_ctl");
  return epoll;
}

/* False when the other side has gone: for a provider, which outlives its clients. */
static inline int send_all(int fd, const void *bytes, size_t size) {
  const char *at = bytes;
  while (size > 0) {
    ssize_t count = write(fd, at, size);
    if (count < 0) return 0;
    at += count;
    size -= (size_t)count;
  }
  return 1;
}

static inline void write_all(int fd, const void *bytes, size_t size) {
  if (!send_all(fd, bytes, size)) die("write");
}

static inline void read_all(int fd, void *bytes, size_t size) {
  char *at = bytes;
  while (size > 0) {
    ssize_t count = read(fd, at, size);
    if (count == 0) errno = 0;
    if (count <= 0) die("read");
    at += count;
    size -= (size_t)count;
  }
}
