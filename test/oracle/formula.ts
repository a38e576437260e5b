/**
 * The value of a formula, found by cutting its text at the operator that is applied last: the last + or - outside of parentheses, otherwise the
 * last * or /. null where anything in it is null, divides by 0 or is beyond what a number can be.
 */
export function calculate(text: string, letters: Readonly<Record<string, number | null>>): number | null {
  const formula = text.trim();
  const cut = lastOf(formula, '+-') ?? lastOf(formula, '*/');
  if (cut !== null) {
    const left = calculate(formula.slice(0, cut), letters);
    const right = calculate(formula.slice(cut + 1), letters);
    if (left === null || right === null || (formula[cut] === '/' && right === 0)) return null;
    const value = { '+': left + right, '-': left - right, '*': left * right, '/': left / right }[formula[cut] as '+'];
    return Number.isFinite(value) ? value + 0 : null;
  }
  if (formula.startsWith('-')) {
    const value = calculate(formula.slice(1), letters);
    return value === null ? null : 0 - value;
  }
  if (formula.startsWith('(')) return calculate(formula.slice(1, -1), letters);
  return formula in letters ? (letters[formula] as number | null) : Number(formula);
}

/** Only operators with something in front of them to apply to; others are signs. */
function lastOf(formula: string, operators: string): number | null {
  let depth = 0;
  for (let i = formula.length - 1; i > 0; i--) {
    if (formula[i] === ')') depth++;
    else if (formula[i] === '(') depth--;
    else if (depth === 0 && operators.includes(formula[i] as string) && /[A-Z0-9.)]\s*$/.test(formula.slice(0, i)))
      return i;
  }
  return null;
}
