import { isTallygateError } from '../errors.ts';
import type { PositionVector } from '../events/position.ts';
import type { ReportCache } from '../ports/report-cache.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Identity, toPerson } from './identity.ts';
import { type Plan, type Row, toSelect } from './plan.ts';
import { toStatement } from './sql.ts';

/** A plan with everything that its rows depend on named in a key. */
export interface CellRequest {
  readonly key: string;
  readonly plan: Plan;
  readonly project: string;
  readonly vector: PositionVector;
  readonly identity: Identity;
  /** Compute even when a cached answer is there. */
  readonly fresh: boolean;
}

export interface Cell {
  readonly rows: readonly Row[];
  readonly source: 'cache' | 'warehouse';
  /** Statements and rows read for this cell by this request: 0 when another request's computation was shared. */
  readonly statements: number;
  readonly rowsRead: number;
}

export interface Cells {
  /** In the order of the requests; a failure stands in its place. Never rejects. */
  load(requests: readonly CellRequest[], signal: AbortSignal): Promise<(Cell | Error)[]>;
}

interface CellsDeps {
  readonly cache: ReportCache;
  readonly warehouse: Warehouse;
  readonly metrics: Metrics;
}

interface Flight {
  readonly answer: Promise<Cell>;
  readonly controller: AbortController;
  waiting: number;
}

/** Larger answers are cheaper to compute again than to carry. */
const largestCached = 2 * 1024 * 1024;
/** Housekeeping only: a cell is never wrong, it just stops being asked for. */
const ttlSeconds = 7 * 24 * 3600;
const afterglowMs = 1000;

/** Cached rows where there are some, otherwise one statement for each cell; equal cells in flight share one. */
export function createCells({ cache, warehouse, metrics }: CellsDeps): Cells {
  const flights = new Map<string, Flight>();

  const compute = async ({ key, plan, project, vector, identity }: CellRequest, signal: AbortSignal): Promise<Cell> => {
    const statement = toStatement(toSelect(plan, project, vector, (id) => toPerson(id, identity, project, vector)));
    const { rows, rowsRead } = await warehouse.query<Row>(statement, {
      label: plan.label,
      project,
      signal,
      ...(plan.limits ? { limits: plan.limits } : {}),
    });
    const value = Buffer.from(JSON.stringify(rows));
    if (value.length <= largestCached) void cache.setMany([{ key, value, ttlSeconds }]);
    return { rows, source: 'warehouse', statements: 1, rowsRead };
  };

  const join = async (flight: Flight, signal: AbortSignal): Promise<Cell> => {
    flight.waiting++;
    const leave = () => {
      // The last one to leave ends the statement.
      if (--flight.waiting === 0) flight.controller.abort(signal.reason);
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    try {
      return await flight.answer;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  };

  const loadMissing = async (request: CellRequest, signal: AbortSignal): Promise<Cell | Error> => {
    try {
      const shared = request.fresh ? undefined : flights.get(request.key);
      if (shared && !shared.controller.signal.aborted) {
        metrics.cells.inc({ source: 'shared' });
        return { ...(await join(shared, signal)), statements: 0, rowsRead: 0 };
      }
      const controller = new AbortController();
      const flight: Flight = { controller, waiting: 0, answer: compute(request, controller.signal) };
      flights.set(request.key, flight);
      const forget = () => void (flights.get(request.key) === flight && flights.delete(request.key));
      // A little longer than it flies: who asked the cache just before the answer was written there shares it, too.
      flight.answer.then(() => setTimeout(forget, afterglowMs).unref(), forget);
      metrics.cells.inc({ source: 'warehouse' });
      return await join(flight, signal);
    } catch (thrown) {
      return thrown instanceof Error ? thrown : new Error(String(thrown));
    }
  };

  return {
    async load(requests, signal) {
      const asked = requests.filter(({ fresh }) => !fresh);
      const found = new Map<string, Buffer>();
      if (asked.length > 0) {
        const values = await cache.getMany(asked.map(({ key }) => key));
        asked.forEach(({ key }, i) => {
          const value = values[i];
          if (value) found.set(key, value);
        });
      }
      return Promise.all(
        requests.map((request): Promise<Cell | Error> | Cell => {
          const value = found.get(request.key);
          const rows = value && parseRows(value);
          if (!rows) return loadMissing(request, signal);
          metrics.cells.inc({ source: 'cache' });
          return { rows, source: 'cache', statements: 0, rowsRead: 0 };
        }),
      );
    },
  };
}

/** undefined when the bytes are not rows: a damaged entry is a miss. */
function parseRows(value: Buffer): Row[] | undefined {
  try {
    const rows: unknown = JSON.parse(value.toString());
    return Array.isArray(rows) ? rows : undefined;
  } catch (thrown) {
    if (isTallygateError(thrown)) throw thrown;
    return undefined;
  }
}
