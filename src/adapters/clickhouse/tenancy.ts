import { TallygateError } from '../../errors.ts';
import type { Variant } from './migrate.ts';

/** Tables whose rows belong to projects. */
export const tenantTables = [
  'events',
  'dead_letters',
  'repeats',
  'ledger',
  'rollup_hourly',
  'receipts',
  'identity_edges',
  'definitions',
  'tombstones',
  'deletions',
] as const;

/** A statement's log_comment: by its end it is found and ended, by its beginning a row policy knows whose it is. */
export function toComment(project: string | undefined, id: string): string {
  return project === undefined ? id : `project=${assertProject(project)} ${id}`;
}

/** For a row policy: the rows of the project that the statement's comment names; none without one. */
export const ofStatementsProject = "project = extract(getSetting('log_comment'), '^project=([a-z0-9_-]+) ')";

/** The setting that lets the engine itself keep a statement to a project, on any server and for any user. */
export function toTableFilters(project: string, { cluster }: Variant): string {
  const filter = `project = \\'${assertProject(project)}\\'`;
  return `additional_table_filters = {${namesOf(cluster)
    .map((table) => `'${table}': '${filter}'`)
    .join(', ')}}`;
}

/**
 * Row policies by which the user of reports sees one project's rows or none, and everybody else all of them, whatever
 * the server's default for users without a policy is.
 */
export function toPolicies({ database, cluster }: Variant, reportsUser: string): string[] {
  const onCluster = cluster ? ` ON CLUSTER '${cluster}'` : '';
  const user = assertUser(reportsUser);
  return namesOf(cluster).flatMap((table) => [
    `CREATE ROW POLICY OR REPLACE tallygate_project${onCluster} ON ${database}.${table} FOR SELECT USING ${ofStatementsProject} TO ${user}`,
    `CREATE ROW POLICY OR REPLACE tallygate_others${onCluster} ON ${database}.${table} FOR SELECT USING 1 TO ALL EXCEPT ${user}`,
  ]);
}

function namesOf(cluster: string | undefined): readonly string[] {
  return cluster ? tenantTables.flatMap((table) => [table, `${table}_local`]) : tenantTables;
}

export function assertProject(project: string): string {
  if (!/^[a-z0-9_-]{1,63}$/.test(project))
    throw new RangeError(`expected a project's name, got ${JSON.stringify(project)}`);
  return project;
}

function assertUser(user: string): string {
  if (!/^[\w.@-]{1,63}$/.test(user))
    throw new TallygateError(
      'CONFIG_INVALID',
      `CLICKHOUSE_REPORTS_USER: expected letters, digits and _.@-, got ${JSON.stringify(user)}`,
    );
  return `\`${user}\``;
}
