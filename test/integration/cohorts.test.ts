import { parseSnapshotToken, toSnapshotToken } from '../../src/events/tokens.ts';
import { createDefinitions } from '../../src/reports/definitions/definitions.ts';
import { openService, type Project, type Service } from '../oracle/harness.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const day = 24 * 3_600_000;
const track = (
  event: string,
  who: { userId?: string; anonymousId?: string },
  messageId: string,
  time = Date.now(),
) => ({
  kind: 'track' as const,
  input: { event, ...who, messageId, timestamp: new Date(time) },
});
const buyer = { did: { event: 'Order' } };

/** u1 ordered twice, u2 once and ten days ago, a3 never. */
async function openShop(): Promise<{ project: Project; freshness: { after: string; maxWaitMs: number } }> {
  const project = service.openProject();
  const now = Date.now();
  const { token } = await project.send({
    receivedAt: now,
    events: [
      track('Order', { userId: 'u1' }, 'm1', now - day),
      track('Order', { userId: 'u1' }, 'm2', now - day),
      track('Order', { userId: 'u2' }, 'm3', now - 10 * day),
      track('Visit', { anonymousId: 'a3' }, 'm4', now - day),
    ],
  });
  const freshness = { after: token, maxWaitMs: 30_000 };
  await project.ask().catalog(freshness);
  return { project, freshness };
}

async function peopleOf(project: Project, name: string, freshness: object | null = null): Promise<string[]> {
  const cohort = await project.ask().cohort({ name, freshness });
  const { nodes } = await cohort.people({});
  expect(await cohort.size()).toBe(nodes.length);
  return nodes.map(({ id }) => id).sort();
}

const failsWith = (code: string, message: string | RegExp) =>
  expect.objectContaining({ code, message: typeof message === 'string' ? message : expect.stringMatching(message) });

test('a cohort is a list of versions, of which the newest counts, and a deletion is one', async () => {
  const { project } = await openShop();
  const save = (definition: object, expectedVersion?: number) =>
    project.ask().saveCohort('ann', { name: 'buyers', description: 'who ordered', definition, expectedVersion });
  expect(await save(buyer, 0)).toMatchObject({ version: 1, savedBy: 'ann', isStatic: false, definition: buyer });
  expect(await peopleOf(project, 'buyers')).toEqual(['u1', 'u2']);
  // The same again makes no version, whoever waits for an answer that got lost.
  expect(await save(buyer, 0)).toMatchObject({ version: 1 });
  expect(await save({ did: { event: 'Order', atLeast: 2 } }, 1)).toMatchObject({ version: 2 });
  expect(await peopleOf(project, 'buyers')).toEqual(['u1']);
  await expect(save({ not: buyer }, 1)).rejects.toEqual(
    failsWith(
      'CONFLICT',
      'expectedVersion: expected version 1 of cohort "buyers", got version 2, saved by ann: look at it, and save again with its version',
    ),
  );
  expect(await project.ask().deleteCohort('bob', { name: 'buyers', expectedVersion: 2 })).toEqual({
    name: 'buyers',
    version: 3,
  });
  await expect(project.ask().cohort({ name: 'buyers' })).rejects.toEqual(
    failsWith('NOT_FOUND', 'no cohort is named "buyers"'),
  );
  expect(await project.ask().cohorts(null)).toEqual([]);
  const again = await save({ not: buyer });
  expect(again.version).toBe(4);
  expect(await peopleOf(project, 'buyers')).toEqual(['a3']);
  const versions = await again.versions({});
  expect(versions.map(({ version, savedBy, deleted }) => [version, savedBy, deleted])).toEqual([
    [4, 'ann', false],
    [3, 'bob', true],
    [2, 'ann', false],
    [1, 'ann', false],
  ]);
  expect(versions.map(({ definition }) => definition)).toEqual([
    { not: buyer },
    null,
    { did: { event: 'Order', atLeast: 2 } },
    buyer,
  ]);
  expect((await again.versions({ first: 1, before: 3 })).map(({ version }) => version)).toEqual([2]);
});

test('of many that save one version at once, one does, and the others are told', async () => {
  const { project } = await openShop();
  const tries = await Promise.allSettled(
    Array.from({ length: 6 }, (_, i) =>
      project.ask().saveCohort(`k${i}`, {
        name: 'contested',
        definition: { did: { event: 'Order', atLeast: i + 1 } },
        expectedVersion: 0,
      }),
    ),
  );
  const saved = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(saved.map(({ version }) => version)).toEqual([1]);
  for (const one of tries)
    if (one.status === 'rejected') expect(one.reason).toEqual(failsWith('CONFLICT', /got version 1/));
  expect((await project.ask().cohort({ name: 'contested' })).savedBy).toBe(saved[0]!.savedBy);
  // Without a version that is expected, all of them are saved, one after the other.
  const many = Array.from({ length: 20 }, (_, i) => i + 1);
  const versions = await Promise.all(
    many.map(async (atLeast) => {
      const definition = { did: { event: 'Order', atLeast } };
      return (await project.ask().saveCohort('k', { name: 'shared', definition })).version;
    }),
  );
  expect([...versions].sort((a, b) => a - b)).toEqual(many);
  expect((await project.ask().cohort({ name: 'shared' })).version).toBe(many.length);
});

test('at two gateways at once, whoever expects no version is saved, too', async () => {
  const deps = { warehouse: service.warehouse, clock: Date.now };
  const gateways = [createDefinitions(deps), createDefinitions(deps)];
  const saved = await Promise.all(
    gateways.map((gateway, i) =>
      gateway.save('gateways', `k${i}`, { kind: 'cohort', name: 'shared', content: `${i}` }),
    ),
  );
  expect(saved.map(({ version }) => version).sort()).toEqual([1, 2]);
  for (const gateway of gateways)
    for (const { version, savedBy, content } of saved)
      expect(await gateway.version('gateways', 'cohort', 'shared', version)).toMatchObject({ savedBy, content });
});

test('who is in a dynamic cohort depends on the now of the snapshot', async () => {
  const { project } = await openShop();
  const definition = { did: { event: 'Order', range: { last: '3d' } } };
  const cohort = await project.ask().saveCohort('k', { name: 'recent', definition });
  const { snapshot } = await cohort.meta();
  expect(await peopleOf(project, 'recent', { at: snapshot })).toEqual(['u1']);
  const facts = parseSnapshotToken(snapshot);
  const asked = (now: number) => peopleOf(project, 'recent', { at: toSnapshotToken({ ...facts, now }) });
  expect(await asked(facts.now - 9 * day)).toEqual(['u2']);
  expect(await asked(facts.now + 9 * day)).toEqual([]);
  const events = await project.ask().events({
    range: { last: '30d' },
    filter: { not: { cohort: 'recent' } },
    freshness: { at: toSnapshotToken({ ...facts, now: facts.now }) },
  });
  expect(events.nodes.map(({ messageId }) => messageId).sort()).toEqual(['m3', 'm4']);
});

test('a static cohort is frozen with the cohorts that it is made of, and follows merges', async () => {
  const { project } = await openShop();
  await project.ask().saveCohort('k', { name: 'buyers', definition: buyer });
  const definition = { not: { cohort: 'buyers' } };
  const frozen = await project.ask().saveCohort('k', { name: 'lookers', definition, freeze: true });
  expect(frozen).toMatchObject({ isStatic: true, frozenAt: expect.any(Date) });
  expect(await peopleOf(project, 'lookers')).toEqual(['a3']);
  await project.ask().saveCohort('k', { name: 'buyers', definition: { did: { event: 'Visit' } } });
  expect(await peopleOf(project, 'lookers')).toEqual(['a3']);
  // It is no part of it any more.
  await project.ask().deleteCohort('k', { name: 'buyers' });
  const { token } = await project.send({
    receivedAt: Date.now(),
    events: [
      track('Visit', { userId: 'u9' }, 'm5'),
      { kind: 'identify', input: { userId: 'u3', anonymousId: 'a3', messageId: 'm6' } },
      track('Order', { userId: 'u3' }, 'm7'),
    ],
  });
  expect(await peopleOf(project, 'lookers', { after: token, maxWaitMs: 30_000 })).toEqual(['u3']);
  const names = await project.ask().events({ range: { last: '2d' }, filter: { cohort: 'lookers' } });
  expect(names.nodes.map(({ messageId }) => messageId).sort()).toEqual(['m4', 'm6', 'm7']);
});

test('answers of a cohort come out of the cache until its definition or its events change', async () => {
  const { project, freshness } = await openShop();
  await project
    .ask()
    .saveCohort('k', { name: 'buyers', definition: { did: { event: 'Order', range: { last: '400d' } } } });
  const ask = () =>
    project.ask().trend({
      range: { last: '2d', timezone: 'Europe/Berlin' },
      interval: 'DAY',
      series: [{ measure: 'UNIQUE_USERS', filter: { cohort: 'buyers' } }],
      freshness,
    } as never);
  const total = async () => {
    const { series, meta } = await ask();
    return [(series[0] as { total: number }).total, meta.source];
  };
  expect(await total()).toEqual([1, 'WAREHOUSE']);
  expect(await total()).toEqual([1, 'CACHE']);
  await project.ask().saveCohort('k', { name: 'buyers', definition: { not: { did: { event: 'Order' } } } });
  expect(await total()).toEqual([1, 'WAREHOUSE']);
  await project
    .ask()
    .saveCohort('k', { name: 'buyers', definition: { did: { event: 'Order', range: { last: '400d' } } } });
  expect(await total()).toEqual([1, 'CACHE']);
  // Far outside of the range of the report, and inside of the cohort's.
  const { token } = await project.send({
    receivedAt: Date.now(),
    events: [track('Order', { anonymousId: 'a3' }, 'late', Date.now() - 200 * day)],
  });
  freshness.after = token;
  expect(await total()).toEqual([2, 'WAREHOUSE']);
});

test('what is wrong with a definition is said with its place, and is not saved', async () => {
  const { project } = await openShop();
  const save = (definition: object, more: object = {}) =>
    project.ask().saveCohort('k', { name: 'wrong', definition, ...more });
  const cases: [object, string, string][] = [
    [
      {},
      'INVALID_FILTER',
      'definition: expected exactly one of and, or, not, did, person, cohort, userIds, anonymousIds; got none',
    ],
    [
      { and: [buyer, { ...buyer, cohort: 'x' }] },
      'INVALID_FILTER',
      'definition.and[1]: expected exactly one of and, or, not, did, person, cohort, userIds, anonymousIds; got did and cohort',
    ],
    [{ or: [] }, 'INVALID_FILTER', 'definition.or: expected at least one of them, got an empty list'],
    [
      { did: { atLeast: 0 } },
      'INVALID_FILTER',
      'definition.did.atLeast: expected 1 to 1000000, got 0; who did it never is not: { did: ... }',
    ],
    [
      { did: { atLeast: 3, atMost: 2 } },
      'INVALID_FILTER',
      'definition.did.atMost: expected 3 (atLeast) to 1000000, got 2',
    ],
    [
      { did: { range: { last: '3x' } } },
      'INVALID_RANGE',
      'definition.did.range: expected last to be a number and a unit of m, h, d, w, M, q, y, as in "30d", got "3x"',
    ],
    [
      { did: { filter: { property: 'a', op: 'GT', value: true } } },
      'INVALID_FILTER',
      'definition.did.filter.value: expected a number or a text for GT, got true',
    ],
    [
      { did: { filter: { not: { cohort: 'x' } } } },
      'INVALID_FILTER',
      'definition.did.filter.not.cohort: expected a cohort to stand beside did, in an and, got one within its filter',
    ],
    [{ not: { cohort: 'nobody' } }, 'INVALID_FILTER', 'definition.not.cohort: no cohort is named "nobody"'],
    [{ userIds: [] }, 'INVALID_FILTER', 'definition.userIds: expected 1 to 10000 ids, got 0'],
    [{ anonymousIds: ['a', ''] }, 'INVALID_FILTER', 'definition.anonymousIds[1]: expected 1 to 200 characters, got 0'],
    [
      { person: { property: '' } },
      'INVALID_INPUT',
      `expected a property's name whose parts, between the dots, neither are empty nor begin with :\`, got "personLatest."`,
    ],
    [
      { or: Array.from({ length: 51 }, () => buyer) },
      'INVALID_FILTER',
      'definition.or[50]: expected at most 50 conditions, got more',
    ],
  ];
  for (const [definition, code, message] of cases)
    await expect(save(definition)).rejects.toEqual(failsWith(code, message));
  await expect(save(buyer, { name: ' x' })).rejects.toEqual(failsWith('INVALID_INPUT', /^name: expected no space/));
  await expect(save(buyer, { name: 'x'.repeat(101) })).rejects.toEqual(
    failsWith('INVALID_INPUT', 'name: expected 1 to 100 characters, got 101'),
  );
  await expect(save(buyer, { at: 'nonsense' })).rejects.toEqual(failsWith('INVALID_TOKEN', /./));
  const ids = Array.from({ length: 2000 }, (_, i) => `${i}`.padEnd(200, 'x'));
  await expect(save({ userIds: ids })).rejects.toEqual(
    failsWith('INVALID_INPUT', /^definition: expected at most 131072 bytes as JSON/),
  );
  expect(await project.ask().cohorts(null)).toEqual([]);
});

test('a mistyped name is met with the one that may have been meant', async () => {
  const { project } = await openShop();
  await project.ask().saveCohort('k', { name: 'Power users', definition: buyer });
  await expect(project.ask().cohort({ name: 'Power user' })).rejects.toEqual(
    failsWith('NOT_FOUND', 'no cohort is named "Power user": did you mean "Power users"?'),
  );
  await expect(
    project.ask().events({ range: { last: '3d' }, filter: { and: [{ not: { cohort: 'power users' } }] } }),
  ).rejects.toEqual(
    failsWith(
      'INVALID_FILTER',
      'filter.and[0].not.cohort: no cohort is named "power users": did you mean "Power users"?',
    ),
  );
  await expect(project.ask().deleteCohort('k', { name: 'Power' })).rejects.toEqual(
    failsWith('NOT_FOUND', /^no cohort/),
  );
});

test('cohorts of cohorts go neither round in a circle nor too deep', async () => {
  const { project } = await openShop();
  const save = (name: string, definition: object) => project.ask().saveCohort('k', { name, definition });
  await save('c1', buyer);
  for (const n of [2, 3, 4, 5]) await save(`c${n}`, { cohort: `c${n - 1}` });
  await expect(save('c6', { cohort: 'c5' })).rejects.toEqual(
    failsWith(
      'INVALID_FILTER',
      /expected cohorts of cohorts at most 5 deep, got "c6" > "c5" > "c4" > "c3" > "c2" > "c1"$/,
    ),
  );
  await expect(save('c1', { or: [buyer, { cohort: 'c3' }] })).rejects.toEqual(
    failsWith('INVALID_FILTER', /expected cohorts that do not go round in a circle, got "c1" > "c3" > "c2" > "c1"$/),
  );
  await expect(save('c9', { cohort: 'c9' })).rejects.toEqual(
    failsWith('INVALID_FILTER', /no cohort is named "c9"|circle/),
  );
  await expect(project.ask().deleteCohort('k', { name: 'c1' })).rejects.toEqual(
    failsWith(
      'CONFLICT',
      'expected a cohort that no other is made of, got one that is part of "c2": change or delete those first',
    ),
  );
  expect(await peopleOf(project, 'c5')).toEqual(['u1', 'u2']);
  const many = Array.from({ length: 11 }, () => ({ cohort: 'c1' }));
  await expect(project.ask().events({ range: { last: '3d' }, filter: { or: many } })).rejects.toEqual(
    failsWith('INVALID_FILTER', 'filter.or[10]: expected at most 10 cohorts, got more'),
  );
});

test('a project sees neither the cohorts nor the persons of another', async () => {
  const [{ project: ours }, { project: theirs }] = await Promise.all([openShop(), openShop()]);
  await theirs.ask().saveCohort('k', { name: 'secret', definition: { not: { userIds: ['nobody'] } } });
  await expect(ours.ask().cohort({ name: 'secret' })).rejects.toEqual(
    failsWith('NOT_FOUND', 'no cohort is named "secret"'),
  );
  const { snapshot } = await (await theirs.ask().cohort({ name: 'secret' })).meta();
  await ours.ask().saveCohort('k', { name: 'all', definition: { not: { userIds: ['nobody'] } }, at: snapshot });
  expect(await peopleOf(ours, 'all')).toEqual(['a3', 'u1', 'u2']);
});

test('texts that would like to be something else are texts', async () => {
  const { project } = await openShop();
  for (const evil of ["x' OR 1=1 --", '`"\\', '{p0:String}', "'); DROP TABLE events; --", 'a\u2028😀']) {
    const definition = {
      or: [
        { did: { event: evil, filter: { property: `a.${evil}`, value: evil } } },
        { person: { property: `b.${evil}`, value: evil } },
        { userIds: [evil] },
      ],
    };
    const saved = await project.ask().saveCohort(evil, { name: evil, description: evil, definition });
    expect(saved).toMatchObject({ name: evil, description: evil, savedBy: evil, definition });
    expect(await peopleOf(project, evil)).toEqual([]);
    await project.ask().saveCohort('k', { name: 'around', definition: { not: { cohort: evil } } });
    expect(await peopleOf(project, 'around')).toEqual(['a3', 'u1', 'u2']);
  }
});

test('pages of people belong to their snapshot', async () => {
  const { project } = await openShop();
  await project.ask().saveCohort('k', { name: 'all', definition: { not: { userIds: ['nobody'] } } });
  const cohort = await project.ask().cohort({ name: 'all' });
  const { snapshot } = await cohort.meta();
  const page = await cohort.people({ first: 2 });
  const after = page.pageInfo.endCursor;
  const next = await (await project.ask().cohort({ name: 'all', freshness: { at: snapshot } })).people({
    first: 2,
    after,
  });
  expect([...page.nodes, ...next.nodes].map(({ id }) => id).sort()).toEqual(['a3', 'u1', 'u2']);
  expect([page.pageInfo.hasNextPage, next.pageInfo.hasNextPage]).toEqual([true, false]);
  const other = toSnapshotToken({ ...parseSnapshotToken(snapshot), now: 1 });
  const elsewhere = await project.ask().cohort({ name: 'all', freshness: { at: other } });
  await expect(elsewhere.people({ after })).rejects.toEqual(
    failsWith('INVALID_INPUT', /^after: expected freshness.at/),
  );
  await expect(cohort.people({ after: 'x' })).rejects.toEqual(failsWith('INVALID_CURSOR', /./));
});
