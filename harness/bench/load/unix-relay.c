/*
 * The least that a relay of byte streams can do: what no mediation, no limits and no counters
 * would cost. It carries one direction at a time and waits for whoever reads, so it is good for
 * the loads of unix-load.c and for nothing else.
 *
 *   unix-relay LISTEN PROVIDER
 */
#include "common.h"

#define BLOCK 65536

/* The other socket of a session; 0 for none. */
static int peer_of[65536];

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

/* Until the socket is empty; false when the session is over. */
static int carry(int from) {
  static char buffer[BLOCK];
  for (;;) {
    ssize_t count = recv(from, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return 1;
    if (count <= 0 || !send_all(peer_of[from], buffer, (size_t)count)) return 0;
    if ((size_t)count < sizeof buffer) return 1;
  }
}

static void end(int fd) {
  int other = peer_of[fd];
  peer_of[fd] = peer_of[other] = 0;
  close(fd);
  close(other);
}

static void begin(int epoll, int consumer, const struct sockaddr_un *provider) {
  int onward = dial(provider);
  peer_of[consumer] = onward;
  peer_of[onward] = consumer;
  if (!carry(consumer)) {
    end(consumer);
    return;
  }
  watch(epoll, onward);
  watch(epoll, consumer);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  signal(SIGPIPE, SIG_IGN);
  int listener = listen_at(argv[1]);
  struct sockaddr_un provider = address_of(argv[2]);
  int epoll = epoll_with(listener);
  for (;;) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        int consumer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (consumer >= 0) begin(epoll, consumer, &provider);
      } else if (peer_of[fd] != 0 && !carry(fd)) {
        end(fd);
      }
    }
  }
}
