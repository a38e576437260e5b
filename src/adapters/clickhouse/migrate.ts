import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TallygateError } from '../../errors.ts';

const folder = join(import.meta.dirname, 'migrations');

export interface Variant {
  readonly database: string;
  /** Tables become replicated, with distributed ones in front. */
  readonly cluster: string | undefined;
}

export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

/** How long the engine remembers tokens of inserts: see docs/architecture.md on why a token is needed but not enough. */
const rememberedInserts = 20_000;

/**
 * Fills in the macros of a migration:
 * `{{table T}}` the table that holds rows, `{{on_cluster}}`, `{{engine E}}`, `{{durable}}` settings, and
 * `{{distributed T by KEY}}`, the table in front of all shards; an insert goes to one shard, since a batch has one key.
 */
export function expandMigration(sql: string, { database, cluster }: Variant): string {
  return sql.replace(/\{\{(\w+)(?: (\w+))?(?: by (\w+))?\}\}/g, (macro, name: string, argument = '', key = '') => {
    switch (name) {
      case 'table':
        return cluster ? `${argument}_local` : argument;
      case 'on_cluster':
        return cluster ? `ON CLUSTER '${cluster}'` : '';
      case 'engine':
        return cluster
          ? `Replicated${argument}('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')`
          : argument;
      case 'durable':
        return cluster
          ? `replicated_deduplication_window = ${rememberedInserts}, replicated_deduplication_window_seconds = 86400`
          : `non_replicated_deduplication_window = ${rememberedInserts}, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1`;
      case 'distributed':
        return cluster
          ? `CREATE TABLE IF NOT EXISTS ${argument} ON CLUSTER '${cluster}' AS ${argument}_local ENGINE = Distributed('${cluster}', '${database}', '${argument}_local', ${key});`
          : '';
      default:
        throw new TallygateError('INTERNAL', `expected a known macro in a migration, got ${macro}`);
    }
  });
}

/** All migrations in order, for one variant of the tables. */
export function readMigrations(variant: Variant): Migration[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const withoutComments = readFileSync(join(folder, file), 'utf8').replace(/^\s*--.*$/gm, '');
      const statements = expandMigration(withoutComments, variant)
        .split(/;\s*(?:\n|$)/)
        .map((s) => s.trim())
        .filter(Boolean);
      return { name: file.replace(/\.sql$/, ''), statements };
    });
}

export interface MigrationDatabase {
  command(sql: string): Promise<void>;
  /** Names that are recorded as applied. */
  applied(): Promise<readonly string[]>;
  record(name: string): Promise<void>;
}

/** Applies what is pending. Every statement is idempotent, so that two processes may do it at once and a killed one may do it again. */
export async function runMigrations(migrations: readonly Migration[], database: MigrationDatabase): Promise<string[]> {
  const done = new Set(await database.applied());
  const applied: string[] = [];
  for (const { name, statements } of migrations) {
    if (done.has(name)) continue;
    for (const statement of statements) await database.command(statement);
    await database.record(name);
    applied.push(name);
  }
  return applied;
}
