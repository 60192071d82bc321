/*
 * D-Bus: an echo service and its loads, on the wire format itself (D-Bus specification, "Message
 * Protocol"): little endian, one array of bytes as body.
 *
 *   dbus-load serve SOCKET                     owns NAME, prints "ready"
 *   dbus-load calls SOCKET MS IN_FLIGHT BODY   {"count":…,"seconds":…}
 *   dbus-load connections SOCKET MS            {"count":…,"seconds":…}   up to Hello's answer
 */
#include "common.h"

#define NAME "org.pvh.Bench"
#define MOST (1 << 20)

enum { CALL = 1, RETURN = 2 };
enum { PATH = 1, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE };

struct message {
  char bytes[MOST];
  size_t size;
};

static size_t align(size_t at, size_t to) { return (at + to - 1) & ~(to - 1); }

static void put_u32(struct message *m, size_t at, uint32_t value) {
  memcpy(m->bytes + at, &value, 4);
}

static uint32_t get_u32(const char *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return value;
}

static void begin(struct message *m, char type, uint32_t serial) {
  memset(m->bytes, 0, 16);
  m->bytes[0] = 'l';
  m->bytes[1] = type;
  m->bytes[3] = 1;
  put_u32(m, 8, serial);
  m->size = 16;
}

static void field(struct message *m, char code, char type, const char *text) {
  size_t padded = align(m->size, 8), length = strlen(text);
  memset(m->bytes + m->size, 0, padded - m->size);
  char *at = m->bytes + padded;
  *at++ = code;
  *at++ = 1;
  *at++ = type;
  *at++ = 0;
  if (type == 'g') {
    *at++ = (char)length;
  } else {
    put_u32(m, (size_t)(at - m->bytes), (uint32_t)length);
    at += 4;
  }
  memcpy(at, text, length + 1);
  m->size = (size_t)(at - m->bytes) + length + 1;
}

static void reply_to(struct message *m, uint32_t serial) {
  size_t at = align(m->size, 8);
  memset(m->bytes + m->size, 0, at - m->size);
  memcpy(m->bytes + at, "\5\1u\0", 4);
  put_u32(m, at + 4, serial);
  m->size = at + 8;
}

static void end(struct message *m, const void *body, size_t size) {
  size_t at = align(m->size, 8);
  put_u32(m, 12, (uint32_t)(m->size - 16));
  memset(m->bytes + m->size, 0, at - m->size);
  if (size > 0) memcpy(m->bytes + at, body, size);
  put_u32(m, 4, (uint32_t)size);
  m->size = at + size;
}

static void call(struct message *m, uint32_t serial, const char *name, const char *member) {
  int bus = strcmp(name, "org.freedesktop.DBus") == 0;
  begin(m, CALL, serial);
  field(m, PATH, 'o', bus ? "/org/freedesktop/DBus" : "/");
  field(m, INTERFACE, 's', name);
  field(m, MEMBER, 's', member);
  field(m, DESTINATION, 's', name);
}

/* Buffered reading: many small messages arrive together. */
struct reader {
  int fd;
  size_t from, to;
  char bytes[2 * MOST];
};

static const char *need(struct reader *r, size_t size) {
  if (r->from + size > sizeof r->bytes || r->from == r->to) {
    memmove(r->bytes, r->bytes + r->from, r->to - r->from);
    r->to -= r->from;
    r->from = 0;
  }
  while (r->to - r->from < size) {
    ssize_t count = read(r->fd, r->bytes + r->to, sizeof r->bytes - r->to);
    if (count == 0) errno = 0;
    if (count <= 0) die("read");
    r->to += (size_t)count;
  }
  return r->bytes + r->from;
}

/* The next message, in the reader's buffer. */
static const char *next(struct reader *r, size_t *size) {
  const char *head = need(r, 16);
  *size = align(16 + get_u32(head + 12), 8) + get_u32(head + 4);
  errno = 0;
  if (*size > MOST) die("message too long");
  const char *message = need(r, *size);
  r->from += *size;
  return message;
}

static void expect_line(int fd, const char *one, const char *other) {
  char line[512];
  size_t length = 0;
  while (length < 2 || memcmp(line + length - 2, "\r\n", 2) != 0) {
    if (length == sizeof line - 1) die("long line");
    read_all(fd, line + length++, 1);
  }
  line[length] = 0;
  errno = 0;
  if (strncmp(line, one, strlen(one)) != 0 && strncmp(line, other, strlen(other)) != 0) die(line);
}

/* The answer to a call of ours; everything else on the way is passed over. */
static const char *await(struct reader *r, uint32_t serial, size_t *size) {
  for (;;) {
    const char *m = next(r, size);
    if (m[1] != RETURN && m[1] != 3) continue;
    size_t at = 16, stop = 16 + get_u32(m + 12);
    while (at < stop) {
      at = align(at, 8);
      char code = m[at], type = m[at + 2];
      at += 4;
      if (code == REPLY_SERIAL && get_u32(m + at) == serial) {
        errno = 0;
        if (m[1] != RETURN) die("the call was answered by an error");
        return m;
      }
      at += type == 'u' ? 4 : type == 'g' ? (size_t)(unsigned char)m[at] + 2 : get_u32(m + at) + 5;
    }
  }
}

/* As libdbus does it, line by line, with the offer to pass fds. */
static void log_in(struct reader *r, const struct sockaddr_un *address) {
  static struct message hello;
  char line[64], digits[16];
  size_t size;
  r->fd = dial(address);
  r->from = r->to = 0;
  snprintf(digits, sizeof digits, "%d", (int)getuid());
  int length = 1 + snprintf(line + 1, sizeof line - 1, "AUTH EXTERNAL ");
  line[0] = 0;
  for (char *digit = digits; *digit; digit++) {
    length += snprintf(line + length, sizeof line - (size_t)length, "%02x", *digit);
  }
  length += snprintf(line + length, sizeof line - (size_t)length, "\r\n");
  write_all(r->fd, line, (size_t)length);
  expect_line(r->fd, "OK ", "OK ");
  write_all(r->fd, "NEGOTIATE_UNIX_FD\r\n", 19);
  expect_line(r->fd, "AGREE_UNIX_FD", "ERROR");
  write_all(r->fd, "BEGIN\r\n", 7);
  call(&hello, 1, "org.freedesktop.DBus", "Hello");
  end(&hello, NULL, 0);
  write_all(r->fd, hello.bytes, hello.size);
  await(r, 1, &size);
}

static void serve(const struct sockaddr_un *address) {
  static struct reader r;
  static struct message m;
  char body[64];
  size_t size;
  log_in(&r, address);
  call(&m, 2, "org.freedesktop.DBus", "RequestName");
  field(&m, SIGNATURE, 'g', "su");
  uint32_t length = sizeof NAME - 1;
  memset(body, 0, sizeof body);
  memcpy(body, &length, 4);
  memcpy(body + 4, NAME, length);
  end(&m, body, align(4 + length + 1, 4) + 4);
  write_all(r.fd, m.bytes, m.size);
  await(&r, 2, &size);
  puts("ready");
  fflush(stdout);
  for (uint32_t serial = 3;; serial++) {
    const char *in = next(&r, &size);
    if (in[1] != CALL) continue;
    size_t at = 16, stop = 16 + get_u32(in + 12);
    const char *sender = NULL;
    while (at < stop) {
      at = align(at, 8);
      char code = in[at], type = in[at + 2];
      at += 4;
      if (code == SENDER) sender = in + at + 4;
      at += type == 'u' ? 4 : type == 'g' ? (size_t)(unsigned char)in[at] + 2 : get_u32(in + at) + 5;
    }
    if (sender == NULL) continue;
    begin(&m, RETURN, serial);
    reply_to(&m, get_u32(in + 8));
    field(&m, DESTINATION, 's', sender);
    field(&m, SIGNATURE, 'g', "ay");
    end(&m, in + align(stop, 8), get_u32(in + 4));
    write_all(r.fd, m.bytes, m.size);
  }
}

static void calls(const struct sockaddr_un *address, double seconds, unsigned depth, uint32_t size) {
  static struct reader r;
  static struct message m;
  static char body[MOST];
  uint32_t sent = 2, answered = 2;
  memcpy(body, &size, 4);
  log_in(&r, address);
  double began = now(), took = 0;
  while (took < seconds || answered < sent) {
    while (took < seconds && sent - answered < depth) {
      call(&m, sent++, NAME, "Echo");
      field(&m, SIGNATURE, 'g', "ay");
      end(&m, body, 4 + size);
      write_all(r.fd, m.bytes, m.size);
    }
    size_t got;
    const char *in = await(&r, answered++, &got);
    errno = 0;
    if (get_u32(in + 4) != 4 + size) die("another body came back");
    took = now() - began;
  }
  printf("{\"count\":%u,\"seconds\":%.6f}\n", answered - 2, took);
}

static void connections(const struct sockaddr_un *address, double seconds) {
  static struct reader r;
  int count = 0;
  double began = now(), took;
  do {
    log_in(&r, address);
    close(r.fd);
    count += 1;
    took = now() - began;
  } while (took < seconds);
  printf("{\"count\":%d,\"seconds\":%.6f}\n", count, took);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc < 3) return 2;
  struct sockaddr_un address = address_of(argv[2]);
  if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(&address);
  else if (argc == 6 && strcmp(argv[1], "calls") == 0)
    calls(&address, atof(argv[3]) / 1000, (unsigned)atoi(argv[4]), (uint32_t)atoi(argv[5]));
  else if (argc == 4 && strcmp(argv[1], "connections") == 0)
    connections(&address, atof(argv[3]) / 1000);
  else return 2;
  return 0;
}
