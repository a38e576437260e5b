import { distance } from 'fastest-levenshtein';

const longestCompared = 100;
const mostNear = 3;

/** The name, and what it may have been meant to be. */
export function toMeant(name: string, candidates: Iterable<string>): string {
  const near = toNearMatches(name, candidates).map((one) => showName(one));
  const last = near.pop();
  if (last === undefined) return showName(name);
  return `${showName(name)}: did you mean ${near.length === 0 ? last : `${near.join(', ')} or ${last}`}?`;
}

/** The nearest, at most three; none that is far away. What differs in case and separators only, or in where it stands, is near. */
export function toNearMatches(name: string, candidates: Iterable<string>): string[] {
  if (name.length > longestCompared) return [];
  const plain = toPlain(name);
  const tail = toTail(plain);
  const farthest = Math.floor(plain.length * 0.3) + 1;
  const ranked: { readonly candidate: string; readonly far: number }[] = [];
  for (const candidate of candidates) {
    const other = toPlain(candidate);
    const isSameTail = tail !== '' && toTail(other) === tail;
    // Its length alone tells of most that they are too far away.
    if (!isSameTail && Math.abs(other.length - plain.length) > farthest) continue;
    const far = other === plain ? 0 : isSameTail ? 1 : distance(other, plain);
    if (far <= farthest && far < plain.length) ranked.push({ candidate, far });
  }
  const nearest = Math.min(...ranked.map(({ far }) => far));
  return ranked
    .filter(({ far }) => far === nearest)
    .sort((a, b) => a.far - b.far || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, mostNear)
    .map(({ candidate }) => candidate);
}

function toPlain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}

function toTail(plain: string): string {
  return plain.slice(plain.lastIndexOf('.') + 1);
}

/** Quoted, a long one cut. */
export function showName(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}...` : name);
}
