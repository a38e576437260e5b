import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { authorize } from '../../../resolvers/field.ts';
import { isTallygateError, TallygateError } from '../../errors.ts';
import type { Reports } from '../../reports/reports.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { withSpan } from '../../telemetry/tracing.ts';
import type { Authenticator } from '../auth.ts';
import type { BudgetOf } from '../budgets.ts';
import { chargeExport } from '../charge.ts';
import { createErrorFormatter } from '../graphql-errors.ts';
import { json } from '../media-type.ts';
import { createPrices } from '../prices.ts';
import { createSlots, type SlotLimits } from '../slots.ts';
import { atSnapshot, BadParameters, createQuestions } from './question.ts';
import { type ExportRequest, parseExportRequest } from './request.ts';
import { parseResume, toQuestion } from './resume.ts';
import { runExport } from './run.ts';
import { tables } from './tables/index.ts';
import { gone } from './write.ts';

export interface ExportDeps {
  readonly schema: GraphQLSchema;
  readonly authenticator: Authenticator;
  readonly reports: Reports;
  readonly introspection: boolean;
  readonly limits: SlotLimits;
  readonly budgetOf: BudgetOf;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Headers of an export that browsers may show to scripts. */
export const exportHeaders = ['Tallygate-Snapshot', 'Tallygate-As-Of', 'Tallygate-Resume', 'Tallygate-Warnings'];

/** GET /export/TABLE.FORMAT. `stop` cuts what is being written; clients go on elsewhere. */
export function registerExport(app: FastifyInstance, deps: ExportDeps): { stop(): void } {
  const { authenticator, reports, logger, metrics } = deps;
  const questions = createQuestions(deps.schema, tables);
  const prices = createPrices(deps.schema, reports, deps.budgetOf);
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
      const caller = authorize(authenticator.authenticate(request.headers.authorization), 'read');
      const { project } = caller;
      assertChunks(request);
      const asked = parseExportRequest(tables, questions.namesOf, request.params.file, request.query);
      const question = toQuestion(asked.table.name, asked.parameters);
      const resumption = asked.resume === null ? null : parseResume(asked.resume, question);
      const args = parseArgs(asked, resumption?.snapshot ?? null);
      const budget = deps.budgetOf(caller);
      if (budget) await chargeExport(budget, prices, project, (begin) => asked.table.open(begin, args));
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
          runExport(
            { ...asked, args, question, after: resumption?.after ?? null },
            () => reports.begin(project, abort.signal),
            reply,
            abort.signal,
            deps,
          ),
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

  return {
    stop() {
      isStopped = true;
      for (const abort of running) abort.abort(stopping());
    },
  };
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
