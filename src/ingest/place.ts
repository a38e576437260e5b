/** A text that stands at start..end (exclusive) of some bytes: a record's value, or a line. */
export interface Place {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export function toBytes({ bytes, start, end }: Place): Buffer {
  return bytes.subarray(start, end);
}

/** In order, those that lie side by side as one: to go through them one by one costs more in calls than in work. */
export function* toRuns(places: readonly Place[]): Iterable<Buffer> {
  let from = 0;
  for (let i = 1; i <= places.length; i++) {
    const last = places[i - 1] as Place;
    const next = places[i];
    if (next !== undefined && next.bytes === last.bytes && next.start === last.end) continue;
    yield last.bytes.subarray((places[from] as Place).start, last.end);
    from = i;
  }
}
