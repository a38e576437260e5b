import { parseSnapshotToken } from '../../src/events/tokens.ts';
import type { FreshnessInput } from '../../src/reports/moment/moment.ts';
import type { Reports } from '../../src/reports/reports.ts';
import type { ReportMeta } from '../../src/reports/session.ts';
import { findOwner, settle } from './erased.ts';
import { type Fact, inZone, type SentEvent, toFacts } from './sent.ts';
import { type Ask, type Deed, type Life, type Step, toEvent, toWho } from './truth-life.ts';
import { answerOf, type Question, recount, toQuestions } from './truth-questions.ts';
import { includes, type Position, type Stage, type World } from './truth-world.ts';

/**
 * A random life of a project: what is sent, retried, late, merged and deleted while gateways see it at different times and
 * their caches lose, keep and spoil what they hold. Whatever is asked, whenever: the answers of an operation are of one
 * snapshot, and those that plain counting gives of what was sent up to there; nothing acknowledged before `asOf` is missing
 * from it; computed anew as of it, they are the same, then and later.
 */

const hour = 3_600_000;
const day = 24 * hour;
const signal = new AbortController().signal;

interface Sent extends Position {
  readonly event: SentEvent;
  readonly receivedAt: number;
  readonly acknowledgedAt: number;
}

interface Answer {
  readonly snapshot: string;
  readonly asked: readonly number[];
  readonly values: readonly unknown[];
}

/** Lives it. Throws where an answer is not true. */
export async function live(world: World, { kind, steps }: Life): Promise<void> {
  const stage = world.open(kind);
  const sent: Sent[] = [];
  /** messageIds of persons who were deleted. */
  const gone = new Set<string>();
  const answers: Answer[] = [];
  const questions = toQuestions(Math.floor(stage.now() / day) * day);
  let lastErased = Number.NEGATIVE_INFINITY;
  let ids = 0;

  const send = async (event: SentEvent) => {
    const position = await stage.send(event);
    sent.push({ event, ...position, acknowledgedAt: stage.now() });
  };
  const sendAll = (some: readonly Deed[]) => Promise.all(some.map((each) => send(toEvent(each, ++ids, stage.now()))));
  const settled = async () => {
    await world.untilStored();
    for (const { reports } of stage.gateways) await reports.begin(stage.project, signal).catalog({ maxAgeMs: 0 });
  };
  const factsOf = (isIn: (position: Position) => boolean): readonly Fact[] => {
    const inOrder = sent.filter(isIn).sort((a, b) => a.stream - b.stream || a.offset - b.offset);
    const facts = toFacts(inOrder.map(({ event, receivedAt }) => ({ receivedAt, events: [event] })));
    return inZone(settle(facts.filter(({ messageId }) => !gone.has(messageId))), 'UTC');
  };

  const check = (answer: Answer, metas: readonly ReportMeta[]) => {
    const moment = parseSnapshotToken(answer.snapshot);
    expect(new Set(metas.map(({ snapshot }) => snapshot))).toEqual(new Set([answer.snapshot]));
    // A deletion since then takes persons out of older snapshots, too.
    const facts = factsOf((position) => includes(moment.vector, position));
    const expected = answer.asked.map((place) => recount(questions[place] as Question, facts, moment));
    expect({ asked: answer.asked, values: answer.values }).toEqual({ asked: answer.asked, values: expected });
  };
  const checkAsOf = ({ snapshot }: Answer) => {
    const { asOf, vector } = parseSnapshotToken(snapshot);
    const missing = sent.filter((one) => one.acknowledgedAt < asOf && !includes(vector, one));
    expect(missing).toEqual([]);
  };
  const askOf = async (reports: Reports, asked: readonly number[], freshness: FreshnessInput) => {
    const operation = reports.begin(stage.project, signal);
    const all = await Promise.all(asked.map((place) => answerOf(operation, questions[place] as Question, freshness)));
    const metas = all.map(({ meta }) => meta);
    return { answer: { snapshot: metas[0]!.snapshot, asked, values: all.map(({ value }) => value) }, metas };
  };
  const askAndCheck = async (
    { gateway, questions: asked, wish, back }: Ask,
    rest: Promise<unknown> = Promise.resolve(),
  ) => {
    const older = answers[answers.length - 1 - back];
    const at = wish === 'back' && older ? older : null;
    const freshness = at ? { at: at.snapshot, maxWaitMs: 30_000 } : wish === 'newest' ? { maxAgeMs: 0 } : {};
    const reports = (stage.gateways[gateway] as Stage['gateways'][number]).reports;
    if (at) for (const one of stage.gateways) one.letGo();
    const { answer, metas } = await askOf(reports, asked, freshness);
    await rest;
    if (at) expect(answer.snapshot).toBe(at.snapshot);
    checkAsOf(answer);
    check(answer, metas);
    const again = await askOf(stage.plain, asked, { at: answer.snapshot, maxAgeMs: 0, maxWaitMs: 30_000 });
    expect(again.answer).toEqual(answer);
    // asOf and the engine's clock are the same as long as no time was made to pass.
    const { asOf } = parseSnapshotToken(answer.snapshot);
    if (at && asOf < lastErased)
      expect(metas[0]!.warnings).toContainEqual(expect.stringMatching(/^persons were deleted/));
    answers.push(answer);
  };

  const take = async (one: Step): Promise<void> => {
    switch (one.do) {
      case 'send':
        await sendAll(one.deeds);
        return;
      case 'retry': {
        const again = sent[one.place % Math.max(1, sent.length)];
        if (again) await send(again.event);
        return;
      }
      case 'identify':
        await send({
          kind: 'identify',
          input: {
            ...toWho(one.to),
            ...toWho(one.from),
            messageId: `m${++ids}`,
            timestamp: new Date(stage.now() - one.ago),
            traits: { plan: one.plan },
          },
        });
        return;
      case 'alias':
        await send({ kind: 'alias', input: { ...toWho(one.to), previousId: one.from, messageId: `m${++ids}` } });
        return;
      case 'erase': {
        await settled();
        const facts = factsOf(() => true);
        const owner = findOwner(facts, one.id);
        await stage.erase(one.id);
        if (owner === null) return;
        for (const { person, messageId } of facts) if (person === owner) gone.add(messageId);
        lastErased = Date.now() - 1000;
        for (const gateway of stage.gateways) gateway.letGo();
        await settled();
        return;
      }
      case 'pass':
        stage.pass(one.ms);
        return;
      case 'settle':
        await settled();
        return;
      case 'shut':
        world.shut();
        return;
      case 'unshut':
        world.unshut();
        return;
      case 'let go':
        for (const gateway of stage.gateways) gateway.letGo();
        return;
      case 'merge parts':
        await world.mergeParts();
        return;
      case 'hold':
        stage.gateways[one.gateway]!.hold(one.stream);
        return;
      case 'spoil':
        for (const cache of stage.caches) {
          if (one.how === 'lose') cache.lose(one.n);
          else if (one.how === 'put back') cache.putBack(one.n);
          else cache.corrupt(one.n, one.seed);
        }
        return;
      case 'ask':
        await askAndCheck(one);
        return;
      case 'rush': {
        const sending = sendAll(one.deeds);
        await Promise.all(one.asks.map((each) => askAndCheck(each, sending)));
        return;
      }
    }
  };

  try {
    // Every life begins with somebody to see, and ends with all of it, and with the two who were nobody else's turning out to be one.
    const stranger = { event: 'A', ago: 26 * hour } as const;
    await sendAll([
      { ...stranger, who: 'a0', n: 1 },
      { ...stranger, who: 'u0', n: 2 },
    ]);
    await settled();
    for (const one of steps) await take(one);
    const all = questions.map((_, i) => i);
    for (const gateway of [0, 1]) {
      for (const each of stage.gateways) each.letGo();
      await settled();
      await askAndCheck({ gateway, questions: all, wish: 'newest', back: 0 });
      if (gateway === 0) await take({ do: 'identify', from: 'a0', to: 'u0', plan: 'pro', ago: 300 * day });
    }
    // What was handed out is of its own now, whatever time it is.
    stage.pass(3 * day);
    for (const [back, { asked }] of answers.toReversed().slice(0, 6).entries())
      await askAndCheck({ gateway: back % 2, questions: asked, wish: 'back', back: 2 * back });
  } finally {
    world.unshut();
    await stage.stop();
  }
}
