import type { FreshnessInput } from '../moment/moment.ts';
import type { ReportMeta, Session } from '../session.ts';
import { parseDescription, toExpected } from './cohort.ts';
import {
  assertSize,
  type Definition,
  type Definitions,
  type DeleteInput,
  parseName,
  parseVersions,
  type VersionsInput,
} from './definitions.ts';

export interface SaveReportInput {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly document: string;
  readonly expectedVersion?: number | null | undefined;
}

/** An operation by name. What it asks and takes is for whoever executes it. */
export interface SavedReport {
  readonly name: string;
  readonly description: string | null;
  readonly document: string;
  readonly version: number;
  readonly savedAt: Date;
  readonly savedBy: string;
  versions(page: VersionsInput): Promise<readonly SavedReportVersion[]>;
}

interface SavedReportVersion {
  readonly version: number;
  readonly savedAt: Date;
  readonly savedBy: string;
  readonly deleted: boolean;
  readonly document: string | null;
}

interface Content {
  readonly description: string | null;
  readonly document: string;
}

const largest = 32 * 1024;

/** Saved reports of a project, in one operation. */
export function createSavedReports(session: Session, definitions: Definitions) {
  const { project } = session;
  const toReport = (stored: Definition): SavedReport => ({
    ...(JSON.parse(stored.content) as Content),
    name: stored.name,
    version: stored.version,
    savedAt: new Date(stored.savedAt),
    savedBy: stored.savedBy,
    async versions(page) {
      const found = await definitions.versions(project, 'report', stored.name, parseVersions(page));
      return found.map(({ version, savedAt, savedBy, deleted, content }) => ({
        version,
        savedAt: new Date(savedAt),
        savedBy,
        deleted,
        document: deleted ? null : (JSON.parse(content) as Content).document,
      }));
    },
  });
  return {
    /** Runs one as a report of the operation: what it asks is of the operation's moment. */
    run: async <T>(
      freshness: FreshnessInput | null | undefined,
      name: string,
      execute: (report: SavedReport) => Promise<T>,
    ): Promise<T & { readonly meta: ReportMeta }> => {
      // Not within it: a report inside may ask what all reports that are under way will have cost.
      const moment = await session.report(freshness, async (resolved) => resolved);
      const answer = await execute(toReport(await definitions.get(project, 'report', name)));
      return { ...answer, meta: session.toMeta(moment, []) };
    },
    list: async () => (await definitions.list(project, 'report')).map(toReport),
    /** `input.document` is one that can be executed. */
    async save(keyId: string, input: SaveReportInput): Promise<SavedReport> {
      const content: Content = { description: parseDescription(input.description), document: input.document };
      return toReport(
        await definitions.save(project, keyId, {
          kind: 'report',
          name: parseName(input.name),
          expectedVersion: toExpected(input.expectedVersion),
          content: assertSize(JSON.stringify(content), largest, 'document'),
        }),
      );
    },
    async remove(keyId: string, input: DeleteInput) {
      const { version } = await definitions.save(project, keyId, {
        kind: 'report',
        name: input.name,
        expectedVersion: toExpected(input.expectedVersion),
        content: null,
      });
      return { name: input.name, version };
    },
  };
}
