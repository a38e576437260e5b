import { evaluate, parseFormula, seriesOf } from '../../src/reports/trend/formula.ts';

const operands = [6, 3, 0, null];

test.each([
  ['A / B * 100', 200],
  ['A-B-1', 2],
  ['A - (B - 1)', 4],
  ['A / B / 2', 1],
  ['1 + A * B', 19],
  ['(1 + A) * B', 21],
  ['-A + B', -3],
  ['--A', 6],
  ['A - -B', 9],
  ['2 * -(B + .5)', -7],
  ['  A\n', 6],
  ['A / C', null],
  ['C / C', null],
  ['0 * (A / C)', null],
  ['A + D', null],
  ['-D', null],
])('%j is %j', (text, value) => {
  expect(evaluate(parseFormula(text, 4, 'formulas[0]'), operands)).toBe(value);
});

test('0 has no sign, and what is beyond a number is null', () => {
  expect(evaluate(parseFormula('-A * 0', 1, ''), [6])).toBe(0);
  expect(evaluate(parseFormula('-A', 1, ''), [0])).toBe(0);
  expect(evaluate(parseFormula('A * A', 1, ''), [1e200])).toBeNull();
});

test('a formula names its series', () => {
  expect([...seriesOf(parseFormula('C + -A * (A + 2)', 3, ''))]).toEqual([2, 0]);
});

test.each([
  ['', 'a number, a letter of a series or ( at position 1, got the end'],
  ['A +', 'a number, a letter of a series or ( at position 4, got the end'],
  ['A B', 'an operator or the end at position 3, got "B"'],
  ['(A', 'an operator or ) at position 3, got the end'],
  ['A)', 'an operator or the end at position 2, got ")"'],
  ['A + C', 'a letter of a series, A to B, at position 5, got "C"'],
  ['A + AB', 'a letter of a series, A to B, at position 5, got "AB"'],
  ['a', 'a number, a letter of a series or ( at position 1, got "a"'],
  ['A ** B', 'a number, a letter of a series or ( at position 4, got "*"'],
  ['A + 1e3', 'an operator or the end at position 6, got "e"'],
  ['A; DROP TABLE events', 'an operator or the end at position 2, got ";"'],
  ['1 + 1', 'at least one letter of a series, got none'],
])('%j is refused: expected %s', (text, message) => {
  expect(() => parseFormula(text, 2, 'formulas[3]')).toThrow(
    expect.objectContaining({ code: 'INVALID_INPUT', message: `formulas[3]: expected ${message}` }),
  );
});

test('a formula of more than 500 characters, or with many parentheses, is refused or answered', () => {
  expect(() => parseFormula(`A${'+1'.repeat(250)}`, 1, 'formulas[0]')).toThrow('formulas[0]: expected at most 500');
  const nested = `${'('.repeat(249)}A${')'.repeat(249)}`;
  expect(evaluate(parseFormula(nested, 1, ''), [7])).toBe(7);
});
