import { LRUCache } from 'lru-cache';
import { isTallygateError, TallygateError } from '../../errors.ts';
import type { PositionVector } from '../../events/position.ts';
import type { ReportCache } from '../../ports/report-cache.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { type CellTrace, runTraced, traceFusion } from '../explain/cells.ts';
import { type Identity, toPlanStatement } from '../identity/identity.ts';
import { type Plan, type Row, toQueryOptions } from '../plan.ts';
import { type Fused, fuse, type Missing } from './fusion.ts';
import { type Computation, createStampede } from './stampede.ts';

/** As of which moment, and who was who then. */
export interface Question {
  readonly project: string;
  readonly vector: PositionVector;
  readonly identity: Identity;
  /** Compute even when a cached answer is there. */
  readonly fresh: boolean;
  /** Told what became of it, where somebody asked for an explanation. */
  readonly trace?: CellTrace | undefined;
}

/** Where rows are kept. */
export type Place = Pick<Computation<readonly Row[]>, 'keys' | 'read' | 'keep'>;

/** Rows to be computed. */
export interface FlightRequest extends Omit<Missing, 'isLong'> {
  /** Names everything that the rows depend on. */
  readonly key: string;
  /** The same without the data. */
  readonly shape: string;
  readonly question: Question;
  readonly place: Place;
  /** Of a plan that is cached by bucket: which of its buckets they are. */
  readonly run?: { readonly first: number; readonly last: number };
}

/** Computed rows. */
export interface Landed {
  readonly rows: readonly Row[];
  /** Statements and rows read for this by this request: 0 when another one's computation was shared. */
  readonly statements: number;
  readonly rowsRead: number;
  /** cache: another gateway has computed them meanwhile. */
  readonly source: 'cache' | 'warehouse';
}

export interface Flights {
  /** In the order of the requests; a failure stands in its place. Never rejects. The signal ends what nobody else waits for. */
  fly(requests: readonly FlightRequest[], signal: AbortSignal): Promise<(Landed | Error)[]>;
}

interface Flight {
  readonly request: FlightRequest;
  /** Of its own computation, if it comes to that. */
  readonly landing: PromiseWithResolvers<Landed>;
  readonly answer: Promise<Landed>;
  readonly controller: AbortController;
  waiting: number;
}

interface Gathering {
  readonly project: string;
  readonly vector: PositionVector;
  readonly flights: Flight[];
}

interface FlightsDeps {
  readonly cache: ReportCache;
  readonly warehouse: Warehouse;
  readonly metrics: Metrics;
  /** Whether one statement may compute what several are missing. */
  readonly fusion: boolean;
}

/** Who asked the cache just before an answer was written there shares it, too. */
const afterglowMs = 1000;
/** With statements of the project under way, what is asked within so many milliseconds goes together. */
const gatherMs = 2;
/** What takes longer is asked for alone the next time. */
const longMs = 2000;
const mostLong = 1000;

/** Computes each thing once, however many wait for it, and what is missing at the same time in as few statements as pay off. */
export function createFlights({ cache, warehouse, metrics, fusion }: FlightsDeps): Flights {
  const stampede = createStampede(cache);
  const flights = new Map<string, Flight>();
  /** What is about to be computed, of a project as of a moment. */
  const gathering = new Set<Gathering>();
  const underWay = new Map<string, number>();
  /** Shapes that took long. */
  const long = new LRUCache<string, true>({ max: mostLong });

  const launch = (request: FlightRequest): Flight => {
    const controller = new AbortController();
    const landing = Promise.withResolvers<Landed>();
    const flight: Flight = {
      request,
      controller,
      waiting: 0,
      landing,
      answer: obtain(request, controller.signal, () => {
        gather(flight);
        return landing.promise;
      }),
    };
    const { key } = request;
    flights.set(key, flight);
    const forget = () => void (flights.get(key) === flight && flights.delete(key));
    flight.answer.then(() => setTimeout(forget, afterglowMs).unref(), forget);
    return flight;
  };

  /** Its own computation, or what another gateway computes at this moment. */
  const obtain = async (
    { key, question, place, run }: FlightRequest,
    signal: AbortSignal,
    compute: () => Promise<Landed>,
  ): Promise<Landed> => {
    // In the same turn for all, and when the flight is there.
    await null;
    const keep = async ({ rows }: Landed) => {
      // When whoever waits has them: to write them down takes longer than many an answer.
      await new Promise((resolve) => setImmediate(resolve));
      await place.keep(rows);
    };
    if (question.fresh) {
      const landed = await compute();
      void keep(landed);
      return landed;
    }
    const read = (values: readonly (Buffer | undefined)[]): Landed | undefined => {
      const rows = place.read(values);
      if (rows) {
        metrics.cells.inc({ source: 'waited' });
        question.trace?.waited(run);
      }
      return rows && { rows, source: 'cache', statements: 0, rowsRead: 0 };
    };
    return stampede.underLease({ key, keys: place.keys, read, compute, keep, signal });
  };

  const gather = (flight: Flight): void => {
    const { project, vector } = flight.request.question;
    metrics.cells.inc({ source: 'warehouse' });
    const others = [...gathering].find((one) => one.project === project && one.vector === vector);
    if (others) {
      others.flights.push(flight);
      return;
    }
    const own: Gathering = { project, vector, flights: [flight] };
    gathering.add(own);
    const start = () => {
      gathering.delete(own);
      computeGathered(own.flights);
    };
    if (underWay.has(project)) setTimeout(start, gatherMs);
    else setImmediate(start);
  };

  const computeGathered = (gathered: readonly Flight[]): void => {
    const versionOf = ({ request }: Flight) => request.question.identity.version;
    // Who is who is one for a moment, but while somebody is being deleted. Who counts no persons goes with anybody.
    const [first = '', ...others] = new Set(gathered.map(versionOf).filter((version) => version !== ''));
    computeAll(gathered.filter((flight) => [first, ''].includes(versionOf(flight))));
    for (const other of others) computeAll(gathered.filter((flight) => versionOf(flight) === other));
  };

  const toStatements = (missing: readonly Missing[], gathered: readonly Flight[]): readonly Fused[] => {
    try {
      return fusion ? fuse(missing) : missing.map(({ plan }, place) => toAlone(plan, place, 'fusion is off'));
    } catch (thrown) {
      // A mistake of ours: whoever waits is told.
      for (const { landing } of gathered) landing.reject(thrown);
      return [];
    }
  };

  const computeAll = (gathered: readonly Flight[]): void => {
    const missing = gathered.map(({ request }): Missing => ({ ...request, isLong: long.has(request.shape) }));
    const statements = toStatements(missing, gathered);
    for (const statement of statements) void compute(statement, gathered);
  };

  /** Resolves with whether there is an answer. Never rejects. */
  const compute = async ({ plan, members, why, take }: Fused, gathered: readonly Flight[]): Promise<boolean> => {
    const waiting = members.map((place) => gathered[place] as Flight);
    // The others do not look at who is who.
    const { question } = (waiting.find(({ request }) => request.question.identity.version !== '') ?? waiting[0]!)
      .request;
    const traces = waiting.map(({ request }) => request.question.trace);
    if (gathered.length > 1) traceFusion(traces, waiting.length > 1 ? 'fused' : 'apart', why);
    const { project } = question;
    const controller = new AbortController();
    // The last one to leave ends the statement.
    const leave = () => {
      if (waiting.every((flight) => flight.controller.signal.aborted))
        controller.abort(waiting[0]?.controller.signal.reason);
    };
    for (const flight of waiting) flight.controller.signal.addEventListener('abort', leave, { once: true });
    leave();
    underWay.set(project, (underWay.get(project) ?? 0) + 1);
    try {
      const options = { ...toQueryOptions(plan), project, signal: controller.signal };
      const statement = toPlanStatement(plan, question);
      const query = () => warehouse.query<Row>(statement, options);
      const { rows, rowsRead, elapsedMs } = await runTraced(traces, statement, options, query);
      take(rows).forEach((ofMember, i) => {
        // The statement counts once, for the first of them.
        const counted = i === 0 ? { statements: 1, rowsRead } : { statements: 0, rowsRead: 0 };
        const { landing, request } = waiting[i] as Flight;
        const most = request.plan.limits?.resultRows ?? Number.POSITIVE_INFINITY;
        if (ofMember.length > most) landing.reject(tooManyRows(request.plan.label, most));
        else landing.resolve({ rows: ofMember, source: 'warehouse', ...counted });
      });
      if (elapsedMs > longMs && waiting.length === 1) long.set((waiting[0] as Flight).request.shape, true);
      return true;
    } catch (thrown) {
      if (waiting.length > 1 && isWorthApart(thrown)) {
        // So that only the guilty one fails; which of them it was is not known before.
        const alone = waiting.map(({ request }, place) =>
          toAlone(request.plan, place, 'the statement for several of them failed'),
        );
        const answered = await Promise.all(alone.map((one) => compute(one, waiting)));
        // None of them by itself: it is all of them together that cost too much.
        if (answered.every(Boolean)) for (const { request } of waiting) long.set(request.shape, true);
      } else for (const { landing } of waiting) landing.reject(thrown);
      return false;
    } finally {
      const left = (underWay.get(project) ?? 1) - 1;
      if (left > 0) underWay.set(project, left);
      else underWay.delete(project);
    }
  };

  const join = async (flight: Flight, signal: AbortSignal): Promise<Landed> => {
    flight.waiting++;
    const leave = () => {
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

  return {
    fly: (requests, signal) =>
      Promise.all(
        requests.map(async (request): Promise<Landed | Error> => {
          try {
            const shared = request.question.fresh ? undefined : flights.get(request.key);
            if (shared && !shared.controller.signal.aborted) {
              metrics.cells.inc({ source: 'shared' });
              request.question.trace?.shared(request.run);
              return { ...(await join(shared, signal)), statements: 0, rowsRead: 0 };
            }
            return await join(launch(request), signal);
          } catch (thrown) {
            request.question.trace?.failed(request.run);
            return thrown instanceof Error ? thrown : new Error(String(thrown));
          }
        }),
      ),
  };
}

function toAlone(plan: Plan, place: number, why: string): Fused {
  return { plan, members: [place], why, take: (rows) => [rows] };
}

function tooManyRows(label: string, most: number): TallygateError {
  return new TallygateError('QUERY_TOO_EXPENSIVE', `${label}: expected at most ${most} rows, got more`, {
    details: { limit: 'rows', allowed: most },
  });
}

function isWorthApart(thrown: unknown): boolean {
  return isTallygateError(thrown) && thrown.code !== 'CANCELLED' && thrown.code !== 'WAREHOUSE_UNAVAILABLE';
}
