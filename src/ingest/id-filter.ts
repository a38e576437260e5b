/**
 * A set of ids that says "never seen" or "perhaps": a cuckoo filter of 16 bits for each, in buckets of four, at most 94%
 * full; about 2.2 bytes an id, and one false "perhaps" in about 8,000. It is fed from the words of slots (id-slot.ts), so
 * that ids can move here when the ids themselves are long gone.
 */
export interface IdFilter {
  add(ids: Uint32Array, at: number): void;
  has(ids: Uint32Array, at: number): boolean;
  /** Makes room for so many more at once: a layer of the right size is smaller and faster than several. */
  reserve(more: number): void;
  readonly size: number;
  readonly bytes: number;
}

interface Layer {
  readonly marks: Uint16Array;
  readonly buckets: number;
  readonly most: number;
  used: number;
}

const bucketMarks = 4;
const mostLoad = 0.94;
const leastLayer = 256;
const mostKicks = 400;
const share = 2 ** -32;

export function createIdFilter(): IdFilter {
  const layers: Layer[] = [];
  const path = new Uint32Array(mostKicks);
  let size = 0;
  let bytes = 0;
  let turn = 0;

  const addLayer = (ids: number): Layer => {
    const buckets = Math.ceil(ids / mostLoad / bucketMarks) + 1;
    const layer = { marks: new Uint16Array(buckets * bucketMarks), buckets, most: ids, used: 0 };
    layers.push(layer);
    bytes += layer.marks.byteLength;
    return layer;
  };

  /** True when the mark stands in the layer now. */
  const put = ({ marks, buckets }: Layer, bucket: number, mark: number): boolean => {
    if (putAt(marks, bucket, mark)) return true;
    let homeless = mark;
    let at = toOther(bucket, homeless, buckets);
    for (let kick = 0; kick < mostKicks; kick++) {
      if (putAt(marks, at, homeless)) return true;
      turn = (turn + 1) & (bucketMarks - 1);
      const slot = at * bucketMarks + turn;
      const evicted = marks[slot] as number;
      marks[slot] = homeless;
      path[kick] = slot;
      homeless = evicted;
      at = toOther(at, homeless, buckets);
    }
    // Nobody may be lost: everyone goes back to where he was.
    for (let kick = mostKicks - 1; kick >= 0; kick--) {
      const slot = path[kick] as number;
      const back = marks[slot] as number;
      marks[slot] = homeless;
      homeless = back;
    }
    return false;
  };

  const has = (ids: Uint32Array, at: number): boolean => {
    const mark = toMark(ids, at);
    for (let i = layers.length - 1; i >= 0; i--) {
      const { marks, buckets } = layers[i] as Layer;
      const bucket = toBucket(ids, at, buckets);
      if (isIn(marks, bucket, mark) || isIn(marks, toOther(bucket, mark, buckets), mark)) return true;
    }
    return false;
  };

  return {
    has,
    add(ids, at) {
      if (has(ids, at)) return;
      let layer = layers[layers.length - 1];
      if (!layer || layer.used >= layer.most || !put(layer, toBucket(ids, at, layer.buckets), toMark(ids, at))) {
        // One that is nearly full was made for so many: few are left over.
        const rest = layer ? Math.max(0, layer.most - layer.used) : 0;
        layer = addLayer(Math.max(leastLayer, rest > 0 ? Math.min(rest, size >> 1) : size >> 1));
        put(layer, toBucket(ids, at, layer.buckets), toMark(ids, at));
      }
      layer.used++;
      size++;
    },
    reserve(more) {
      const layer = layers[layers.length - 1];
      if (!layer || layer.most - layer.used < more) addLayer(more);
    },
    get size() {
      return size;
    },
    get bytes() {
      return bytes;
    },
  };
}

/** Never 0, which is an empty place. */
function toMark(ids: Uint32Array, at: number): number {
  return (ids[at + 1] as number) & 0xffff || 1;
}

function toBucket(ids: Uint32Array, at: number, buckets: number): number {
  return Math.floor((ids[at] as number) * buckets * share);
}

/** The other bucket of a mark; of the other one it is this one, whatever the number of buckets. */
function toOther(bucket: number, mark: number, buckets: number): number {
  const other = Math.floor((Math.imul(mark, 0x9e3779b1) >>> 0) * buckets * share) - bucket;
  return other < 0 ? other + buckets : other;
}

function isIn(marks: Uint16Array, bucket: number, mark: number): boolean {
  const at = bucket * bucketMarks;
  return marks[at] === mark || marks[at + 1] === mark || marks[at + 2] === mark || marks[at + 3] === mark;
}

function putAt(marks: Uint16Array, bucket: number, mark: number): boolean {
  const at = bucket * bucketMarks;
  for (let i = at; i < at + bucketMarks; i++) {
    if (marks[i] !== 0) continue;
    marks[i] = mark;
    return true;
  }
  return false;
}
