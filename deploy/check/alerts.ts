/**
 * Compares the alert rules with what the program measures and with what the chart renders: alerts.ts WORKDIR, where check.sh
 * has left chart/*.yaml. Every mistake is a line on stderr; then it ends with 1.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';
import { createMetrics } from '../../src/telemetry/metrics.ts';

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

const mistakes: string[] = [];
const rules = parse(readFileSync(join(import.meta.dirname, '../helm/tallygate/alerts.yaml'), 'utf8')) as Rules;

const names = new Set(
  createMetrics()
    .registry.getMetricsAsArray()
    .map(({ name }) => name),
);
for (const { alert, expr } of rules.groups.flatMap((group) => group.rules)) {
  const used = expr.match(/tallygate_\w+/g) ?? [];
  if (used.length === 0) mistakes.push(`${alert}: expected a metric of this service, got ${expr}`);
  for (const name of used)
    if (!names.has(name)) mistakes.push(`${alert}: expected a metric that is there, got ${name}`);
}

const folder = join(process.argv[2] ?? '', 'chart');
let rendered = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
  for (const document of parseAllDocuments(readFileSync(join(folder, file), 'utf8'))) {
    const manifest = document.toJS();
    if (manifest?.kind !== 'PrometheusRule') continue;
    rendered++;
    if (!isDeepStrictEqual(manifest.spec, rules))
      mistakes.push(`${file}: expected the rules of alerts.yaml, got others`);
  }
}
if (rendered === 0) mistakes.push('expected a PrometheusRule in the chart with one of the values of ci/, got none');

for (const line of mistakes) process.stderr.write(`  - ${line}\n`);
process.exitCode = mistakes.length > 0 ? 1 : 0;
