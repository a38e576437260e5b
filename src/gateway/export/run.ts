import type { FastifyReply } from 'fastify';
import { isTallygateError, TallygateError } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Encoder } from './format.ts';
import type { ExportRequest } from './request.ts';
import { parseRowCount, toResume } from './resume.ts';
import type { Ask, OpenTable, Page } from './table.ts';
import { cut, finish, write } from './write.ts';

export interface Assignment extends ExportRequest {
  /** As the schema coerced them. */
  readonly args: never;
  readonly question: string;
  /** Behind which row it begins; null for the beginning. */
  readonly after: string | null;
}

export interface RunDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * Writes an export; resolves with how it ended, ok or a code. Rejects with what fails before the first byte: that is answered
 * like every other error.
 */
export async function runExport(
  asked: Assignment,
  ask: Ask,
  reply: FastifyReply,
  signal: AbortSignal,
  { logger, metrics }: RunDeps,
): Promise<string> {
  const { table, format, writer, after } = asked;
  const { meta, pages } = await table.open(ask, asked.args);
  const resume = toResume(asked.question, meta.snapshot);
  const rest = take(pages, table.hasPositions ?? false, after, asked.mostRows);
  // What fails before there is anything to send is answered as such.
  let page = await rest.next();
  const encoder = await writer.open({
    columns: table.columns,
    facts: { snapshot: meta.snapshot, asOf: meta.asOf, resume: after === null ? resume : `${resume}:${after}` },
    isContinued: after !== null,
    spreadsheet: asked.spreadsheet,
  });
  begin(reply, writer.mediaType, meta, resume);
  const labels = { report: table.name, format };
  let position = after;
  const send = async (bytes: Uint8Array | null) => {
    if (bytes === null || bytes.length === 0) return;
    metrics.exportBytes.inc(labels, bytes.length);
    await write(reply.raw, bytes, signal);
  };
  const here = () => (position === null ? resume : `${resume}:${position}`);
  try {
    await send(encoder.begin());
    while (!page.done) {
      signal.throwIfAborted();
      const sent = send(encoder.rows(page.value.rows));
      // They are on their way from here on, whatever comes while they wait.
      position = page.value.position;
      metrics.exportRows.inc(labels, page.value.rows.length);
      await sent;
      page = await rest.next();
    }
    await send(encoder.end(here()));
    await finish(reply.raw, signal);
    return 'ok';
  } catch (thrown) {
    return fail(signal.aborted ? signal.reason : thrown, reply, encoder, here(), logger);
  }
}

function fail(reason: unknown, reply: FastifyReply, encoder: Encoder, resume: string, logger: Logger): string {
  const error = isTallygateError(reason) ? reason : new TallygateError('INTERNAL', 'it failed', { cause: reason });
  const isOurs = error.status === 500;
  if (isOurs) logger.error({ err: reason }, 'an export failed for a reason of ours');
  const told = {
    code: isOurs ? 'INTERNAL' : error.code,
    message: isOurs ? "something went wrong here; it is in the service's log" : error.message,
    ...(error.retriable ? { retriable: true } : {}),
    resume,
  };
  cut(reply.raw, error.code === 'CANCELLED' ? null : (encoder.failure?.(told) ?? null));
  return isOurs ? 'INTERNAL' : error.code;
}

interface PlacedPage {
  readonly rows: Page['rows'];
  /** Behind its last row. */
  readonly position: string;
}

/** The rows behind a place, as many as are asked for. */
async function* take(
  pages: OpenTable['pages'],
  hasPositions: boolean,
  after: string | null,
  mostRows: number,
): AsyncGenerator<PlacedPage> {
  const known = hasPositions ? 0 : parseRowCount(after);
  let skip = known;
  let written = 0;
  for await (const { rows, positions } of pages(hasPositions ? after : null)) {
    const from = Math.min(skip, rows.length);
    const to = Math.min(rows.length, from + mostRows - written);
    skip -= from;
    written += to - from;
    if (to > from) {
      const position = positions?.[to - 1] ?? String(known + written);
      yield { rows: from === 0 && to === rows.length ? rows : rows.slice(from, to), position };
    }
    if (written >= mostRows) return;
  }
}

function begin(reply: FastifyReply, mediaType: string, meta: OpenTable['meta'], resume: string): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': mediaType,
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'tallygate-snapshot': meta.snapshot,
    'tallygate-as-of': meta.asOf.toISOString(),
    'tallygate-resume': resume,
    ...(meta.warnings.length > 0 ? { 'tallygate-warnings': toHeader(meta.warnings) } : {}),
  });
}

const longestHeader = 4000;

/** JSON in ASCII. */
function toHeader(warnings: readonly string[]): string {
  const toAscii = (list: readonly string[]) =>
    JSON.stringify(list).replaceAll(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const all = toAscii(warnings);
  if (all.length <= longestHeader) return all;
  return toAscii([`${warnings.length} warnings, too long for a header: ask the report by GraphQL`]);
}
