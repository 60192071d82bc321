/* Ask the network manager for its state every five seconds, until the container is to stop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pantavisor.h"

#define LEN(text) (text), strlen(text)

static int print_info(void)
{
	struct pv_http_response response;
	char body[1024];
	uint32_t len;
	int error = pv_http_request(LEN("network-manager"), LEN("GET"), LEN("/info"), "", 0, "", 0, 5000,
				    &response);
	if (error) {
		printf("network-manager: %s\n", strerror(error));
		return error;
	}
	printf("network-manager: %u ", response.status);
	while (!(error = pv_http_read(response.handle, body, sizeof(body), &len)) && len > 0)
		fwrite(body, 1, len, stdout);
	printf("\n");
	pv_http_close(response.handle);
	return error;
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	while (print_info() != EINTR)
		sleep(5);
	return 0;
}
