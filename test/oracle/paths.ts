import { type RangeInput, toSpan } from './buckets.ts';
import { compareTexts, type Filter } from './filter.ts';
import type { Fact } from './sent.ts';
import { pageOf, toRuns } from './sessions.ts';
import { toText } from './trend.ts';

export interface Rule {
  readonly event?: string;
  readonly property?: string;
  readonly matches?: string;
  readonly name?: string;
}

export interface PathsQuestion {
  readonly range: RangeInput;
  readonly from?: string;
  readonly to?: string;
  readonly depth?: number;
  readonly rules?: readonly Rule[];
  readonly keepRepeats?: boolean;
  readonly minSessions?: number;
  readonly limit?: number;
  readonly gapMinutes?: number;
  readonly filter?: Filter;
}

interface Node {
  readonly step: number;
  readonly name: string;
  sessions: number;
  readonly persons: Set<string>;
  began: number;
  ended: number;
}

interface Link {
  readonly step: number;
  readonly from: string;
  readonly to: string;
  sessions: number;
  readonly persons: Set<string>;
}

export function answerPaths(facts: readonly Fact[], question: PathsQuestion, now: number) {
  const { from, to, depth = 5, minSessions = 1, limit = 50 } = question;
  const runs = toRuns(facts, toSpan(question.range, now), question.gapMinutes ?? 30, question.filter);
  const nodes = new Map<string, Node>();
  const links = new Map<string, Link>();
  const persons = new Set<string>();
  let sessions = 0;
  for (const run of runs) {
    const person = run[0]!.person;
    const names = toNames(run, question);
    let first = 0;
    let last = Math.min(names.length, depth) - 1;
    if (from !== undefined) {
      first = names.indexOf(from);
      if (first < 0) continue;
      last = Math.min(names.length, first + depth) - 1;
    }
    if (to !== undefined) {
      last = names.indexOf(to);
      first = Math.max(0, last - depth + 1);
    }
    if (last < 0) continue;
    sessions++;
    persons.add(person);
    for (let place = first; place <= last; place++) {
      const step = to === undefined ? place - first + 1 : depth - (last - place);
      const name = names[place] as string;
      const key = JSON.stringify([step, name]);
      const node = nodes.get(key) ?? { step, name, sessions: 0, persons: new Set(), began: 0, ended: 0 };
      nodes.set(key, node);
      node.sessions++;
      node.persons.add(person);
      if (place === 0) node.began++;
      if (place === names.length - 1) node.ended++;
      if (place === last) continue;
      const next = names[place + 1] as string;
      const linkKey = JSON.stringify([step, name, next]);
      const link = links.get(linkKey) ?? { step, from: name, to: next, sessions: 0, persons: new Set() };
      links.set(linkKey, link);
      link.sessions++;
      link.persons.add(person);
    }
  }
  const heavy = [...nodes.values()]
    .filter((node) => node.sessions >= minSessions)
    .sort((a, b) => b.sessions - a.sessions || a.step - b.step || compareTexts(a.name, b.name));
  const shown = heavy.slice(0, limit);
  const isShown = (step: number, name: string) => shown.some((node) => node.step === step && node.name === name);
  return {
    sessions,
    persons: persons.size,
    nodes: shown.map((node) => ({ ...node, persons: node.persons.size })),
    links: [...links.values()]
      .filter(
        (link) => link.sessions >= minSessions && isShown(link.step, link.from) && isShown(link.step + 1, link.to),
      )
      .sort(
        (a, b) =>
          b.sessions - a.sessions || a.step - b.step || compareTexts(a.from, b.from) || compareTexts(a.to, b.to),
      )
      .map((link) => ({ ...link, persons: link.persons.size })),
    isCut: heavy.length > limit,
  };
}

function toNames(run: readonly Fact[], { rules = [], keepRepeats = false }: PathsQuestion): string[] {
  const steps = run
    .filter(({ kind }) => kind === 'track' || kind === 'page' || kind === 'screen')
    .map((fact) => ({ time: fact.time, name: nameOf(fact, rules) }))
    .sort((a, b) => a.time - b.time || compareTexts(a.name, b.name));
  const names: string[] = [];
  for (const { name } of steps) if (keepRepeats || names.at(-1) !== name) names.push(name);
  return names;
}

function nameOf(fact: Fact, rules: readonly Rule[]): string {
  const usual = usualName(fact);
  for (const { event, property, matches, name } of rules) {
    if (event !== undefined && fact.event !== event) continue;
    const text = property === undefined ? usual : toText(fact, property);
    if (text === null) continue;
    if (matches !== undefined && !new RegExp(matches).test(text)) continue;
    return name ?? text;
  }
  return usual;
}

function usualName(fact: Fact): string {
  if (fact.kind === 'page') return pageOf(fact) ?? fact.event;
  if (fact.kind === 'screen') return toText(fact, 'properties.name') || fact.event;
  return fact.event;
}
