/** What the sink needs to know of a record. Times are milliseconds since 1970. */
export interface RecordFacts {
  readonly project: string;
  /** The public name of the write key. */
  readonly keyId: string;
  readonly messageId: string;
  /** CRC-32 of what the client said: tells a second try from another event under the same id. */
  readonly fingerprint: number;
  readonly receivedAt: number;
  readonly time: number;
  readonly dead: { readonly code: string; readonly message: string } | null;
}
