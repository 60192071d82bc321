/**
 * Boot an appengine with exports, ask a container, and remove everything again:
 *
 *     greet.ts IMAGE greeter.pvrexport.tgz
 */
import { AppengineContainer } from "pvh";

const [image = "", ...exports] = process.argv.slice(2);

await using appengine = await new AppengineContainer(image).withExports(...exports).start();

for (const { name, status } of await appengine.control.containers()) {
  console.log(`${name} is ${status}`);
}
const socket = "/run/greeter/greeter.sock";
// A container that is STARTED may still be about to listen.
const { stdout } = await appengine
  .inside("greeter")
  .sh(
    `until [ -S ${socket} ]; do sleep 0.1; done; echo Ada | socat -t 30 - UNIX-CONNECT:${socket}`,
  );
console.log(stdout.trim());
