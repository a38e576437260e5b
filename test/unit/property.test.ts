import { parseProperty } from '../../src/reports/filter/property.ts';

test.each([
  ['plan', ['properties', 'plan']],
  ['properties.plan', ['properties', 'plan']],
  ['a.b.c', ['properties', 'a', 'b', 'c']],
  ['context.page.url', ['context', 'page', 'url']],
  ['traits.country', ['traits', 'country']],
  ['properties', ['properties', 'properties']],
  ['context', ['properties', 'context']],
  ['Context.page', ['properties', 'Context', 'page']],
  ['$ref', ['properties', '$ref']],
  ['$event.x', ['properties', '$event', 'x']],
  ['properties.$event', ['properties', '$event']],
  ['toString', ['properties', 'toString']],
  ['__proto__', ['properties', '__proto__']],
  ['constructor', ['properties', 'constructor']],
  ['person', ['properties', 'person']],
  ['properties.person.plan', ['properties', 'person', 'plan']],
  [' a b ', ['properties', ' a b ']],
  ['^a', ['properties', '^a']],
  ['a:`b', ['properties', 'a:`b']],
])('%j is a path', (name, path) => {
  expect(parseProperty(name)).toEqual({ kind: 'path', path });
});

test.each(['$event', '$type', '$userId', '$anonymousId', '$groupId', '$messageId'])(
  '%s is a text of the event',
  (name) => {
    expect(parseProperty(name).kind).toBe('text');
  },
);

test.each(['$hour', '$weekday'])('%s is a number of the event', (name) => {
  expect(parseProperty(name).kind).toBe('number');
});

test.each([
  ['person.plan', 'person', 'AT_EVENT', ['traits', 'plan']],
  ['personLatest.a.b', 'person', 'LATEST', ['traits', 'a', 'b']],
  ['group.industry', 'group', 'AT_EVENT', ['traits', 'industry']],
  ['groupLatest.industry', 'group', 'LATEST', ['traits', 'industry']],
])('%s is told by other events', (name, of, as, path) => {
  expect(parseProperty(name)).toEqual({ kind: 'profile', of, as, path });
});

test.each(['$timestamp', '$receivedAt'])('%s is a time of the event', (name) => {
  expect(parseProperty(name).kind).toBe('time');
});

const parts = (name: string) =>
  `expected a property's name whose parts, between the dots, neither are empty nor begin with :\`, got ${JSON.stringify(name)}`;

test.each([
  ['', "expected a property's name of 1 to 2000 characters, got 0"],
  ['x'.repeat(2001), "expected a property's name of 1 to 2000 characters, got 2001"],
  ['.', parts('.')],
  ['a.', parts('a.')],
  ['.a', parts('.a')],
  ['a..b', parts('a..b')],
  ['properties.', parts('properties.')],
  ['a.:`Int64`', parts('a.:`Int64`')],
  [':`', parts(':`')],
])('%j is refused', (name, message) => {
  expect(() => parseProperty(name)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', message }));
});

test('a long name that is refused is shown in part', () => {
  expect(() => parseProperty(`${'x'.repeat(100)}.`)).toThrow(`got "${'x'.repeat(60)}..."`);
});
