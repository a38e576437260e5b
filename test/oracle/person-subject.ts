import fc from 'fast-check';
import type { Person } from '../../src/reports/person.ts';
import type { Subject } from './check.ts';
import { answerEvents, type EventsQuestion } from './events.ts';
import { answerPerson } from './person.ts';
import { events } from './questions.ts';
import { anonymousIds, userIds } from './streams.ts';

interface PersonQuestion extends EventsQuestion {
  readonly id: string;
  readonly order: 'NEWEST' | 'OLDEST';
}

/** The person, and one page of the timeline that holds all of it. */
export const persons: Subject<PersonQuestion> = {
  question: (scene) =>
    fc
      .tuple(
        events(scene),
        fc.constantFrom(...userIds, ...anonymousIds, 'nobody'),
        fc.constantFrom<PersonQuestion['order']>('NEWEST', 'OLDEST'),
      )
      .map(([{ first: _, ...question }, id, order]) => ({ ...question, id, order })),
  async compare({ id, ...question }, { project, facts, freshness }) {
    const expected = answerPerson(facts, id);
    const person = await project.ask().person({ id, freshness });
    if (person === null || expected === null) {
      const { meta } = await project.ask().events({ ...question, first: 1, freshness });
      return { actual: person, expected, meta };
    }
    const page = await person.timeline({ ...question, first: 1000 });
    expect(page.meta.snapshot).toBe(person.meta.snapshot);
    const timeline = answerEvents(expected.events, question, Number.NaN);
    if (question.order === 'OLDEST') timeline.reverse();
    const { timeline: _, meta, ...shown } = person;
    // Whoever asks for no traits is told the rest as it is.
    const plain = await project.ask().person({ id, freshness: { at: meta.snapshot } }, { traits: false });
    const { timeline: _timeline, meta: _meta, ...other } = plain as Person;
    expect(other).toEqual({ ...shown, traits: {} });
    return {
      actual: {
        ...shown,
        traits: JSON.stringify(sorted(shown.traits)),
        firstSeen: shown.firstSeen.getTime(),
        lastSeen: shown.lastSeen.getTime(),
        times: page.nodes.map(({ timestamp }) => timestamp.getTime()),
        messageIds: page.nodes.map(({ messageId }) => messageId).sort(),
      },
      expected: {
        userIds: expected.userIds,
        anonymousIds: expected.anonymousIds,
        traits: JSON.stringify(sorted(expected.traits)),
        eventCount: expected.events.length,
        firstSeen: expected.firstSeen,
        lastSeen: expected.lastSeen,
        times: timeline.map(({ time }) => time),
        messageIds: timeline.map(({ messageId }) => messageId).sort(),
      },
      meta,
    };
  },
};

/** As lists of names and values, so that no name is special. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, of]) => [name, sorted(of)]);
}
