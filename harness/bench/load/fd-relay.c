/*
 * The least that a relay of byte streams with file descriptors can do: recvmsg, sendmsg, no
 * parsing. As unix-relay, it waits for whoever reads.
 *
 *   fd-relay LISTEN PROVIDER
 */
#include "relay.h"

#define MOST_FDS 253

static int carry(int from) {
  static char buffer[BLOCK];
  static union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(MOST_FDS * sizeof(int))];
  } control;
  struct iovec bytes = {buffer, sizeof buffer};
  struct msghdr message = {
    .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t count = recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) return errno == EAGAIN;
  if (count == 0) return 0;
  bytes.iov_len = (size_t)count;
  if (message.msg_controllen == 0) message.msg_control = NULL;
  ssize_t sent = sendmsg(peer_of[from], &message, MSG_NOSIGNAL);
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
  if (rights != NULL) {
    int *fds = (int *)(void *)CMSG_DATA(rights);
    for (size_t i = 0; i < (rights->cmsg_len - CMSG_LEN(0)) / sizeof *fds; i++) close(fds[i]);
  }
  return sent >= 0 && send_all(peer_of[from], buffer + sent, (size_t)(count - sent));
}

int main(int argc, char **argv) {
  return relay(argc, argv, EPOLLIN | EPOLLRDHUP);
}
