/*
 * Input events: a device, and a reader that says when it may send more.
 *
 *   input-load serve SOCKET
 *   input-load events SOCKET DEVICE MS   {"count":…,"seconds":…}   events
 *   input-load latency SOCKET DEVICE MS  {"p50":…,"p99":…}         microseconds
 *
 * A stream of events goes one way and is never held back, so the reader asks for frames on a second
 * socket of the device, DEVICE.ask, past the relay: each u32 there is a number of frames to send.
 * A frame moves the pointer, REL_X by its own number; one that is lost or doubled is an error.
 */
#include "common.h"

#define FRAME_EVENTS 3
#define MOST 4096
#define WINDOW 1024

struct event {
  int64_t seconds, microseconds;
  uint16_t type, code;
  int32_t value;
};

/* Readers come one at a time; the newest is served. */
static int reader = -1;
static uint32_t sent;

static void send_frames(uint32_t frames) {
  static struct event events[MOST * FRAME_EVENTS];
  if (frames > MOST) frames = MOST;
  for (uint32_t i = 0; i < frames; i++, sent++) {
    events[i * FRAME_EVENTS] = (struct event){.type = 2, .code = 0, .value = (int32_t)sent};
    events[i * FRAME_EVENTS + 1] = (struct event){.type = 2, .code = 1, .value = -(int32_t)sent};
    events[i * FRAME_EVENTS + 2] = (struct event){0};
  }
  send_all(reader, events, frames * FRAME_EVENTS * sizeof *events);
}

static void serve(char *path) {
  static char ask_path[4096];
  snprintf(ask_path, sizeof ask_path, "%s.ask", path);
  int listener = listen_at(path);
  int asks = listen_at(strrchr(ask_path, '/') != NULL ? strrchr(ask_path, '/') + 1 : ask_path);
  int epoll = epoll_with(listener);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = asks};
  epoll_ctl(epoll, EPOLL_CTL_ADD, asks, &event);
  for (;;) {
    struct epoll_event ready;
    if (epoll_wait(epoll, &ready, 1, -1) != 1) continue;
    int fd = ready.data.fd;
    if (fd == listener) {
      if (reader >= 0) close(reader);
      reader = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
      /* The state: a key that is down, by which the reader knows that it is served. */
      struct event state[] = {{.type = 1, .code = 30, .value = 1}, {0}};
      send_all(reader, state, sizeof state);
    } else if (fd == asks) {
      event.data.fd = accept4(asks, NULL, NULL, SOCK_CLOEXEC);
      epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
    } else {
      uint32_t frames;
      if (read(fd, &frames, sizeof frames) == sizeof frames) send_frames(frames);
      else close(fd);
    }
  }
}

/* The next event of this type, code 0 unless it is a key. */
static int32_t next(int fd, uint16_t type) {
  static struct event events[WINDOW * FRAME_EVENTS];
  static size_t at, count, rest;
  for (;;) {
    for (; at < count; at++) {
      if (events[at].type == 0 && events[at].code != 0) die("events were lost");
      if (events[at].type == type && (type == 1 || events[at].code == 0)) return events[at++].value;
    }
    memmove(events, (char *)events + count * sizeof *events, rest);
    ssize_t got = read(fd, (char *)events + rest, sizeof events - rest);
    if (got == 0) errno = 0;
    if (got <= 0) die("read");
    at = 0;
    count = (rest + (size_t)got) / sizeof *events;
    rest = (rest + (size_t)got) % sizeof *events;
  }
}

static uint32_t received;

static void receive(int fd) {
  static int32_t last;
  int32_t value = next(fd, 2);
  if (received++ > 0 && value != last + 1) {
    errno = 0;
    die("a frame was lost or doubled");
  }
  last = value;
}

static void ask(int fd, uint32_t frames) { write_all(fd, &frames, sizeof frames); }

static void events(int fd, int asking, double seconds) {
  double begin = now();
  ask(asking, WINDOW);
  while (now() - begin < seconds) {
    ask(asking, WINDOW / 2);
    for (int i = 0; i < WINDOW / 2; i++) receive(fd);
  }
  printf("{\"count\":%u,\"seconds\":%.6f}\n", received * FRAME_EVENTS, now() - begin);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void latency(int fd, int asking, double seconds) {
  enum { MOST_TIMES = 1 << 20, WARM_UP = 100 };
  double *took = malloc(MOST_TIMES * sizeof *took), begin = now();
  int count = 0;
  for (int i = 0; count < MOST_TIMES && (count < 100 || now() - begin < seconds); i++) {
    double asked = now();
    ask(asking, 1);
    receive(fd);
    if (i >= WARM_UP) took[count++] = (now() - asked) * 1e6;
  }
  qsort(took, (size_t)count, sizeof *took, by_value);
  printf("{\"p50\":%.3f,\"p99\":%.3f}\n", took[count / 2], took[(int)(count * 0.99)]);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(argv[2]);
  if (argc != 5) return 2;
  char ask_path[4096];
  snprintf(ask_path, sizeof ask_path, "%s.ask", argv[3]);
  struct sockaddr_un address = address_of(ask_path);
  int asking = dial(&address);
  address = address_of(argv[2]);
  int fd = dial(&address);
  next(fd, 1);
  double seconds = atof(argv[4]) / 1000;
  if (strcmp(argv[1], "events") == 0) events(fd, asking, seconds);
  else if (strcmp(argv[1], "latency") == 0) latency(fd, asking, seconds);
  else return 2;
  return 0;
}
