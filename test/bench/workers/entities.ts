import { parse } from 'graphql';
import { createReports } from '../../../src/reports/reports.ts';
import { forgetfulCache } from '../../contract/forgetful-cache.ts';
import { toRoundRange } from '../report-cases.ts';
import { days, project, streams } from '../report-events.ts';
import { type Scope, skus, toCountBySku } from '../report-sql.ts';
import { serveJobs } from '../worker.ts';
import { type Counts, measure, openCounted, toText } from './counted.ts';
import { askOperation } from './operation.ts';

/** A trend of each of 50 products, in one operation or in one statement. */
export interface EntitiesJob {
  readonly events: number;
  readonly round: number;
  readonly by: 'product' | 'hand';
}

export interface EntitiesAsked extends Counts {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Equal texts for equal answers. */
  readonly answer: string;
}

interface Product {
  readonly id: string;
  readonly trend: { readonly series: readonly { readonly values: readonly number[] }[] };
}

let opened: ReturnType<typeof open> | null = null;

async function open(events: number) {
  const { warehouse, deps, take } = await openCounted(events);
  return { warehouse, take, reports: createReports({ ...deps, cache: forgetfulCache }) };
}

const toDocument = ({ from, to }: Scope) =>
  parse(`{ products: entityReports(property: "sku", ids: ${JSON.stringify(skus)}) { id trend(input: {
    range: { from: "${new Date(from).toISOString()}", to: "${new Date(to).toISOString()}" }, series: [{ event: "Product Viewed" }] }) { series { values } } } }`);

serveJobs<EntitiesJob, EntitiesAsked>(async ({ events, round, by }) => {
  opened ??= open(events);
  const { warehouse, take, reports } = await opened;
  const scope = { ...toRoundRange(round), ends: new Array<number>(streams).fill(events - 1) };
  const document = toDocument(scope);
  const ask = async () => {
    const { products } = await askOperation(reports, document);
    return () => (products as unknown as readonly Product[]).map(({ id, trend }) => [id, trend.series[0]?.values]);
  };
  const byHand = async () => {
    const { rows } = await warehouse.query<{ k: string; d: number; v: string }>(
      { sql: toCountBySku(scope) },
      { label: 'bench', project, limits: { resultRows: 1_000_000 } },
    );
    return () => {
      const counts = new Map(rows.map(({ k, d, v }) => [`${k} ${d}`, Number(v)]));
      return skus.map((sku) => [sku, Array.from({ length: days }, (_, d) => counts.get(`${sku} ${d}`) ?? 0)]);
    };
  };
  take();
  const { answer: toAnswer, ...took } = await measure(by === 'product' ? ask : byHand);
  return { ...took, ...take(), answer: toText(toAnswer()) };
});
