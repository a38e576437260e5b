import fc from 'fast-check';
import type { Subject } from './check.ts';
import { answerCatalog, answerEvents, type EventsQuestion } from './events.ts';
import * as questions from './questions.ts';
import type { Fact } from './sent.ts';

/** No question of random streams is about now. */
const noNow = Number.NaN;

/** All pages, one after the other. */
export const eventPages: Subject<EventsQuestion & { readonly first: number }> = {
  question: questions.events,
  async compare(question, { project, facts, freshness }) {
    const expected = answerEvents(facts, question, noNow);
    const times: number[] = [];
    const nodes: Shown[] = [];
    const pages: unknown[] = [];
    let after: string | undefined;
    let meta: Awaited<ReturnType<typeof readPage>>['meta'] | undefined;
    const readPage = () => project.ask().events({ ...question, after, freshness: after ? undefined : freshness });
    do {
      const page = await readPage();
      meta ??= page.meta;
      expect(page.meta.snapshot).toBe(meta.snapshot);
      expect(page.edges.map(({ node }) => node)).toEqual(page.nodes);
      times.push(...page.nodes.map(({ timestamp }) => timestamp.getTime()));
      nodes.push(
        ...page.nodes.map((node) => ({
          ...node,
          timestamp: node.timestamp.getTime(),
          receivedAt: node.receivedAt.getTime(),
          originalTimestamp: node.originalTimestamp?.getTime() ?? null,
          sentAt: node.sentAt?.getTime() ?? null,
        })),
      );
      pages.push([
        page.nodes.length,
        page.pageInfo.hasNextPage,
        page.pageInfo.hasPreviousPage,
        page.pageInfo.startCursor === (page.edges[0]?.cursor ?? null),
        page.pageInfo.endCursor === (page.edges.at(-1)?.cursor ?? null),
      ]);
      after = page.pageInfo.hasNextPage ? (page.pageInfo.endCursor as string) : undefined;
    } while (after);
    const expectedPages = Array.from({ length: Math.max(1, Math.ceil(expected.length / question.first)) }, (_, i) => {
      const left = expected.length - i * question.first;
      return [Math.min(left, question.first), left > question.first, i > 0, true, true];
    });
    // Whatever persons are called, the same events have the same one.
    const inOneName = (shown: readonly Shown[]) => {
      const names = new Map<unknown, number>();
      return shown.map(({ person, ...rest }) => {
        if (!names.has(person)) names.set(person, names.size);
        return { ...rest, person: names.get(person) };
      });
    };
    const byId = (a: { messageId: string }, b: { messageId: string }) => (a.messageId < b.messageId ? -1 : 1);
    return {
      actual: { pages, times, nodes: inOneName(nodes.sort(byId)) },
      expected: {
        pages: expectedPages,
        times: expected.map(({ time }) => time),
        nodes: inOneName(expected.map(toShown).sort(byId)),
      },
      meta,
    };
  },
};

/** An event as the API shows it, times as numbers. */
interface Shown {
  readonly messageId: string;
  readonly [field: string]: unknown;
}

function toShown(fact: Fact): Shown {
  return {
    messageId: fact.messageId,
    type: fact.kind.toUpperCase(),
    event: fact.event,
    person: fact.person,
    timestamp: fact.time,
    originalTimestamp: fact.originalTimestamp,
    sentAt: fact.sentAt,
    receivedAt: fact.receivedAt,
    userId: fact.userId || null,
    anonymousId: fact.anonymousId || null,
    groupId: fact.groupId || null,
    previousId: fact.previousId || null,
    properties: fact.properties,
    context: fact.context,
    traits: fact.traits,
  };
}

export const catalogs: Subject<null> = {
  question: () => fc.constant(null),
  async compare(_, { project, facts, freshness }) {
    const { meta, events } = await project.ask().catalog(freshness);
    const counts = events.map(({ count }) => count);
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
    const inOrder = (line: { event: string }, other: { event: string }) => (line.event < other.event ? -1 : 1);
    return {
      actual: events
        .map(({ properties, firstSeen, lastSeen, ...line }) => ({
          ...line,
          firstSeen: firstSeen.getTime(),
          lastSeen: lastSeen.getTime(),
          properties: new Map(properties.map(({ name, count }) => [name, count])),
        }))
        .sort(inOrder),
      expected: answerCatalog(facts).sort(inOrder),
      meta,
    };
  },
};
