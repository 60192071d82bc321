/*
 * The least that a relay of byte streams with file descriptors can do: recvmsg, sendmsg, no
 * parsing. As unix-relay, it waits for whoever reads.
 *
 *   fd-relay LISTEN PROVIDER
 */
#include "common.h"

#define BLOCK 65536
#define MOST_FDS 253

/* The other socket of a session; 0 for none. */
static int peer_of[65536];

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

/* False when the session is over. */
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

static void end(int fd) {
  int other = peer_of[fd];
  peer_of[fd] = peer_of[other] = 0;
  close(fd);
  close(other);
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
        if (consumer < 0) continue;
        int onward = dial(&provider);
        peer_of[consumer] = onward;
        peer_of[onward] = consumer;
        watch(epoll, onward);
        watch(epoll, consumer);
      } else if (peer_of[fd] != 0 && !carry(fd)) {
        end(fd);
      }
    }
  }
}
