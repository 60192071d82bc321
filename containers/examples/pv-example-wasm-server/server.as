// Greet each client by the name that the broker gives it: GET /hello. AssemblyScript.

@external("pantavisor_http", "accept")
declare function accept(service: usize, serviceLen: usize, timeout: u32, out: usize): u32;
@external("pantavisor_http", "headers")
declare function headers(handle: u32, buf: usize, cap: usize, len: usize): u32;
@external("pantavisor_http", "respond")
declare function respond(
  handle: u32,
  status: u32,
  headers: usize,
  headersLen: usize,
  body: usize,
  bodyLen: usize,
): u32;

const EAGAIN: u32 = 6;
const EINTR: u32 = 27;
const SERVICE = String.UTF8.encode("greeter");
const JSON = String.UTF8.encode("content-type: application/json\n");
/** handle and bytes of the head, as accept writes them */
const incoming = new StaticArray<u32>(2);
const head = new ArrayBuffer(16384);

/** The value of a header in lines "name: value", after the first line. */
function valueOf(lines: string[], name: string): string {
  for (let at = 1; at < lines.length; at++) {
    if (lines[at].startsWith(name + ": ")) return lines[at].substring(name.length + 2);
  }
  return "";
}

function answer(handle: u32, status: u32, text: string): void {
  const body = String.UTF8.encode(text);
  respond(
    handle,
    status,
    changetype<usize>(JSON),
    JSON.byteLength,
    changetype<usize>(body),
    body.byteLength,
  );
}

/** @returns false once the container is to stop */
function serve(): bool {
  const error = accept(
    changetype<usize>(SERVICE),
    SERVICE.byteLength,
    60000,
    changetype<usize>(incoming),
  );
  if (error == EINTR) return false;
  if (error == EAGAIN) return true;
  if (error != 0) unreachable();
  const handle = incoming[0];
  headers(handle, changetype<usize>(head), head.byteLength, changetype<usize>(incoming) + 4);
  const lines = String.UTF8.decode(head.slice(0, incoming[1])).split("\n");
  if (lines[0] != "GET /hello") answer(handle, 404, '{"error": "no such path"}\n');
  else {
    const client = valueOf(lines, "x-pv-client");
    const role = valueOf(lines, "x-pv-role");
    answer(handle, 200, '{"hello": "' + client + '", "role": "' + role + '"}\n');
  }
  return true;
}

export function _start(): void {
  while (serve()) __collect();
}
