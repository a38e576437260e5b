import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, GraphQLEnumType } from 'graphql';
import { Registry } from 'prom-client';
import { settings } from '../../src/config.ts';
import { errorCodes } from '../../src/errors.ts';
import { graphqlCodes } from '../../src/gateway/graphql-errors.ts';
import { bodyLimit } from '../../src/gateway/http.ts';
import { readTypeDefs } from '../../src/gateway/schema.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const docs = join(import.meta.dirname, '../../docs');
const read = (file: string) => readFileSync(join(docs, file), 'utf8');

/** Rows of all tables with these headings: cells by heading, code marks and escapes taken off. */
function rowsOf(text: string, headings: readonly string[]): Record<string, string>[] {
  const rows: Record<string, string>[] = [];
  let isInside = false;
  for (const line of text.split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .slice(1, -1)
          .split(/(?<!\\)\|/)
          .map((cell) => cell.trim().replaceAll('\\|', '|'))
      : null;
    if (cells === null) isInside = false;
    else if (cells.join() === headings.join()) isInside = true;
    else if (isInside && !cells.every((cell) => /^-+$/.test(cell)))
      rows.push(Object.fromEntries(headings.map((heading, i) => [heading, cells[i] ?? ''])));
  }
  return rows;
}

const bare = (cell: string) => cell.replaceAll('`', '');
const sorted = <T>(rows: readonly T[]) => [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

test('docs/settings.md has every setting with its default and its sentence, and no other', () => {
  const documented = rowsOf(read('settings.md'), ['setting', 'default', 'meaning']);
  const shown = (value: unknown) => (value === undefined || value === '' || Array.isArray(value) ? '' : String(value));
  const actual = Object.entries(settings).map(([setting, [schema, meaning]]) => ({
    setting,
    default: shown(schema.safeParse(undefined).data),
    meaning,
  }));
  expect(
    sorted(documented.map((row) => ({ ...row, setting: bare(row.setting ?? ''), default: bare(row.default ?? '') }))),
  ).toEqual(sorted(actual));
});

test('docs/metrics.md has every metric with its type, labels and sentence, and no other', async () => {
  const documented = rowsOf(read('metrics.md'), ['metric', 'type', 'labels', 'meaning']);
  const { registry } = createMetrics();
  expect(registry).toBeInstanceOf(Registry);
  const actual = (await registry.getMetricsAsJSON()).map(({ name, type, help }) => ({
    metric: name,
    type: String(type),
    labels: (registry.getSingleMetric(name) as unknown as { labelNames: string[] }).labelNames.join(' '),
    meaning: help,
  }));
  expect(
    sorted(documented.map((row) => ({ ...row, metric: bare(row.metric ?? ''), labels: bare(row.labels ?? '') }))),
  ).toEqual(sorted(actual));
});

describe('docs/errors.md', () => {
  const text = read('errors.md');
  const codes = rowsOf(text, ['code', 'status', 'retriable', 'meaning', 'what to do']);
  const events = rowsOf(text, ['code', 'status of the event', 'meaning', 'what to do']);

  test('has every code with its status, and no other', () => {
    const ours = Object.entries(errorCodes).map(([code, { status, retriable }]) => [
      code,
      String(status),
      retriable ? 'yes' : 'no',
    ]);
    const others = graphqlCodes.map((code) => [code, code === 'PERSISTED_QUERY_NOT_FOUND' ? '200' : '400', 'no']);
    expect(sorted(codes.map(({ code, status, retriable }) => [bare(code ?? ''), status, retriable]))).toEqual(
      sorted([...ours, ...others]),
    );
  });

  test("has every EventErrorCode with the contract's own sentence, and no other", () => {
    const type = buildSchema(readTypeDefs()).getType('EventErrorCode') as GraphQLEnumType;
    expect(type).toBeInstanceOf(GraphQLEnumType);
    expect(events.map(({ code, meaning }) => [bare(code ?? ''), meaning])).toEqual(
      type.getValues().map(({ name, description }) => [name, description]),
    );
    const statuses = buildSchema(readTypeDefs()).getType('EventStatus') as GraphQLEnumType;
    const known = statuses.getValues().map(({ name }) => name);
    for (const row of events) expect(known).toContain(bare(row['status of the event'] ?? ''));
  });

  test('says of each what it means and what to do', () => {
    for (const row of [...codes, ...events]) for (const cell of Object.values(row)) expect(cell).not.toBe('');
  });

  test('has the limits that are in force', () => {
    expect(text).toContain(`${bodyLimit / 1024} KiB`);
  });

  test('names settings that exist', () => {
    for (const [, name] of text.matchAll(/`([A-Z]+_[A-Z_]+)`/g))
      expect([
        ...Object.keys(settings),
        ...Object.keys(errorCodes),
        ...graphqlCodes,
        ...events.map(({ code }) => bare(code ?? '')),
        'DEAD_LETTERED',
      ]).toContain(name);
  });
});
