export interface SinkOptions {
  readonly group: string;
  readonly batchRows: number;
  readonly batchBytes: number;
  /** Longest time to collect rows for one insert, in milliseconds; also the shortest time between two of them. */
  readonly lingerMs: number;
  readonly windowHours: number;
  /**
   * Check at the start of a lease that what was stored of late is there, from the log. For a warehouse on this machine's
   * disk, which may lose what it has acknowledged when the power goes.
   */
  readonly verifyRecent: boolean;
  /** First pause before another try of what failed, in milliseconds. Default: 100. */
  readonly retryMs?: number;
  /**
   * The sink ends with SINK_STALLED when records wait and not one step has come to an end for so long, in milliseconds.
   * Default: 5 minutes.
   */
  readonly stallMs?: number;
  /** Bytes for the windows of repeats of all partitions. Default: 512 MiB. */
  readonly dedupBytes?: number;
}
