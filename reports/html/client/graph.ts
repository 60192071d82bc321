import { svg } from "./dom.ts";

type Link = readonly [consumer: string, provider: string, service: string, kind: string];

const BOX = { width: 190, height: 34, gapX: 190, gapY: 16 };
const MARGIN = 12;

/** The mesh as a drawing: consumers on the left of their providers, links named by service and type. */
export function drawGraph(
  links: readonly Link[],
  statusOf: ReadonlyMap<string, string>,
  stateOf: ReadonlyMap<string, string>,
): Element {
  const places = placed(links);
  const columns = Math.max(1, ...[...places.values()].map(({ column }) => column + 1));
  const rows = Math.max(1, ...[...places.values()].map(({ row }) => row + 1));
  const width = columns * BOX.width + (columns - 1) * BOX.gapX + 2 * MARGIN;
  const height = rows * (BOX.height + BOX.gapY) + 2 * MARGIN;
  const lines = links.map((link) => lineOf(link, places, stateOf));
  const boxes = [...places].map(([name, place]) => boxOf(name, place, statusOf));
  const drawing = svg(
    "svg",
    {
      class: "graph",
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": `${links.length} links: ${links
        .slice(0, 20)
        .map(([consumer, provider, service]) => `${consumer} uses ${service} of ${provider}`)
        .join("; ")}`,
    },
    ...lines,
    ...boxes,
  );
  drawing.style.maxWidth = `${width}px`;
  return drawing;
}

interface Place {
  readonly column: number;
  readonly row: number;
}

/** A provider stands right of its consumers; a circle ends where it began. */
function placed(links: readonly Link[]): Map<string, Place> {
  const columns = new Map<string, number>();
  const names = new Set(links.flatMap(([consumer, provider]) => [consumer, provider]));
  for (const name of names) columns.set(name, 0);
  for (let round = 0; round < Math.min(names.size, 6); round += 1) {
    for (const [consumer, provider] of links) {
      if (consumer === provider) continue;
      const wanted = Math.min(6, (columns.get(consumer) ?? 0) + 1);
      if ((columns.get(provider) ?? 0) < wanted) columns.set(provider, wanted);
    }
  }
  const used = [...new Set(columns.values())].sort((a, b) => a - b);
  const rows = new Map<number, number>();
  const places = new Map<string, Place>();
  for (const [name, wanted] of columns) {
    const column = used.indexOf(wanted);
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    places.set(name, { column, row });
  }
  return places;
}

function boxOf(name: string, place: Place, statusOf: ReadonlyMap<string, string>): SVGElement {
  const { x, y } = pointOf(place);
  const status = statusOf.get(`container ${name}`) ?? "";
  const label = name.length > 23 ? `${name.slice(0, 22)}…` : name;
  return svg(
    "g",
    {},
    svg("rect", { class: `box ${status}`, x, y, width: BOX.width, height: BOX.height, rx: 5 }),
    svg("text", { x: x + 8, y: y + 15 }, label),
    svg("text", { class: "small", x: x + 8, y: y + 28 }, status),
    svg("title", {}, `${name} ${status}`),
  );
}

function lineOf(
  [consumer, provider, service, kind]: Link,
  places: ReadonlyMap<string, Place>,
  stateOf: ReadonlyMap<string, string>,
): SVGElement {
  const from = pointOf(places.get(consumer) ?? { column: 0, row: 0 });
  const to = pointOf(places.get(provider) ?? { column: 0, row: 0 });
  const state = stateOf.get(`${consumer}/${service}`) ?? "";
  const [x1, y1] = [from.x + BOX.width, from.y + BOX.height / 2];
  const [x2, y2] = [to.x, to.y + BOX.height / 2];
  const bend = Math.max(40, Math.abs(x2 - x1) / 2);
  const path = `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
  const label = `${service} (${kind})`;
  return svg(
    "g",
    {},
    svg("path", { class: `edge ${state}`, d: path }),
    svg("text", { class: "small edge-name", x: x1 + 8, y: y1 - 5 }, label.slice(0, 30)),
    svg("title", {}, `${consumer} → ${provider}: ${label} ${state}`),
  );
}

function pointOf({ column, row }: Place): { readonly x: number; readonly y: number } {
  return {
    x: MARGIN + column * (BOX.width + BOX.gapX),
    y: MARGIN + row * (BOX.height + BOX.gapY),
  };
}
