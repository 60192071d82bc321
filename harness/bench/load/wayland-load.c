/*
 * Wayland: as much of a compositor as the loads need, and its loads, on the wire format itself.
 *
 *   wayland-load serve SOCKET
 *   wayland-load damage SOCKET MS        {"count":…,"seconds":…}   wl_surface.damage, pipelined
 *   wayland-load roundtrips SOCKET MS    {"count":…,"seconds":…}   wl_display.sync, one at a time
 *   wayland-load flooded SOCKET MS       the same, while another session sends damage
 */
#include "common.h"

enum { DISPLAY = 1, REGISTRY, CALLBACK, COMPOSITOR, SURFACE };
#define BATCH 170


static void head(uint32_t *to, uint32_t object, uint32_t opcode, uint32_t size) {
  to[0] = object;
  to[1] = size << 16 | opcode;
}

/* What one client has sent that is not dealt with. */
struct client {
  size_t have;
  char bytes[1 << 17];
};

static struct client *clients[65536];

/* False when the client has gone. */
static int deal(int fd, struct client *client) {
  size_t at = 0;
  while (client->have - at >= 8) {
    uint32_t message[3], size;
    memcpy(message, client->bytes + at, 8);
    size = message[1] >> 16;
    if (size < 8) return 0;
    if (client->have - at < size) break;
    if (message[0] == DISPLAY) {
      uint32_t id, reply[12];
      memcpy(&id, client->bytes + at + 8, 4);
      if ((message[1] & 0xffff) == 0) {
        head(reply, id, 0, 12);
        reply[2] = 0;
        head(reply + 3, DISPLAY, 1, 12);
        reply[5] = id;
        if (!send_all(fd, reply, 24)) return 0;
      } else {
        head(reply, id, 0, 36);
        reply[2] = 1;
        reply[3] = 14;
        memcpy(reply + 4, "wl_compositor\0\0", 16);
        reply[8] = 4;
        if (!send_all(fd, reply, 36)) return 0;
      }
    }
    at += size;
  }
  memmove(client->bytes, client->bytes + at, client->have - at);
  client->have -= at;
  return 1;
}

static int take(int fd) {
  struct client *client = clients[fd];
  ssize_t count = read(fd, client->bytes + client->have, sizeof client->bytes - client->have);
  if (count <= 0) return 0;
  client->have += (size_t)count;
  return deal(fd, client);
}

static void serve(const char *path) {
  int listener = listen_at(path), epoll = epoll_with(listener);
  for (;;) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        int made = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = made};
        if (made < 0) continue;
        clients[made] = calloc(1, sizeof *clients[made]);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, made, &event) != 0) die("epoll_ctl");
      } else if (!take(fd)) {
        free(clients[fd]);
        close(fd);
      }
    }
  }
}

static void sync_with(int fd) {
  uint32_t request[3], events[6];
  head(request, DISPLAY, 0, 12);
  request[2] = CALLBACK;
  write_all(fd, request, 12);
  read_all(fd, events, 24);
  errno = 0;
  if (events[0] != CALLBACK) die("sync");
}

/* A session with a surface. */
static int begin(const struct sockaddr_un *address) {
  int fd = dial(address);
  uint32_t request[12], global[9];
  head(request, DISPLAY, 1, 12);
  request[2] = REGISTRY;
  write_all(fd, request, 12);
  read_all(fd, global, 36);
  sync_with(fd);
  head(request, REGISTRY, 0, 40);
  request[2] = 1;
  request[3] = 14;
  memcpy(request + 4, "wl_compositor\0\0", 16);
  request[8] = 4;
  request[9] = COMPOSITOR;
  write_all(fd, request, 40);
  head(request, COMPOSITOR, 0, 12);
  request[2] = SURFACE;
  write_all(fd, request, 12);
  sync_with(fd);
  return fd;
}

static long damage(int fd, double until) {
  static uint32_t batch[BATCH * 6];
  long count = 0;
  for (int i = 0; i < BATCH; i++) {
    uint32_t *at = batch + i * 6;
    head(at, SURFACE, 2, 24);
    at[2] = at[3] = 0;
    at[4] = at[5] = 64;
  }
  while (now() < until) {
    write_all(fd, batch, sizeof batch);
    count += BATCH;
  }
  sync_with(fd);
  return count;
}

static long round_trips(int fd, double until) {
  long count = 0;
  for (; now() < until; count++) sync_with(fd);
  return count;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(argv[2]);
  if (argc != 4) return 2;
  struct sockaddr_un address = address_of(argv[2]);
  int fd = begin(&address), floods = strcmp(argv[1], "flooded") == 0;
  if (floods && fork() == 0) {
    damage(begin(&address), now() + atof(argv[3]) / 1e3);
    return 0;
  }
  double from = now(), until = from + atof(argv[3]) / 1e3;
  long count = strcmp(argv[1], "damage") == 0 ? damage(fd, until) : round_trips(fd, until);
  printf("{\"count\":%ld,\"seconds\":%f}\n", count, now() - from);
}
