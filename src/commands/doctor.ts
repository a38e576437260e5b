import type { Config, Surroundings } from '../config.ts';
import { isTallygateError } from '../errors.ts';
import { isEmbedded } from '../roles/backends.ts';
import { checkCache } from './doctor/cache.ts';
import { checkDataFolder } from './doctor/data-folder.ts';
import { checkEntities } from './doctor/entities.ts';
import { type Finding, problem, toLine, toReason, withinMs } from './doctor/finding.ts';
import { checkEmbeddedLog, checkKafka } from './doctor/log.ts';
import { checkPositions } from './doctor/positions.ts';
import {
  checkCredentials,
  checkNames,
  checkNode,
  checkOpenFiles,
  checkThreads,
  checkTracing,
  toMistakes,
} from './doctor/process.ts';
import { checkEngine, checkServer } from './doctor/warehouse.ts';

/** Longest time of one question to a backend, and of all questions to one. */
const questionMs = 2500;
const checkMs = 4000;

/**
 * `tallygate doctor`: prints a line for everything that was looked at, in a fixed order, and then a count. Resolves with
 * the exit code: 0 when there is no problem. Backends are asked side by side, each for a few seconds at most.
 */
export async function runDoctor(
  readConfig: () => Config,
  surroundings: Surroundings,
  print: (line: string) => void,
): Promise<number> {
  const said: Finding[] = [];
  const say = (findings: readonly Finding[]) => {
    for (const finding of findings) print(toLine(finding));
    said.push(...findings);
  };
  const config = readOrNull(readConfig, say);
  say([...checkNames(surroundings.names), checkNode(process.versions.node)]);
  if (config !== null) {
    say([checkThreads(config, surroundings.threads), ...checkOpenFiles(config)]);
    say([...checkCredentials(config), ...checkEntities(config)]);
    for (const part of startChecks(config)) say(await part);
  }
  const count = (state: Finding['state']) => said.filter((finding) => finding.state === state).length;
  const shown = (state: Finding['state']) => `${count(state)} ${state}${count(state) === 1 ? '' : 's'}`;
  const rest = config === null ? '; backends are looked at when the settings can be read' : '';
  print(`${shown('problem')}, ${shown('warning')}${rest}`);
  return count('problem') === 0 ? 0 : 1;
}

function readOrNull(readConfig: () => Config, say: (findings: readonly Finding[]) => void): Config | null {
  try {
    const config = readConfig();
    say([{ state: 'ok', about: 'settings', says: 'can all be read' }]);
    return config;
  } catch (thrown) {
    if (!isTallygateError(thrown) || thrown.code !== 'CONFIG_INVALID') throw thrown;
    say(toMistakes(thrown));
    return null;
  }
}

/** Begins everything at once; what it comes to is in the order in which it is shown. */
function startChecks(config: Config): Promise<readonly Finding[]>[] {
  const { KAFKA_BROKERS: brokers, CLICKHOUSE_URL: url, COUCHBASE_URL: cache } = config;
  const embedded = isEmbedded(config);
  const log = withinMs(checkMs, brokers ? checkKafka(config, brokers, questionMs) : checkEmbeddedLog(config));
  // The engine opens its folder for this process alone: only when nobody has the log beside it.
  const warehouse = url
    ? withinMs(checkMs, checkServer(config, url, questionMs))
    : log.then(({ isInUse }) => checkEngine(config, isInUse));
  const positions = Promise.all([log, warehouse]).then(
    ([{ ends, begins }, { isUsable }]): Outcome | Promise<Outcome> =>
      ends && isUsable ? checkPositions(config, ends, begins) : [],
    (): Outcome => [],
  );
  return [
    ...(embedded.log || embedded.warehouse ? [guard('DATA_DIR', checkDataFolder(config))] : []),
    guard(embedded.log ? 'log' : 'Kafka', log),
    guard(embedded.warehouse ? 'warehouse' : 'ClickHouse', warehouse),
    guard('positions', positions),
    ...(cache ? [guard('Couchbase', checkCache(config, cache, questionMs))] : []),
    guard('tracing', checkTracing(config, questionMs)),
  ];
}

type Outcome = Finding | readonly Finding[] | { readonly findings: readonly Finding[] };

/** Never rejects: what goes wrong is a finding. */
async function guard(about: string, work: Promise<Outcome>): Promise<readonly Finding[]> {
  try {
    const outcome = await work;
    if ('findings' in outcome) return outcome.findings;
    return 'says' in outcome ? [outcome] : outcome;
  } catch (thrown) {
    return [problem(about, toReason(thrown))];
  }
}
