/* A guest that does what its arguments say, one word after the other, and prints what it sees. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

#include "pantavisor.h"

#define PATIENCE 10000
#define LEN(text) (text), strlen(text)

static char buffer[65536];
/* Memory of a provider is laid over it. */
static unsigned char shared[2 * 65536] __attribute__((aligned(65536)));

static void print_errno(const char *what, int error)
{
	printf("%s: errno %d\n", what, error);
}

/* Prints the status, then the body as it is. */
static int http(const char *service, const char *method, const char *path, const char *headers,
		const char *body, int quiet)
{
	struct pv_http_response response;
	uint32_t len;
	int error = pv_http_request(LEN(service), LEN(method), LEN(path), LEN(headers), LEN(body),
				    PATIENCE, &response);
	if (error) {
		if (!quiet)
			print_errno("request", error);
		return error;
	}
	if (!quiet)
		printf("status %u\n", response.status);
	while (!(error = pv_http_read(response.handle, buffer, sizeof(buffer), &len)) && len > 0)
		if (!quiet)
			fwrite(buffer, 1, len, stdout);
	pv_http_close(response.handle);
	if (error)
		print_errno("read", error);
	else if (!quiet)
		printf("\n");
	return error;
}

static void http_headers(const char *service, const char *path)
{
	struct pv_http_response response;
	uint32_t len;
	int error = pv_http_request(LEN(service), LEN("GET"), LEN(path), "", 0, "", 0, PATIENCE,
				    &response);
	if (error) {
		print_errno("request", error);
		return;
	}
	if (!(error = pv_http_headers(response.handle, buffer, sizeof(buffer), &len)))
		printf("%.*s", (int)len, buffer);
	pv_http_close(response.handle);
}

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Microseconds of one call, the median of so many. */
static void bench(const char *service, const char *path, int count)
{
	int *costs = malloc(sizeof(int) * (size_t)count);
	int failed = 0;
	for (int i = 0; i < count; i++) {
		int64_t begun = now();
		failed += http(service, "GET", path, "", "", 1) != 0;
		costs[i] = (int)(now() - begun);
	}
	qsort(costs, (size_t)count, sizeof(int), compare);
	printf("calls %d failed %d median %d us\n", count, failed, costs[count / 2]);
	free(costs);
}

/* A call without arguments, or with one string. */
static void dbus(const char *service, const char *head, const char *text)
{
	struct pv_dbus_message reply;
	uint32_t len = 0, body = 0;
	char signature[] = "s";
	char names[256];
	size_t head_len = strlen(head);
	for (size_t i = 0; i < head_len; i++)
		names[i] = head[i] == ',' ? 0 : head[i];
	if (*text) {
		body = (uint32_t)strlen(text);
		memcpy(buffer, &body, 4);
		strcpy(buffer + 4, text);
		body += 5;
	}
	int error = pv_dbus_call(LEN(service), names, head_len, signature, *text ? 1 : 0, buffer, body,
				 PATIENCE, &reply);
	printf("call: errno %d\n", error);
	if (error && error != EIO)
		return;
	if (!pv_dbus_head(reply.handle, buffer, sizeof(buffer), &len)) {
		for (uint32_t i = 0; i < len; i++)
			if (!buffer[i])
				buffer[i] = ',';
		printf("head %.*s\n", (int)len, buffer);
	}
	if (!pv_dbus_read(reply.handle, buffer, sizeof(buffer), &len) && len >= 4)
		printf("string %s\n", buffer + 4);
	pv_dbus_close(reply.handle);
}

static void dbus_match(const char *service, const char *rule)
{
	struct pv_dbus_message signal;
	uint32_t match, len;
	int error = pv_dbus_match(LEN(service), LEN(rule), &match);
	print_errno("match", error);
	fflush(stdout);
	if (error)
		return;
	error = pv_dbus_next(match, 60000, &signal);
	print_errno("next", error);
	if (!error && !pv_dbus_head(signal.handle, buffer, sizeof(buffer), &len)) {
		for (uint32_t i = 0; i < len; i++)
			if (!buffer[i])
				buffer[i] = ',';
		printf("signal %.*s\n", (int)len, buffer);
	}
}

static void map(const char *service, uint32_t flags)
{
	uint32_t size = 0;
	int error = pv_map_shared_memory(LEN(service), shared, sizeof(shared), flags, &size);
	printf("map: errno %d size %u\n", error, size);
	if (error)
		return;
	printf("seen %.5s\n", shared);
	if (flags & PV_SHM_WRITE)
		memcpy(shared + 5, " guest", 6);
}

static void map_badly(const char *service)
{
	uint32_t size;
	void *behind = (void *)(__builtin_wasm_memory_size(0) * 65536);
	void *last = (void *)(__builtin_wasm_memory_size(0) * 65536 - 65536);
	print_errno("behind the memory", pv_map_shared_memory(LEN(service), behind, 65536, 0, &size));
	print_errno("over its end", pv_map_shared_memory(LEN(service), last, 2 * 65536, 0, &size));
	print_errno("wrapping", pv_map_shared_memory(LEN(service), (void *)0xffff0000u, 0xffffffffu,
						     0, &size));
	print_errno("unaligned", pv_map_shared_memory(LEN(service), shared + 4096, 65536, 0, &size));
	print_errno("too small", pv_map_shared_memory(LEN(service), shared, 100, 0, &size));
}

static void copy(const char *service)
{
	uint64_t size = 0;
	print_errno("size", pv_shm_size(LEN(service), &size));
	printf("bytes %llu\n", (unsigned long long)size);
	int error = pv_shm_read(LEN(service), 0, buffer, 5);
	printf("read: errno %d %.5s\n", error, buffer);
	print_errno("write", pv_shm_write(LEN(service), 5, " guest", 6));
	print_errno("beyond", pv_shm_read(LEN(service), size, buffer, 1));
}

/* Each range that is not in the memory is refused before anything happens. */
static void bad_pointers(void)
{
	__wasi_size_t written;
	__wasi_ciovec_t *nowhere = (void *)0xfffffff0u;
	__wasi_ciovec_t range = { (void *)0xfffffff0u, 0x20 };
	print_errno("count that wraps", __wasi_fd_write(1, (void *)buffer, 0x40000000, &written));
	print_errno("table outside", __wasi_fd_write(1, nowhere, 4, &written));
	print_errno("range outside", __wasi_fd_write(1, &range, 1, &written));
	print_errno("result outside", __wasi_fd_write(1, &range, 0, (void *)0xfffffffeu));
	print_errno("random outside", __wasi_random_get((void *)0xfffffff0u, 0x20));
	print_errno("no such file", __wasi_fd_close(7));
	print_errno("service outside", pv_http_close(99));
}

static void grow(void)
{
	size_t pages = __builtin_wasm_memory_size(0);
	while (__builtin_wasm_memory_grow(0, 16) != (size_t)-1)
		pages += 16;
	printf("pages %zu\n", pages);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		if (!strcmp(word, "print"))
			printf("%s\n", argv[++i]);
		else if (!strcmp(word, "env"))
			printf("%s=%s\n", argv[i + 1], getenv(argv[i + 1])), i++;
		else if (!strcmp(word, "ready"))
			print_errno("ready", pv_ready());
		else if (!strcmp(word, "exit"))
			__wasi_proc_exit((unsigned)atoi(argv[++i]));
		else if (!strcmp(word, "sleep"))
			sleep((unsigned)atoi(argv[++i]));
		else if (!strcmp(word, "loop"))
			for (volatile int forever = 0;;)
				forever++;
		else if (!strcmp(word, "trap"))
			__builtin_trap();
		else if (!strcmp(word, "grow"))
			grow();
		else if (!strcmp(word, "pointers"))
			bad_pointers();
		else if (!strcmp(word, "get"))
			http(argv[i + 1], "GET", argv[i + 2], "", "", 0), i += 2;
		else if (!strcmp(word, "post"))
			http(argv[i + 1], "POST", argv[i + 2], argv[i + 3], argv[i + 4], 0), i += 4;
		else if (!strcmp(word, "headers"))
			http_headers(argv[i + 1], argv[i + 2]), i += 2;
		else if (!strcmp(word, "bench"))
			bench(argv[i + 1], argv[i + 2], atoi(argv[i + 3])), i += 3;
		else if (!strcmp(word, "call"))
			dbus(argv[i + 1], argv[i + 2], argv[i + 3]), i += 3;
		else if (!strcmp(word, "match"))
			dbus_match(argv[i + 1], argv[i + 2]), i += 2;
		else if (!strcmp(word, "map"))
			map(argv[i + 1], (uint32_t)atoi(argv[i + 2])), i += 2;
		else if (!strcmp(word, "store"))
			shared[0] = 'x', printf("stored\n");
		else if (!strcmp(word, "map-badly"))
			map_badly(argv[++i]);
		else if (!strcmp(word, "copy"))
			copy(argv[++i]);
		else
			printf("no such word: %s\n", word);
	}
	return 0;
}
