const mask = 2n ** 64n - 1n;

/** The column `person` of an event that names its user, or (without one) a device: SipHash-2-4 with the key 0, as the engine's sipHash64. */
export function hashId(kind: 'user' | 'anonymous', id: string): string {
  return sipHash(Buffer.from(`${kind === 'user' ? 'u' : 'a'}${id}`)).toString();
}

function sipHash(bytes: Buffer): bigint {
  // The initial state for the key 0: "somepseudorandomlygeneratedbytes".
  let [v0, v1, v2, v3] = [0x736f6d6570736575n, 0x646f72616e646f6dn, 0x6c7967656e657261n, 0x7465646279746573n];
  const rotate = (of: bigint, by: bigint) => ((of << by) | (of >> (64n - by))) & mask;
  const round = () => {
    v0 = (v0 + v1) & mask;
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v3) & mask;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = (v0 + v3) & mask;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = (v2 + v1) & mask;
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  const take = (word: bigint) => {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  };
  const whole = bytes.length - (bytes.length % 8);
  for (let at = 0; at < whole; at += 8) take(bytes.readBigUInt64LE(at));
  const last = Buffer.alloc(8);
  bytes.copy(last, 0, whole);
  last[7] = bytes.length & 0xff;
  take(last.readBigUInt64LE());
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}
