import type { DocumentNode } from 'graphql';
import type { Credential, Right } from '../src/config.ts';
import type { Deletions } from '../src/ingest/deletion/request.ts';
import type { Tracker } from '../src/ingest/tracker.ts';
import type { Recorder } from '../src/reports/explain/explain.ts';
import type { Change } from '../src/reports/price/change.ts';
import type { EventCounts } from '../src/reports/price/facts.ts';
import type { DrySession } from '../src/reports/price/session.ts';
import type { ReportRequest } from '../src/reports/reports.ts';

/** Who sent the request, by its credential. */
export interface Caller {
  readonly project: Credential['project'];
  readonly right: Right;
  /** A short public name of the credential. */
  readonly keyId: string;
}

/** Somebody wants to know why the answer is as it is. */
export interface ExplainRequest {
  /** null where that may not be shown. */
  readonly recorder: Recorder | null;
  /** Why not. */
  readonly note: string | null;
}

/** What a resolver may use; made for each request. */
export interface Context {
  /** null without an Authorization header; an unknown credential does not get here. */
  readonly caller: Caller | null;
  readonly tracker: Tracker;
  readonly deletions: Deletions;
  /** undefined when nobody asks for an explanation. */
  readonly explain?: ExplainRequest | undefined;
  /** Reports of this operation for a project; the same object for all its fields. */
  reports(project: string): ReportRequest;
  readonly prices: Prices;
}

/** What prices are made with. */
export interface Prices {
  /** An operation as it would be accepted at the edge. Throws INVALID_INPUT. */
  parse(query: string): DocumentNode;
  /** The reports of a project, which note what they would compute and compute nothing. */
  begin(project: string, change: Change | null): { readonly dry: DrySession; readonly request: ReportRequest };
  eventCounts(project: string): Promise<EventCounts>;
  /** Most that one operation may cost; null: no limit. */
  mostOf(caller: Caller): number | null;
}
