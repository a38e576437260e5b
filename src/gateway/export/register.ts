import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { authorize } from '../../../resolvers/field.ts';
import { isTallygateError, TallygateError } from '../../errors.ts';
import type { Reports } from '../../reports/reports.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { withSpan } from '../../telemetry/tracing.ts';
import type { Authenticator } from '../auth.ts';
import { createErrorFormatter } from '../graphql-errors.ts';
import { json } from '../media-type.ts';
import type { Encoder } from './format.ts';
import { atSnapshot, BadParameters, createQuestions } from './question.ts';
import { type ExportRequest, parseExportRequest } from './request.ts';
import { parseResume, parseRowCount, toQuestion, toResume } from './resume.ts';
import { createSlots, type SlotLimits } from './slots.ts';
import type { OpenTable, Page } from './table.ts';
import { tables } from './tables/index.ts';
import { cut, gone, write } from './write.ts';

export interface ExportDeps {
  readonly schema: GraphQLSchema;
  readonly authenticator: Authenticator;
  readonly reports: Reports;
  readonly introspection: boolean;
  readonly limits: SlotLimits;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Headers of an export that browsers may show to scripts. */
export const exportHeaders = ['Tallygate-Snapshot', 'Tallygate-As-Of', 'Tallygate-Resume', 'Tallygate-Warnings'];

/** GET /export/TABLE.FORMAT. `stop` cuts what is being written; clients go on elsewhere. */
export function registerExport(app: FastifyInstance, deps: ExportDeps): { stop(): void } {
  const { authenticator, reports, logger, metrics } = deps;
  const questions = createQuestions(deps.schema, tables);
  const takeSlot = createSlots(deps.limits);
  const formatError = createErrorFormatter(logger, { hideSchema: !deps.introspection });
  const running = new Set<AbortController>();
  let isStopped = false;

  app.route<{ Params: { file: string }; Querystring: Record<string, unknown> }>({
    method: 'GET',
    url: '/export/:file',
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      if (isStopped) throw stopping();
      const { project } = authorize(authenticator.authenticate(request.headers.authorization), 'read');
      assertChunks(request);
      const asked = parseExportRequest(tables, questions.namesOf, request.params.file, request.query);
      const question = toQuestion(asked.table.name, asked.parameters);
      const resumption = asked.resume === null ? null : parseResume(asked.resume, question);
      const args = parseArgs(asked, resumption?.snapshot ?? null);
      const release = takeSlot(project);
      const abort = new AbortController();
      running.add(abort);
      const leave = () => {
        if (!reply.raw.writableFinished) abort.abort(gone('has gone away'));
      };
      reply.raw.once('close', leave);
      metrics.exportsRunning.inc();
      const labels = { report: asked.table.name, format: asked.format };
      try {
        const outcome = await withSpan(`export ${asked.table.name}`, { 'tallygate.export.format': asked.format }, () =>
          run(asked, args, question, resumption?.after ?? null, project, reply, abort.signal),
        );
        metrics.exports.inc({ ...labels, outcome });
      } catch (thrown) {
        metrics.exports.inc({ ...labels, outcome: isTallygateError(thrown) ? thrown.code : 'INTERNAL' });
        throw thrown;
      } finally {
        reply.raw.off('close', leave);
        metrics.exportsRunning.dec();
        running.delete(abort);
        release();
      }
    },
    errorHandler: (thrown, _request, reply) => {
      if (!(thrown instanceof BadParameters)) throw thrown;
      // Places in a document that the client has not written mean nothing.
      const errors = thrown.errors.map((error) => formatError({ message: error.message }, error));
      return reply
        .code(400)
        .header('content-type', json)
        .send(`${JSON.stringify({ errors })}\n`);
    },
  });

  function parseArgs({ table, parameters }: ExportRequest, snapshot: string | null): never {
    const args = questions.parse(table, parameters);
    // What it is, the schema has made sure of.
    return (snapshot === null ? args : atSnapshot(args, snapshot)) as never;
  }

  async function run(
    asked: ExportRequest,
    args: never,
    question: string,
    after: string | null,
    project: string,
    reply: FastifyReply,
    signal: AbortSignal,
  ): Promise<string> {
    const { table, format, writer } = asked;
    const { meta, pages } = await table.open(() => reports.begin(project, signal), args);
    const resume = toResume(question, meta.snapshot);
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
        await send(encoder.rows(page.value.rows));
        metrics.exportRows.inc(labels, page.value.rows.length);
        position = page.value.position;
        page = await rest.next();
      }
      await send(encoder.end(here()));
      reply.raw.end();
      return 'ok';
    } catch (thrown) {
      return fail(thrown, reply, encoder, here(), signal);
    }
  }

  function fail(thrown: unknown, reply: FastifyReply, encoder: Encoder, resume: string, signal: AbortSignal): string {
    const reason: unknown = signal.aborted ? signal.reason : thrown;
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

  return {
    stop() {
      isStopped = true;
      for (const abort of running) abort.abort(stopping());
    },
  };
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

/** Of HTTP/1.0, an answer that is cut off looks like one that has ended. */
function assertChunks({ raw }: FastifyRequest): void {
  if (raw.httpVersionMajor > 1 || raw.httpVersionMinor >= 1) return;
  throw new TallygateError(
    'BAD_REQUEST',
    `expected HTTP/1.1, in which an answer that breaks off does not look complete, got HTTP/${raw.httpVersion}: a proxy in between may have to be told`,
  );
}

function stopping(): TallygateError {
  return new TallygateError('SHUTTING_DOWN', 'expected a request to another instance: this one is stopping');
}
