import { connect, createServer } from "node:net";

/** The relay that everybody writes first: `net-pipe.main.ts LISTEN PROVIDER`. */
const [, , listen = "", provider = ""] = process.argv;

createServer({ allowHalfOpen: true }, (consumer) => {
  const onward = connect({ path: provider, allowHalfOpen: true });
  consumer.pipe(onward).pipe(consumer);
  consumer.on("error", () => onward.destroy());
  onward.on("error", () => consumer.destroy());
}).listen({ path: listen, backlog: 4096 });
