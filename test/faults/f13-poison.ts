import type { ServerFault } from './fault.ts';
import type { History, Outcome } from './history.ts';
import { writeKeyOf } from './load.ts';
import type { Site } from './site.ts';

/** Properties that a client may send, and that are hard on whoever stores them. */
const hard: Readonly<Record<string, unknown>> = {
  nul: { text: 'a\u0000b', '\u0000': 1 },
  paths: { a: 1, 'a.b': 2, c: { d: 1 }, 'c.d': 2 },
  types: { x: [1, 'two', null, { three: 3 }, [4]], y: [[], {}, [[]]] },
  numbers: { big: 1e308, small: 5e-324, long: 2 * Number.MAX_SAFE_INTEGER, minus: -0 },
  names: JSON.parse('{"":1,"__proto__":2,"constructor":3," ":4,"a\\"b":5,"\\n":6}'),
  text: { emoji: '👩‍👩‍👧‍👦', rtl: '\u202eabc', half: '\ud800', long: 'é'.repeat(10_000) },
  deep: nest(31),
  wide: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, i])),
  empty: {},
};

export const poison: ServerFault = {
  name: 'F13',
  on: 'servers',
  about:
    'Through the gateways: NUL bytes, names that meet as paths, mixed types, extreme numbers, nesting at the limit and beyond it, events of 1970 and of 2100, events just below and above 32 KB. Straight into the log, as no gateway writes them: bytes that are no JSON, no bytes, null, no key, a record of more than 1 MB, nesting of 100,000, one record of two lines, and records whose fields have other types. Each position of the log must be somewhere, and none may stop its partition.',
  async inject(site, { load }) {
    for (let round = 0; round < 3; round++) {
      await sendHard(site, load.history, round);
      await produceRaw(site, load.history, round);
      await load.more(30);
    }
  },
};

async function sendHard({ gateways }: Site, history: History, round: number): Promise<void> {
  const events = [
    ...Object.entries(hard).map(([name, properties]) => ({ name, properties })),
    { name: '1970', timestamp: '1970-01-01T00:00:00.001Z' },
    { name: '2100', timestamp: '2100-01-01T00:00:00Z' },
    { name: 'deeper', properties: nest(40) },
    { name: 'large', properties: { text: 'x'.repeat(32_000) } },
    { name: 'too large', properties: { text: 'x'.repeat(33_000) } },
  ];
  for (const { child } of gateways)
    for (const { name, ...fields } of events) {
      const messageId = `hard-${name}-${round}`;
      const input = { event: 'Hard', userId: 'hard', messageId, ...fields };
      const query = 'mutation ($input: TrackInput!) { track(input: $input) { result { status } } }';
      const response = await fetch(`${child.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${writeKeyOf('alpha')}` },
        body: JSON.stringify({ query, variables: { input } }),
        signal: AbortSignal.timeout(20_000),
      });
      const { data } = (await response.json()) as { data?: { track?: { result: { status: string } } | null } };
      history.record('alpha', messageId, toOutcome(data?.track?.result.status, response.status));
    }
}

/** What was accepted and cannot be stored is set aside, with the reason: it must be in one of the two tables. */
function toOutcome(status: string | undefined, http: number): Outcome {
  if (status === 'ACCEPTED' || status === 'DEAD_LETTERED') return 'deadLettered';
  return status === 'REJECTED' || (http >= 400 && http < 500) ? 'rejected' : 'unknown';
}

async function produceRaw({ kafkaClient, topic }: Site, history: History, round: number): Promise<void> {
  const record = (fields: object) => {
    const id = `raw-${round}-${history.all.size}`;
    history.record('alpha', id, 'unknown');
    const usual = {
      v: 1,
      project: 'alpha',
      message_id: id,
      received_at: now(),
      time: now(),
      kind: 'track',
      event: 'Raw',
    };
    return JSON.stringify({ ...usual, ...fields });
  };
  const values: (string | Buffer | null)[] = [
    '{"v":1,"project":"alpha',
    '',
    null,
    Buffer.from([0, 255, 254, 10, 0]),
    '[]',
    'null',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    record({ data: { properties: { text: 'x'.repeat(1_200_000) } } }),
    `${record({})}\n${record({})}`,
    record({ time: '1970-01-01 00:00:00.000' }),
    record({ time: '2100-01-01 00:00:00.000' }),
    record({ time: '0000-00-00 00:00:00.000' }),
    record({ kind: 'nothing', event: 5 }),
    record({ user_id: { a: 1 }, data: 'no object' }),
    record({ project: '../other' }),
    record({ log_offset: 1, log_stream: 7 }),
    record({ message_id: null }),
    record({ fingerprint: -1 }),
    record({ fingerprint: 'x', key_id: 7 }),
  ];
  const producer = kafkaClient.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  for (const partition of [0, 1])
    await producer.send({
      topic,
      acks: -1,
      messages: values.map((value, i) => ({ partition, key: i % 2 === 0 ? null : 'poison', value })),
    });
  await producer.disconnect();
}

function now(): string {
  return new Date().toISOString().slice(0, 23).replace('T', ' ');
}

function nest(depth: number): object {
  return depth === 0 ? {} : { a: nest(depth - 1) };
}
