import type { Credential, Right } from '../src/config.ts';
import type { Deletions } from '../src/ingest/deletion/request.ts';
import type { Tracker } from '../src/ingest/tracker.ts';
import type { Recorder } from '../src/reports/explain.ts';
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
}
