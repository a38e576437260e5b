import type { Caller } from '../../resolvers/context.ts';
import type { BudgetSetting } from '../config.ts';

/** What reports of a credential may cost. Each gateway counts for itself. */
export interface Budget {
  /** Of one operation. */
  readonly most: number;
  /** Takes the price from what is left of the minute; the milliseconds after which there will be enough, or 0 when there was. */
  spend(price: number): number;
}

export type BudgetOf = (caller: Caller) => Budget | null;

const minuteMs = 60_000;

/** A budget of a credential goes before that of its project, which all its other credentials share. */
export function createBudgets(settings: readonly BudgetSetting[], clock: () => number = Date.now): BudgetOf {
  const budgets = new Map(settings.map((setting) => [setting.target, createBudget(setting, clock)]));
  if (budgets.size === 0) return () => null;
  return ({ keyId, project }) => budgets.get(keyId) ?? budgets.get(project) ?? null;
}

function createBudget({ perOperation, perMinute }: BudgetSetting, clock: () => number): Budget {
  if (perMinute === null) return { most: perOperation, spend: () => 0 };
  let left = perMinute;
  let at = clock();
  return {
    most: Math.min(perOperation, perMinute),
    spend(price) {
      const now = clock();
      left = Math.min(perMinute, left + (Math.max(0, now - at) / minuteMs) * perMinute);
      at = now;
      if (price > left) return Math.ceil(((price - left) / perMinute) * minuteMs);
      left -= price;
      return 0;
    },
  };
}
