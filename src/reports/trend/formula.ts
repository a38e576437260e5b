import { TallygateError } from '../../errors.ts';

/** Arithmetic over series. */
export type Formula =
  | { readonly kind: 'number'; readonly value: number }
  /** Index of the series: A is 0. */
  | { readonly kind: 'series'; readonly index: number }
  | { readonly kind: 'negative'; readonly of: Formula }
  | { readonly kind: 'binary'; readonly operator: Operator; readonly left: Formula; readonly right: Formula };

type Operator = '+' | '-' | '*' | '/';

interface Token {
  readonly text: string;
  /** Of its first character, from 1. */
  readonly position: number;
}

const longestFormula = 500;
const tokenPattern = /\s*(?:(\d+(?:\.\d+)?|\.\d+|[A-Z]+|[-+*/()])|(\S))/gu;

/** Letters of series: A is the first of them. */
export function toLetter(index: number): string {
  return String.fromCharCode(65 + index);
}

/**
 * `A / B * 100`: + - * / with the usual precedence, from left to right, parentheses, a minus in front, numbers and letters of
 * `series` series. Throws INVALID_INPUT with the position of what is wrong.
 */
export function parseFormula(text: string, series: number, at: string): Formula {
  if (text.length > longestFormula) {
    throw new TallygateError(
      'INVALID_INPUT',
      `${at}: expected at most ${longestFormula} characters, got ${text.length}`,
    );
  }
  const tokens = [...text.matchAll(tokenPattern)].map((found): Token => {
    const token = (found[1] ?? found[2]) as string;
    return { text: token, position: found.index + found[0].length - token.length + 1 };
  });
  const end: Token = { text: '', position: text.length + 1 };
  let next = 0;
  let letters = 0;
  const peek = () => tokens[next] ?? end;
  const fail = (expected: string): never => {
    const { text: got, position } = peek();
    const shown = got === '' ? 'the end' : JSON.stringify(got);
    throw new TallygateError('INVALID_INPUT', `${at}: expected ${expected} at position ${position}, got ${shown}`);
  };

  const chain = (operators: readonly string[], parseOperand: () => Formula): Formula => {
    let left = parseOperand();
    while (operators.includes(peek().text)) {
      const operator = peek().text as Operator;
      next++;
      left = { kind: 'binary', operator, left, right: parseOperand() };
    }
    return left;
  };
  const parseSum = (): Formula => chain(['+', '-'], () => chain(['*', '/'], parseUnary));
  const parseUnary = (): Formula => {
    if (peek().text !== '-') return parseOperand();
    next++;
    return { kind: 'negative', of: parseUnary() };
  };
  const parseOperand = (): Formula => {
    const { text: token } = peek();
    if (token === '(') {
      next++;
      const inner = parseSum();
      if (peek().text !== ')') fail('an operator or )');
      next++;
      return inner;
    }
    if (/^[\d.]+$/.test(token) && token !== '.') {
      next++;
      return { kind: 'number', value: Number(token) };
    }
    if (/^[A-Z]+$/.test(token)) {
      const index = token.charCodeAt(0) - 65;
      if (token.length > 1 || index >= series)
        fail(series === 1 ? 'the letter A of the only series' : `a letter of a series, A to ${toLetter(series - 1)},`);
      next++;
      letters++;
      return { kind: 'series', index };
    }
    return fail('a number, a letter of a series or (');
  };

  const formula = parseSum();
  if (next < tokens.length) fail('an operator or the end');
  if (letters === 0)
    throw new TallygateError('INVALID_INPUT', `${at}: expected at least one letter of a series, got none`);
  return formula;
}

/** null where an operand is null, for a division by zero, and beyond what a number can be. */
export function evaluate(formula: Formula, operands: readonly (number | null)[]): number | null {
  switch (formula.kind) {
    case 'number':
      return finite(formula.value);
    case 'series':
      return operands[formula.index] ?? null;
    case 'negative': {
      const value = evaluate(formula.of, operands);
      return value === null ? null : 0 - value;
    }
    case 'binary': {
      const left = evaluate(formula.left, operands);
      const right = evaluate(formula.right, operands);
      return left === null || right === null ? null : finite(calculate(formula.operator, left, right));
    }
  }
}

function calculate(operator: Operator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
  }
}

function finite(value: number): number | null {
  // 0 where it is -0.
  return Number.isFinite(value) ? value + 0 : null;
}

/** Indexes of the series that it names. */
export function seriesOf(formula: Formula): Set<number> {
  switch (formula.kind) {
    case 'number':
      return new Set();
    case 'series':
      return new Set([formula.index]);
    case 'negative':
      return seriesOf(formula.of);
    case 'binary':
      return new Set([...seriesOf(formula.left), ...seriesOf(formula.right)]);
  }
}
