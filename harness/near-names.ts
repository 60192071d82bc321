/** Up to three candidates that a mistyped word may have meant, nearest first. */
function nearNames(word: string, candidates: Iterable<string>): string[] {
  return [...new Set(candidates)]
    .map((candidate) => ({ candidate, distance: distanceOf(word, candidate) }))
    .filter(({ distance }) => distance < Infinity)
    .sort((a, b) => a.distance - b.distance || a.candidate.localeCompare(b.candidate))
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** "did you mean a, b?" or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const near = nearNames(word, candidates);
  return near.length === 0 ? undefined : `did you mean ${near.join(", ")}?`;
}

function distanceOf(word: string, candidate: string): number {
  // Only its beginning was typed.
  if (word.length >= 3 && candidate.startsWith(word)) return 1;
  const distance = editDistance(word, candidate);
  if (distance <= Math.max(2, Math.ceil(candidate.length / 3))) return distance;
  return word.length >= 3 && candidate.includes(word) ? candidate.length : Infinity;
}

/** Levenshtein's: insertions, deletions and replacements that turn one into the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
