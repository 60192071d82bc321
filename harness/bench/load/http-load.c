/*
 * HTTP/1.1 with keep-alive: a provider and its load.
 *
 *   http-load serve SOCKET
 *   http-load requests SOCKET MS CONNECTIONS IDENTITY
 *       {"count":…,"seconds":…,"violations":…}
 *
 * The provider answers with what it was asked and as whom: `PATH CLIENT ROLE COUNT`, COUNT being
 * how many X-PV-* headers there were. The load forges an identity in every request. IDENTITY is
 * what the answer must say then (`client role 2`), or `-` where nobody mediates; every answer
 * that is another one, or not to this connection's own request, is a violation.
 */
#include "common.h"

#define SIZE 16384

struct connection {
  int fd;
  size_t length;
  unsigned sequence;
  char buffer[SIZE];
};

/* The end of the head in the buffer, or 0. */
static size_t head_end(const struct connection *c) {
  const char *end = memmem(c->buffer, c->length, "\r\n\r\n", 4);
  return end == NULL ? 0 : (size_t)(end - c->buffer) + 4;
}

static void take(struct connection *c, size_t size) {
  memmove(c->buffer, c->buffer + size, c->length - size);
  c->length -= size;
}

/* Copy the value of the last header with this name; returns how many there are. */
static int header(const char *head, size_t size, const char *name, char *value, size_t most) {
  int count = 0;
  size_t length = strlen(name);
  const char *end = head + size;
  snprintf(value, most, "-");
  for (const char *line = head; line < end;) {
    const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2);
    if (stop == NULL) break;
    if ((size_t)(stop - line) > length && line[length] == ':' &&
        strncasecmp(line, name, length) == 0) {
      const char *from = line + length + 1;
      while (*from == ' ') from++;
      snprintf(value, most, "%.*s", (int)(stop - from), from);
      count += 1;
    }
    line = stop + 2;
  }
  return count;
}

static int answer(struct connection *c) {
  ssize_t count = read(c->fd, c->buffer + c->length, SIZE - c->length);
  if (count <= 0) return 0;
  c->length += (size_t)count;
  for (size_t size; (size = head_end(c)) > 0; take(c, size)) {
    char client[128], role[128], path[128] = "", body[512], response[1024];
    int headers = header(c->buffer, size, "x-pv-client", client, sizeof client) +
                  header(c->buffer, size, "x-pv-role", role, sizeof role);
    sscanf(c->buffer, "%*15s %127s", path);
    int length = snprintf(body, sizeof body, "%s %s %s %d", path, client, role, headers);
    length = snprintf(response, sizeof response,
                      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
                      length, body);
    if (!send_all(c->fd, response, (size_t)length)) return 0;
  }
  return c->length < SIZE;
}

static void watch(int epoll, int fd, void *data) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

static void serve(const char *path) {
  int listener = listen_at(path);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener, NULL);
  for (;;) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (c != NULL) {
        if (answer(c)) continue;
        close(c->fd);
        free(c);
        continue;
      }
      int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
      if (fd < 0) continue;
      c = calloc(1, sizeof *c);
      c->fd = fd;
      watch(epoll, fd, c);
    }
  }
}

static void ask(struct connection *c) {
  char request[512];
  c->sequence += 1;
  int length = snprintf(request, sizeof request,
                        "GET /%d/%u HTTP/1.1\r\nHost: localhost\r\nUser-Agent: http-load\r\n"
                        "Accept: */*\r\nX-PV-Role: forged\r\nx-pv-client: forged\r\n\r\n",
                        c->fd, c->sequence);
  write_all(c->fd, request, (size_t)length);
}

/* 1: a whole answer was taken from the buffer; `right` says whether it is the one. */
static int answered(struct connection *c, const char *identity, int *right) {
  size_t head = head_end(c);
  if (head == 0) return 0;
  char text[32], expected[512];
  errno = 0;
  if (header(c->buffer, head, "content-length", text, sizeof text) != 1) die("no content-length");
  size_t body = (size_t)atoi(text);
  if (head + body > SIZE) die("answer too long");
  if (c->length < head + body) return 0;
  int length = strcmp(identity, "-") == 0
                   ? snprintf(expected, sizeof expected, "/%d/%u ", c->fd, c->sequence)
                   : snprintf(expected, sizeof expected, "/%d/%u %s", c->fd, c->sequence, identity);
  int exact = strcmp(identity, "-") == 0 || body == (size_t)length;
  *right = strncmp(c->buffer, "HTTP/1.1 200 ", 13) == 0 && exact && body >= (size_t)length &&
           memcmp(c->buffer + head, expected, (size_t)length) == 0;
  take(c, head + body);
  return 1;
}

static void requests(const char *path, double seconds, int connections, const char *identity) {
  struct sockaddr_un address = address_of(path);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < connections; i++) {
    struct connection *c = calloc(1, sizeof *c);
    c->fd = dial(&address);
    watch(epoll, c->fd, c);
    ask(c);
  }
  unsigned long count = 0, violations = 0;
  double begin = now(), took = 0;
  while (took < seconds) {
    struct epoll_event events[64];
    int ready = epoll_wait(epoll, events, 64, 10000);
    errno = 0;
    if (ready == 0) die("no answer for 10 s");
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      ssize_t got = read(c->fd, c->buffer + c->length, SIZE - c->length);
      if (got == 0) errno = 0;
      if (got <= 0) die("read");
      c->length += (size_t)got;
      int right;
      if (!answered(c, identity, &right)) continue;
      count += 1;
      /* One request at a time: bytes behind its answer belong to nobody. */
      violations += !right || c->length > 0;
      ask(c);
    }
    took = now() - begin;
  }
  printf("{\"count\":%lu,\"seconds\":%.6f,\"violations\":%lu}\n", count, took, violations);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(argv[2]);
  if (argc != 6 || strcmp(argv[1], "requests") != 0) return 2;
  requests(argv[2], atof(argv[3]) / 1000, atoi(argv[4]), argv[5]);
  return 0;
}
