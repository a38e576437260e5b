import { toAsked } from '../../src/reports/names/names.ts';
import { toMeant, toNearMatches } from '../../src/reports/near.ts';

const events = ['Order Completed', 'Order Cancelled', 'Signed Up', 'Product Viewed', '$page'];

test.each<[string, readonly string[]]>([
  ['Order Complted', ['Order Completed']],
  ['order_completed', ['Order Completed']],
  ['ORDER COMPLETED', ['Order Completed']],
  ['Order Canceled', ['Order Cancelled']],
  ['Signup', ['Signed Up']],
  ['page', ['$page']],
  ['Zzz', []],
  ['x', []],
  ['', []],
  ['x'.repeat(101), []],
])('near to %j is %j', (name, near) => {
  expect(toNearMatches(name, events)).toEqual(near);
});

test('a property is found under the root where it stands', () => {
  expect(toNearMatches('country', ['traits.country', 'context.page.url', 'person.country', 'plan'])).toEqual([
    'person.country',
    'traits.country',
  ]);
  expect(toNearMatches('properties.plan', ['plan', 'revenue'])).toEqual(['plan']);
});

test('at most three are named, and long names are cut', () => {
  expect(toMeant('plan', ['plan1', 'plan2', 'plan3', 'plan4'])).toBe(
    '"plan": did you mean "plan1", "plan2" or "plan3"?',
  );
  expect(toMeant('plam', ['plan'])).toBe('"plam": did you mean "plan"?');
  expect(toMeant('x'.repeat(100), [])).toBe(`"${'x'.repeat(60)}..."`);
});

test('every place where a name can stand is named as it stands in the input, each name once', () => {
  expect(
    toAsked({
      range: { last: '30d' },
      series: [{ event: 'A', measure: 'SUM', property: 'price' }, { event: 'A' }],
      cohortEvent: {
        event: 'B',
        filter: { or: [{ property: 'plan', value: 'pro' }, { not: { property: 'x.y', value: 1 } }] },
      },
      breakdown: [{ property: 'price' }, { property: 'plan' }],
      exclusions: [{ event: 'C' }],
      rules: [{ event: 'D', property: 'path' }],
      by: 'context.sessionId',
      filter: {
        and: [
          { property: '$event', op: 'IN', value: ['E', 'F'] },
          { property: 'note', value: 'event' },
        ],
      },
    }).map(({ kind, name, at }) => `${at} ${kind} ${name}`),
  ).toEqual([
    'series[0].event event A',
    'series[0].property property price',
    'cohortEvent.event event B',
    'cohortEvent.filter.or[0].property property plan',
    'cohortEvent.filter.or[1].not.property property x.y',
    'exclusions[0].event event C',
    'rules[0].event event D',
    'rules[0].property property path',
    'by property context.sessionId',
    'filter.and[0].value event E',
    'filter.and[0].value event F',
    'filter.and[0].property property $event',
    'filter.and[1].property property note',
  ]);
  expect(toAsked({ by: 'session', filter: { property: '$event', value: 'x', ignoreCase: true } })).toEqual([
    { kind: 'property', name: '$event', at: 'filter.property' },
  ]);
});

test('a filter or a property that means nothing is refused with its place', () => {
  expect(() => toAsked({ series: [{}, { filter: { and: [{ property: 'a', op: 'GT' }] } }] })).toThrow(
    'series[1].filter.and[0].value: expected a value for GT, got none',
  );
  expect(() => toAsked({ breakdown: { property: 'a..b' } })).toThrow("breakdown.property: expected a property's name");
});
