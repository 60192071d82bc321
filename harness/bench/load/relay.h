/*
 * A relay of sessions between a listener and a provider, which waits for whoever reads. A program
 * that includes it defines `carry`, and the events that it is called for.
 */
#include "common.h"

#define BLOCK 65536

/* The other socket of a session; 0 for none. */
static int peer_of[65536];

/* Pass on what has come from a side; false when the session is over. */
static int carry(int from);

static void end(int fd) {
  int other = peer_of[fd];
  peer_of[fd] = peer_of[other] = 0;
  close(fd);
  close(other);
}

static inline void watch(int epoll, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

static inline void begin(int epoll, int consumer, const struct sockaddr_un *provider, uint32_t events) {
  int onward = dial(provider);
  peer_of[consumer] = onward;
  peer_of[onward] = consumer;
  if (!carry(consumer)) {
    end(consumer);
    return;
  }
  watch(epoll, onward, events);
  watch(epoll, consumer, events);
}

static inline int relay(int argc, char **argv, uint32_t events) {
  if (argc != 3) return 2;
  signal(SIGPIPE, SIG_IGN);
  int listener = listen_at(argv[1]);
  struct sockaddr_un provider = address_of(argv[2]);
  int epoll = epoll_with(listener);
  for (;;) {
    struct epoll_event ready[64];
    int count = epoll_wait(epoll, ready, 64, -1);
    for (int i = 0; i < count; i++) {
      int fd = ready[i].data.fd;
      if (fd == listener) {
        int consumer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (consumer >= 0) begin(epoll, consumer, &provider, events);
      } else if (peer_of[fd] != 0 && !carry(fd)) {
        end(fd);
      }
    }
  }
}
