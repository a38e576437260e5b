import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { TallygateError } from '../../errors.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { showName, toMeant } from '../near.ts';

export type DefinitionKind = 'cohort' | 'report';

/** A version of what was saved under a name. */
export interface Definition {
  readonly kind: DefinitionKind;
  readonly name: string;
  /** From 1; the greatest one counts. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
  /** The public name of the credential that saved it. */
  readonly savedBy: string;
  readonly deleted: boolean;
  /** JSON; '' of a deletion. */
  readonly content: string;
}

export interface SaveRequest {
  readonly kind: DefinitionKind;
  readonly name: string;
  /** null: there is none. undefined: whatever is there is replaced. */
  readonly expectedVersion?: number | null | undefined;
  /** null deletes. */
  readonly content: string | null;
}

export interface DeleteInput {
  readonly name: string;
  readonly expectedVersion?: number | null | undefined;
}

/** Cohorts and saved reports of all projects. What this process saved, it sees at once; what others saved, a second later. */
export interface Definitions {
  /** Those that are not deleted, by name. */
  list(project: string, kind: DefinitionKind): Promise<readonly Definition[]>;
  /** Throws NOT_FOUND, with a near name. */
  get(project: string, kind: DefinitionKind, name: string): Promise<Definition>;
  /** null when there is no such version. */
  version(project: string, kind: DefinitionKind, name: string, version: number): Promise<Definition | null>;
  /** The newest first; below `before`. */
  versions(
    project: string,
    kind: DefinitionKind,
    name: string,
    page: { readonly first: number; readonly before: number },
  ): Promise<readonly Definition[]>;
  /** The version that counts from now on. Throws CONFLICT when another one than expected is there. */
  save(project: string, keyId: string, request: SaveRequest): Promise<Definition>;
}

interface DefinitionsDeps {
  readonly warehouse: Warehouse;
  readonly clock: () => number;
}

interface Row {
  readonly kind: DefinitionKind;
  readonly name: string;
  readonly version: number;
  readonly at: string;
  readonly key_id: string;
  readonly save_id: string;
  readonly deleted: boolean;
  readonly content: string;
}

interface Stored extends Definition {
  readonly saveId: string;
}

interface Reading {
  /** By the clock of performance.now(). */
  readonly at: number;
  /** Rows are only added: as many as before are the same. */
  readonly rows: string;
  readonly newest: ReadonlyMap<string, Stored>;
}

const staleMs = 1000;
/** Least time between two readings for a name that is not known. */
const againMs = 250;
const mostOfKind = 500;
const mostProjects = 200;
const mostPinned = 2000;
/** How often a save is looked for, and how long between: a replica may be behind. */
const looks = 20;
const lookMs = 100;
const tries = 5;

const columns = 'kind, name, version, toUnixTimestamp64Milli(saved_at) AS at, key_id, save_id, deleted, content';

export function createDefinitions({ warehouse, clock }: DefinitionsDeps): Definitions {
  const readings = new LRUCache<string, Reading>({ max: mostProjects });
  const underway = new Map<string, Promise<Reading>>();
  const pinned = new LRUCache<string, Promise<Definition | null>>({ max: mostPinned });
  /** The last save of each name that others have to wait for. */
  const turns = new Map<string, Promise<void>>();
  const options = (project: string) =>
    ({ label: 'definitions', project, lane: 'ledger', limits: { resultRows: 100_000 } }) as const;

  const readRows = async (project: string): Promise<Reading> => {
    const at = performance.now();
    const known = readings.get(project);
    const { rows: counts } = await warehouse.query<{ n: string }>(
      { sql: 'SELECT count() AS n FROM definitions WHERE project = {project:String}', params: { project } },
      options(project),
    );
    const rows = counts[0]?.n ?? '0';
    const newest = known && known.rows === rows ? known.newest : await readNewest(project, known?.newest);
    const reading = { at, rows, newest };
    readings.set(project, reading);
    return reading;
  };

  const readNewest = async (project: string, known: Reading['newest'] = new Map()) => {
    const { rows } = await warehouse.query<Row>(
      {
        sql: `SELECT ${columns} FROM definitions WHERE project = {project:String}
              ORDER BY kind, name, version DESC, saved_at, save_id LIMIT 1 BY kind, name`,
        params: { project },
      },
      options(project),
    );
    const newest = new Map(rows.map((row) => [toKey(row), toStored(row)]));
    // A replica that is behind takes nothing back.
    for (const [key, stored] of known) if (stored.version > (newest.get(key)?.version ?? 0)) newest.set(key, stored);
    return newest;
  };

  /** A reading that began at most so long ago; with 0, one that begins now. */
  const read = async (project: string, maxAgeMs: number): Promise<Reading> => {
    const known = readings.get(project);
    if (known && maxAgeMs > 0 && performance.now() - known.at <= maxAgeMs) return known;
    const shared = underway.get(project);
    if (shared && maxAgeMs > 0) return shared;
    await shared?.catch(() => {});
    const reading = underway.get(project) ?? readRows(project).finally(() => underway.delete(project));
    underway.set(project, reading);
    return reading;
  };

  const readVersions = async (
    project: string,
    kind: DefinitionKind,
    name: string,
    { first, before, least = 0 }: { readonly first: number; readonly before: number; readonly least?: number },
  ) => {
    const { rows } = await warehouse.query<Row>(
      {
        sql: `SELECT ${columns} FROM definitions
              WHERE project = {project:String} AND kind = {kind:String} AND name = {name:String}
                AND version < {before:UInt64} AND version >= {least:UInt32}
              ORDER BY version DESC, saved_at, save_id LIMIT 1 BY version LIMIT {first:UInt32}`,
        params: { project, kind, name, before, least, first },
      },
      options(project),
    );
    return rows.map(toStored);
  };

  /** Those that replace whatever is there wait for each other, so that many of them at one gateway never run out of tries. */
  const inTurn = (key: string, save: () => Promise<Definition>): Promise<Definition> => {
    const saved = (turns.get(key) ?? Promise.resolve()).then(save);
    const forget = () => {
      if (turns.get(key) === turn) turns.delete(key);
    };
    const turn: Promise<void> = saved.then(forget, forget);
    turns.set(key, turn);
    return saved;
  };

  const insert = async (project: string, keyId: string, made: Stored) => {
    const line = {
      project,
      kind: made.kind,
      name: made.name,
      version: made.version,
      saved_at: made.savedAt,
      key_id: keyId,
      save_id: made.saveId,
      deleted: made.deleted,
      content: made.content,
    };
    const named = createHash('sha256')
      .update(JSON.stringify([project, made.kind, made.name]))
      .digest('hex');
    await warehouse.insert('definitions', Buffer.from(`${JSON.stringify(line)}\n`), {
      // Of all that save this version, the engine stores one.
      token: `definition:${named}:${made.version}`,
    });
  };

  /** Whether this is the one that was stored under its number. */
  const isStored = async (project: string, { kind, name, version, saveId }: Stored): Promise<boolean> => {
    for (let look = 0; look < looks; look++) {
      const [found] = await readVersions(project, kind, name, { first: 1, before: version + 1, least: version });
      if (found) return found.saveId === saveId;
      await sleep(lookMs);
    }
    throw new TallygateError('WAREHOUSE_UNAVAILABLE', 'expected to see what was saved, got nothing yet: save it again');
  };

  const saveOnce = async (
    project: string,
    keyId: string,
    { kind, name, expectedVersion, content }: SaveRequest,
  ): Promise<Definition> => {
    for (let attempt = 0; attempt < tries; attempt++) {
      const { newest } = await read(project, 0);
      const before = newest.get(toKey({ kind, name }));
      const version = before === undefined || before.deleted ? null : before.version;
      const isSame = before && (before.deleted ? content === null : before.content === content);
      const isExpected = expectedVersion === undefined || expectedVersion === version;
      // Sent again by whoever did not get the answer, or saved without a change.
      const isAgain = isSame && before.savedBy === keyId && before.version === (expectedVersion ?? 0) + 1;
      if (isSame && (isExpected || isAgain)) return before;
      if (!isExpected) throw conflict(kind, name, expectedVersion ?? null, before);
      if (content === null && version === null) {
        throw unknown(kind, name, newest);
      }
      if (version === null && ofKind(newest, kind).length >= mostOfKind)
        throw new TallygateError(
          'INVALID_INPUT',
          `expected at most ${mostOfKind} ${words[kind]}s in a project, got one more: delete one first`,
        );
      const made: Stored = {
        kind,
        name,
        version: (before?.version ?? 0) + 1,
        savedAt: Math.round(clock()),
        savedBy: keyId,
        deleted: content === null,
        content: content ?? '',
        saveId: randomUUID(),
      };
      await insert(project, keyId, made);
      if (await isStored(project, made)) {
        const reading = readings.get(project);
        const newer = new Map(reading?.newest).set(toKey(made), made);
        readings.set(project, { at: Number.NEGATIVE_INFINITY, rows: '', newest: newer });
        return made;
      }
      if (expectedVersion !== undefined) {
        const { newest: present } = await read(project, 0);
        throw conflict(kind, name, expectedVersion, present.get(toKey({ kind, name })));
      }
    }
    throw new TallygateError(
      'CONFLICT',
      `expected ${words[kind]} ${showName(name)} to be saved by one at a time, got ${tries} other versions while this one was tried: look at it, and save again`,
    );
  };

  return {
    async list(project, kind) {
      const { newest } = await read(project, staleMs);
      return ofKind(newest, kind).sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async get(project, kind, name) {
      for (const maxAgeMs of [staleMs, againMs]) {
        const stored = (await read(project, maxAgeMs)).newest.get(toKey({ kind, name }));
        if (stored && !stored.deleted) return stored;
      }
      throw unknown(kind, name, (await read(project, staleMs)).newest);
    },
    version(project, kind, name, version) {
      const key = JSON.stringify([project, kind, name, version]);
      const known = pinned.get(key);
      if (known) return known;
      const reading = readVersions(project, kind, name, { first: 1, before: version + 1, least: version }).then(
        ([found]) => found ?? null,
      );
      pinned.set(key, reading);
      const forget = () => void pinned.delete(key);
      reading.then((found) => found === null && forget(), forget);
      return reading;
    },
    versions: readVersions,
    save(project, keyId, request) {
      const save = () => saveOnce(project, keyId, request);
      const { kind, name, expectedVersion } = request;
      return expectedVersion === undefined ? inTurn(JSON.stringify([project, kind, name]), save) : save();
    },
  };
}

const words: Record<DefinitionKind, string> = { cohort: 'cohort', report: 'saved report' };

/** What is there under a name. */
function ofKind(newest: Reading['newest'], kind: DefinitionKind): Stored[] {
  return [...newest.values()].filter((stored) => stored.kind === kind && !stored.deleted);
}

function unknown(kind: DefinitionKind, name: string, newest: Reading['newest']): TallygateError {
  const known = ofKind(newest, kind).map((stored) => stored.name);
  return new TallygateError('NOT_FOUND', `no ${words[kind]} is named ${toMeant(name, known)}`);
}

function conflict(kind: DefinitionKind, name: string, expected: number | null, found: Stored | undefined) {
  const is = found === undefined || found.deleted ? 'none' : `version ${found.version}`;
  const by = found ? `, ${found.deleted ? 'deleted' : 'saved'} by ${found.savedBy}` : '';
  return new TallygateError(
    'CONFLICT',
    `expectedVersion: expected ${expected === null ? 'that there is none yet' : `version ${expected}`} of ${words[kind]} ${showName(name)}, got ${is}${by}: look at it, and save again with its version`,
    { details: { version: found === undefined || found.deleted ? null : found.version } },
  );
}

function toKey({ kind, name }: { readonly kind: DefinitionKind; readonly name: string }): string {
  return `${kind} ${name}`;
}

function toStored(row: Row): Stored {
  return {
    kind: row.kind,
    name: row.name,
    version: row.version,
    savedAt: Number(row.at),
    savedBy: row.key_id,
    deleted: row.deleted,
    content: row.content,
    saveId: row.save_id,
  };
}

const longestName = 100;

/** Throws INVALID_INPUT for a name that nobody could type again. */
export function parseName(name: string): string {
  const wellFormed = name.toWellFormed();
  if (wellFormed.length === 0 || wellFormed.length > longestName)
    throw new TallygateError(
      'INVALID_INPUT',
      `name: expected 1 to ${longestName} characters, got ${wellFormed.length}`,
    );
  if (wellFormed !== wellFormed.trim() || /\p{Cc}/u.test(wellFormed))
    throw new TallygateError(
      'INVALID_INPUT',
      `name: expected no space at either end and no control character, got ${showName(wellFormed)}`,
    );
  return wellFormed;
}

/** Throws INVALID_INPUT. */
export function assertSize(content: string, most: number, what: string): string {
  const bytes = Buffer.byteLength(content);
  if (bytes > most)
    throw new TallygateError('INVALID_INPUT', `${what}: expected at most ${most} bytes as JSON, got ${bytes}`);
  return content;
}

export interface VersionsInput {
  readonly first?: number | null | undefined;
  readonly before?: number | null | undefined;
}

/** Throws INVALID_INPUT. */
export function parseVersions({ first, before }: VersionsInput): { readonly first: number; readonly before: number } {
  const asked = first ?? 20;
  if (asked < 1 || asked > 100) throw new TallygateError('INVALID_INPUT', `first: expected 1 to 100, got ${asked}`);
  return { first: asked, before: Math.max(0, before ?? 2 ** 31) };
}
