import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WarehouseFacts } from '../../adapters/clickhouse/probe.ts';
import type { Config } from '../../config.ts';
import { isTallygateError } from '../../errors.ts';
import { type Finding, ok, problem, toReason, toShown, warning } from './finding.ts';

export interface WarehouseReport {
  readonly findings: readonly Finding[];
  /** Whether it has tables that can be asked. */
  readonly isUsable: boolean;
}

/** Older ones do not have the settings that bound the columns of a part: see docs/decisions/0024-few-columns-a-part.md. */
const oldest = [26, 1] as const;
const gibibyte = 1024 ** 3;
const noticeableMs = 2000;

export async function checkServer(config: Config, url: string, timeoutMs: number): Promise<WarehouseReport> {
  const about = 'ClickHouse';
  try {
    const { probeServer } = await import('../../adapters/clickhouse/probe.ts');
    const facts = await probeServer({
      url,
      user: config.CLICKHOUSE_USER,
      password: config.CLICKHOUSE_PASSWORD,
      database: config.CLICKHOUSE_DATABASE,
      cluster: config.CLICKHOUSE_CLUSTER,
      timeoutMs,
    });
    const findings = [
      judgeVersion(facts),
      judgeTables(config, facts),
      judgeClock(facts),
      ...judgeRights(config, facts),
    ];
    findings.push(...facts.clusterProblems.map((says) => problem('ClickHouse cluster', says)));
    if (facts.freeBytes !== null && facts.freeBytes < 10 * gibibyte)
      findings.push(
        warning(
          'ClickHouse disk',
          `${(facts.freeBytes / gibibyte).toFixed(1)} GiB free on its fullest disk: make room`,
        ),
      );
    return { findings, isUsable: facts.missingTables.length === 0 };
  } catch (thrown) {
    const says = `${toShown(url)}: ${toReason(thrown)}. While it is away, tracking goes on and reports are refused`;
    return { findings: [problem(about, says)], isUsable: false };
  }
}

/** `isInUse`: a process has the log beside it, and so has it. */
export async function checkEngine(config: Config, isInUse: boolean): Promise<WarehouseReport> {
  const about = 'warehouse';
  const folder = join(config.DATA_DIR, 'warehouse');
  const isThere = existsSync(folder);
  if (isThere && !isInUse) {
    try {
      const facts = await probe(folder, config.CLICKHOUSE_DATABASE);
      const findings = [ok(about, `embedded, the engine is ClickHouse ${facts.version}`)];
      if (facts.pending.length > 0)
        findings.push(ok(about, `the next start makes its tables (${facts.pending.join(', ')})`));
      findings.push(...facts.refusals.map((says) => problem(about, `the table does not work: ${says}`)));
      return { findings, isUsable: facts.missingTables.length + facts.pending.length === 0 };
    } catch (thrown) {
      if (!isTallygateError(thrown) || thrown.code !== 'STORE_IN_USE')
        return {
          findings: [problem(about, `the embedded engine does not start: ${toReason(thrown)}`)],
          isUsable: false,
        };
    }
  }
  const nowhere = await mkdtemp(join(tmpdir(), 'tallygate-doctor-'));
  try {
    const { version } = await probe(nowhere, config.CLICKHOUSE_DATABASE);
    const state = isThere ? 'in use by another process, so what is in it was not looked at' : 'empty so far';
    return { findings: [ok(about, `embedded, the engine is ClickHouse ${version}; ${state}`)], isUsable: false };
  } catch (thrown) {
    return { findings: [problem(about, `the embedded engine does not start: ${toReason(thrown)}`)], isUsable: false };
  } finally {
    await rm(nowhere, { recursive: true, force: true });
  }
}

async function probe(folder: string, database: string): Promise<WarehouseFacts> {
  const { probeEngine } = await import('../../adapters/clickhouse/probe.ts');
  return probeEngine(folder, database);
}

export function judgeVersion({ version }: Pick<WarehouseFacts, 'version'>): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
  return isOld
    ? problem('ClickHouse', `expected ${oldest.join('.')} or newer, this is ${version}: upgrade it`)
    : ok('ClickHouse', `${version} answers`);
}

function judgeTables({ CLICKHOUSE_DATABASE, MIGRATE_AT_START }: Config, facts: WarehouseFacts): Finding {
  const about = 'ClickHouse tables';
  const { hasDatabase, missingTables, pending } = facts;
  if (hasDatabase && missingTables.length === 0 && pending.length === 0)
    return ok(about, `all there, in database "${CLICKHOUSE_DATABASE}"`);
  const what = !hasDatabase
    ? `there is no database "${CLICKHOUSE_DATABASE}", or this user may not see it`
    : pending.length > 0
      ? `database "${CLICKHOUSE_DATABASE}" lacks ${pending.join(', ')}`
      : `database "${CLICKHOUSE_DATABASE}" lacks tables that were made once: ${missingTables.join(', ')}`;
  if (hasDatabase && pending.length === 0) return problem(about, `${what}. Restore them, or let this user see them`);
  return MIGRATE_AT_START
    ? warning(about, `${what}: it is made at the next start, or now by "tallygate migrate"`)
    : problem(about, `${what}: run "tallygate migrate"`);
}

function judgeClock({ clockAheadMs }: WarehouseFacts): Finding {
  const about = 'ClickHouse clock';
  const seconds = Math.abs(clockAheadMs / 1000).toFixed(1);
  return Math.abs(clockAheadMs) < noticeableMs
    ? ok(about, `within ${noticeableMs / 1000} s of ours`)
    : warning(
        about,
        `${seconds} s ${clockAheadMs > 0 ? 'ahead of' : 'behind'} ours, so the ledger's minutes are not those of the events: let both follow the same time server`,
      );
}

function judgeRights({ CLICKHOUSE_USER }: Config, { refusals, missingTables }: WarehouseFacts): Finding[] {
  const about = 'ClickHouse rights';
  if (refusals.length > 0)
    return refusals.map((says) =>
      problem(about, `user "${CLICKHOUSE_USER}" is refused by ${says}. Grant it SELECT and INSERT`),
    );
  return missingTables.length > 0 ? [] : [ok(about, `user "${CLICKHOUSE_USER}" may read and write every table`)];
}
