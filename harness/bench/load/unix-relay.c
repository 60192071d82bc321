/*
 * The least that a relay of byte streams can do: what no mediation, no limits and no counters
 * would cost. It carries one direction at a time and waits for whoever reads, so it is good for
 * the loads of unix-load.c and for nothing else.
 *
 *   unix-relay LISTEN PROVIDER
 */
#include "relay.h"

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

int main(int argc, char **argv) {
  return relay(argc, argv, EPOLLIN | EPOLLRDHUP | EPOLLET);
}
