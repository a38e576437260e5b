import DataLoader from 'dataloader';
import { TallygateError } from '../errors.ts';
import { type Entities, mostEntities, parseEntityProperty, toEntities } from './entities/entities.ts';
import { runFunnels } from './funnel/entities.ts';
import type { Funnel, FunnelInput } from './funnel/funnel.ts';
import type { NamesReader } from './names/known.ts';
import { withNameWarnings } from './names/names.ts';
import type { DrySession } from './price/session.ts';
import type { ReportMeta, Session } from './session.ts';
import { runManyTopValues, type TopValues, type TopValuesInput } from './top-values.ts';
import { runTrends, type Trend, type TrendInput } from './trend/trend.ts';

/** Reports about the events of which a property is the id. */
export interface EntityReports {
  readonly id: string;
  trend(input: TrendInput): Promise<Trend>;
  funnel(input: FunnelInput): Promise<Funnel>;
  topValues(input: TopValuesInput): Promise<TopValues>;
}

export interface EntityReportsInput {
  readonly property: string;
  readonly ids: readonly string[];
}

/** Reports of one operation: equal questions about several entities are one statement. */
export function createEntityReports(session: Session, names: NamesReader, dry: DrySession | null) {
  const trend = createBatches(session, names, dry, runTrends);
  const funnel = createBatches(session, names, dry, runFunnels);
  const topValues = createBatches(session, names, dry, runManyTopValues);

  const of = (property: string, id: string): EntityReports => ({
    id,
    trend: (input) => trend(property, id, input),
    funnel: (input) => funnel(property, id, input),
    topValues: (input) => topValues(property, id, input),
  });

  return {
    of,
    /** Throws INVALID_INPUT. */
    list({ property, ids }: EntityReportsInput): EntityReports[] {
      parseEntityProperty(property, 'property');
      assertFew(ids, 'ids');
      return ids.map((id) => of(property, id));
    },
  };
}

/** Throws INVALID_INPUT. */
export function assertFew(ids: readonly unknown[], at: string): void {
  if (ids.length > mostEntities)
    throw new TallygateError('INVALID_INPUT', `${at}: expected at most ${mostEntities} of them, got ${ids.length}`);
}

interface Asked<Input> {
  /** The same for equal questions. */
  readonly question: string;
  readonly property: string;
  readonly id: string;
  readonly input: Input;
}

/** What is asked within one turn is run together. */
function createBatches<Input extends object, Answer extends { readonly meta: ReportMeta }>(
  session: Session,
  names: NamesReader,
  dry: DrySession | null,
  run: (session: Session, input: Input, entities: Entities) => Promise<Answer[]>,
) {
  const runTogether = async (
    { property, input: asked }: Asked<Input>,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, Answer>> => {
    const input = dry ? dry.toInput(asked) : asked;
    const entities = toEntities(parseEntityProperty(property, 'property'), ids);
    let answers: readonly Answer[] = [];
    // Warnings are the same for all of them, as all of meta is.
    const { meta } = await withNameWarnings(session, names, { ...input, entities: { property } }, async () => {
      answers = await run(session, input, entities);
      return { meta: (answers[0] as Answer).meta };
    });
    return new Map(entities.ids.map((id, i) => [id, { ...(answers[i] as Answer), meta }]));
  };

  const loader = new DataLoader<Asked<Input>, Answer, string>(
    (asked) => {
      const groups = Map.groupBy(asked, ({ question }) => question);
      const running = new Map<Asked<Input>, Promise<ReadonlyMap<string, Answer>>>();
      for (const group of groups.values()) {
        for (let from = 0; from < group.length; from += mostEntities) {
          const some = group.slice(from, from + mostEntities);
          const answers = runTogether(
            some[0] as Asked<Input>,
            some.map(({ id }) => id),
          );
          for (const one of some) running.set(one, answers);
        }
      }
      return Promise.all(
        asked.map(async (one) => {
          const answers = await (running.get(one) as Promise<ReadonlyMap<string, Answer>>).catch(toError);
          return answers instanceof Error ? answers : (answers.get(one.id) as Answer);
        }),
      );
    },
    { cacheKeyFn: ({ question, id }) => JSON.stringify([question, id]) },
  );
  return (property: string, id: string, input: Input) =>
    loader.load({ question: JSON.stringify([property, input]), property, id, input });
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
