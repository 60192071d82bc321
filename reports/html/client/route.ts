/** Place in the page that a link names: `#/timeline/unix-half-close/1200`. */
export interface Route {
  readonly view: string;
  readonly rest: readonly string[];
}

export function currentRoute(): Route {
  const [view = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  return { view: view === "" ? "overview" : view, rest };
}

export function linkTo(view: string, ...rest: readonly (string | number)[]): string {
  return `#/${[view, ...rest].map((part) => encodeURIComponent(part)).join("/")}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
