import { closest, distance } from 'fastest-levenshtein';

/** `: did you mean "..."?` when one of the known names is near; otherwise nothing. */
export function toHint(name: string, known: readonly string[]): string {
  const near = known.length > 0 ? closest(name, known) : '';
  const isNear = near !== '' && distance(name.toLowerCase(), near.toLowerCase()) <= Math.max(2, name.length / 3);
  return isNear ? `: did you mean ${JSON.stringify(near)}?` : '';
}
