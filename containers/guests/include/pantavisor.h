/*
 * Host modules of Pantavisor for WebAssembly guests, ABI version 1 (docs/wasm.md).
 *
 * Each function returns 0 or an errno of WASI preview 1, the numbers of wasi-libc's <errno.h>.
 * Text is given with its length and without a NUL. Times are milliseconds. Nothing that a pointer
 * leads to is used after the call.
 *
 *   EACCES        2  refused by a role or a seal     EINVAL    28  wrong argument
 *   EAGAIN        6  nothing, or no link, yet        EIO       29  the other side's error
 *   EBADF         8  no such handle                  EMFILE    33  64 handles are open
 *   ECONNREFUSED 14  the provider does not listen    EMSGSIZE  35  more than fits
 *   ECONNRESET   15  the link has ended              ENOENT    44  the manifest declares no such service
 *   EFAULT       21  a range outside of the memory   ENOTSUP   58  not on this engine
 *   EINTR        27  the container is to stop        EPROTO    65  not the protocol
 *                                                    ETIMEDOUT 73  not in that time
 */
#ifndef PANTAVISOR_H
#define PANTAVISOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PV_IMPORT(module, name) \
	__attribute__((import_module(module), import_name(name)))

/* Module pantavisor: always granted. */

/* The version of these host modules: 1. */
PV_IMPORT("pantavisor", "abi_version")
uint32_t pv_abi_version(void);

/* The container is ready: reaches its status goal READY. */
PV_IMPORT("pantavisor", "ready")
int pv_ready(void);

/* Module pantavisor_http: granted by a service of type rest. */

struct pv_http_response {
	uint32_t handle;
	uint32_t status;
	uint32_t header_bytes;
};

/*
 * Send a request to a service of run.json and read the head of its response. Headers are lines
 * "name: value\n". The timeout holds for the whole call, and for each pv_http_read() after it.
 */
PV_IMPORT("pantavisor_http", "request")
int pv_http_request(const char *service, size_t service_len, const char *method, size_t method_len,
		    const char *path, size_t path_len, const char *headers, size_t headers_len,
		    const void *body, size_t body_len, uint32_t timeout,
		    struct pv_http_response *out);

struct pv_http_incoming {
	uint32_t handle;
	uint32_t head_bytes;
};

/* Wait for a request to a service of services.json. */
PV_IMPORT("pantavisor_http", "accept")
int pv_http_accept(const char *service, size_t service_len, uint32_t timeout,
		   struct pv_http_incoming *out);

/* Answer it; that ends its handle. */
PV_IMPORT("pantavisor_http", "respond")
int pv_http_respond(uint32_t handle, uint32_t status, const char *headers, size_t headers_len,
		    const void *body, size_t body_len);

/*
 * The head: lines "name: value\n" with names in lower case, for an incoming request behind the
 * line "METHOD /path\n". With too little room: EMSGSIZE, and the length that it needs.
 */
PV_IMPORT("pantavisor_http", "headers")
int pv_http_headers(uint32_t handle, char *buf, size_t cap, uint32_t *len);

/* The next bytes of the body; 0 at its end. */
PV_IMPORT("pantavisor_http", "read")
int pv_http_read(uint32_t handle, void *buf, size_t cap, uint32_t *len);

PV_IMPORT("pantavisor_http", "close")
int pv_http_close(uint32_t handle);

/* Module pantavisor_dbus: granted by a service of type dbus. */

struct pv_dbus_message {
	uint32_t handle;
	uint32_t body_bytes;
	uint32_t head_bytes;
};

/*
 * Call a method. The head is "destination\0path\0interface\0member\0", the body little-endian D-Bus of
 * this signature. EIO: the reply is an error, whose name is in its head; it has a handle too.
 */
PV_IMPORT("pantavisor_dbus", "call")
int pv_dbus_call(const char *service, size_t service_len, const char *head, size_t head_len,
		 const char *signature, size_t signature_len, const void *body, size_t body_len,
		 uint32_t timeout, struct pv_dbus_message *out);

/* Ask the bus for messages that match a rule; pv_dbus_next() gives them. */
PV_IMPORT("pantavisor_dbus", "match")
int pv_dbus_match(const char *service, size_t service_len, const char *rule, size_t rule_len,
		  uint32_t *handle);

/* Wait for the next signal of a match. */
PV_IMPORT("pantavisor_dbus", "next")
int pv_dbus_next(uint32_t match, uint32_t timeout, struct pv_dbus_message *out);

/* "sender\0path\0interface\0member\0error\0signature\0", each of them possibly empty. */
PV_IMPORT("pantavisor_dbus", "head")
int pv_dbus_head(uint32_t handle, char *buf, size_t cap, uint32_t *len);

/* The next bytes of the body; 0 at its end. */
PV_IMPORT("pantavisor_dbus", "read")
int pv_dbus_read(uint32_t handle, void *buf, size_t cap, uint32_t *len);

PV_IMPORT("pantavisor_dbus", "close")
int pv_dbus_close(uint32_t handle);

/* Module pantavisor_shm: granted by a service of type unix, whose provider sends a memfd. */

#define PV_SHM_WRITE 1u

/*
 * Lay the provider's memory over [address, address + its size), which has to be inside the guest's
 * memory, not larger than capacity, and to begin at a multiple of 64 KiB. Without PV_SHM_WRITE a
 * store there ends the guest. EACCES: the provider may shrink it (no F_SEAL_SHRINK), or it is sealed
 * against writing.
 */
PV_IMPORT("pantavisor_shm", "pv_map_shared_memory")
int pv_map_shared_memory(const char *service, size_t service_len, void *address, size_t capacity,
			 uint32_t flags, uint32_t *size);

/* Afterwards the memory there is zero. */
PV_IMPORT("pantavisor_shm", "pv_unmap_shared_memory")
int pv_unmap_shared_memory(void *address);

/* The same memory by copies, where mapping is ENOTSUP. */
PV_IMPORT("pantavisor_shm", "shm_size")
int pv_shm_size(const char *service, size_t service_len, uint64_t *size);

PV_IMPORT("pantavisor_shm", "shm_read")
int pv_shm_read(const char *service, size_t service_len, uint64_t offset, void *buf, size_t len);

PV_IMPORT("pantavisor_shm", "shm_write")
int pv_shm_write(const char *service, size_t service_len, uint64_t offset, const void *buf,
		 size_t len);

#ifdef __cplusplus
}
#endif

#endif
