import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

/** Every place in the arguments of a field where a client can put a text, found by walking the schema: also of fields below others. */

export interface Leaf {
  /** events.filter.and.property */
  readonly path: string;
  /** Arguments with a text at this place, and what is needed around it. `pick`: which value of an enum, counted around. */
  fill(text: string, pick: number): Record<string, unknown>;
}

type Input = GraphQLArgument | GraphQLInputField;

const textual = new Set(['String', 'ID', 'JSONValue', 'JSONObject', 'ConsistencyToken', 'SnapshotToken', 'DateTime']);
/** Companions without which an input means nothing; all others are the least that the schema asks for. */
const usual: Readonly<Record<string, unknown>> = {
  'RangeInput.last': '5d',
  'EventFilter.property': 'plan',
  'EventFilter.value': 'pro',
  'BreakdownInput.property': 'plan',
  'TrackInput.userId': 'plan',
  'PageInput.userId': 'plan',
  'ScreenInput.userId': 'plan',
  'IdentifyInput.userId': 'plan',
  'GroupInput.userId': 'plan',
  'CohortDefinition.userIds': ['plan'],
  'CohortProperty.value': 'pro',
  'SaveReportInput.document': '{ catalog { events { event } } }',
};

/** A way through the answers down to a field: all but the last stand with the least arguments. */
export interface Trail {
  /** retention.people */
  readonly name: string;
  readonly fields: readonly [Field, ...Field[]];
}

type Field = GraphQLField<unknown, unknown>;

/** The shortest way to each field that takes arguments, below a type of root fields; those below others come after these. */
export function toTrails(root: GraphQLObjectType): Trail[] {
  const trails: Trail[] = [];
  const seen = new Set<GraphQLObjectType>([root]);
  let open: { readonly type: GraphQLObjectType; readonly fields: readonly Field[] }[] = [{ type: root, fields: [] }];
  while (open.length > 0) {
    const next: typeof open = [];
    for (const { type, fields } of open) {
      for (const field of Object.values(type.getFields())) {
        const way = [...fields, field] as unknown as Trail['fields'];
        if (field.args.length > 0 || fields.length === 0)
          trails.push({ name: way.map(({ name }) => name).join('.'), fields: way });
        const below = getNamedType(field.type);
        if (!isObjectType(below) || seen.has(below)) continue;
        seen.add(below);
        next.push({ type: below, fields: way });
      }
    }
    open = next;
  }
  return trails;
}

export type Place = [path: string, leaf: Leaf, trail: Trail];

/** Every one in the last fields of the trails. */
export function toPlaces(trails: readonly Trail[]): Place[] {
  return trails.flatMap((trail) =>
    toLeaves(trail.fields.at(-1) as Field).map((leaf): Place => {
      const above = trail.fields.slice(0, -1).map(({ name }) => `${name}.`);
      return [`${above.join('')}${leaf.path}`, leaf, trail];
    }),
  );
}

/** Asks the last field of the trail with these arguments; its answer is called `answer`. `asOf`: arguments of the fields above it. */
export function toDocument(
  operation: 'query' | 'mutation' | 'subscription',
  { fields }: Trail,
  args: Record<string, unknown>,
  {
    asOf,
    isWhole,
  }: {
    readonly asOf: (field: Field, args: Record<string, unknown>) => Record<string, unknown>;
    readonly isWhole: boolean;
  },
): { readonly document: string; readonly variables: Record<string, unknown> } {
  const last = fields.length - 1;
  const variables: Record<string, unknown> = {};
  const declared: string[] = [];
  const calls = fields.map((field, i) => {
    const given = i === last ? args : asOf(field, leastArgs(field));
    const passed = Object.entries(given).map(([name, value]) => {
      variables[`v${i}_${name}`] = value;
      declared.push(`$v${i}_${name}: ${field.args.find((arg) => arg.name === name)!.type}`);
      return `${name}: $v${i}_${name}`;
    });
    return `${field.name}${passed.length > 0 ? `(${passed.join(', ')})` : ''}`;
  });
  const body = calls.reduceRight(
    (inner, call, i) => `{ ${i === 0 ? 'answer: ' : ''}${call} ${inner} }`,
    toSelection((fields[last] as Field).type, isWhole),
  );
  const head = declared.length > 0 ? `(${declared.join(', ')})` : '';
  return { document: `${operation}${head} ${body}`, variables };
}

/** What a field asks for at the least. */
export function leastArgs(field: Field): Record<string, unknown> {
  return Object.fromEntries(field.args.filter(isRequired).map((one) => [one.name, leastOf(one.type, 0)]));
}

function toLeaves(field: GraphQLField<unknown, unknown>): Leaf[] {
  return field.args.flatMap((arg) =>
    placesIn(arg, [arg], []).map((place) => ({
      path: [field.name, ...place.map(({ name }) => name)].join('.'),
      fill: (text, pick) => ({
        ...Object.fromEntries(field.args.filter(isRequired).map((one) => [one.name, leastOf(one.type, pick)])),
        [arg.name]: put(arg.type, place.slice(1), text, pick),
      }),
    })),
  );
}

/** Paths of inputs that end at a text. An input type within itself is walked once more. */
function placesIn(input: Input, path: readonly Input[], within: readonly string[]): (readonly Input[])[] {
  const type = getNamedType(input.type);
  if (textual.has(type.name)) return [path];
  if (!isInputObjectType(type) || within.filter((name) => name === type.name).length > 1) return [];
  return Object.values(type.getFields()).flatMap((next) => placesIn(next, [...path, next], [...within, type.name]));
}

function isRequired(input: Input): boolean {
  return isNonNullType(input.type) && input.defaultValue === undefined;
}

function put(type: GraphQLInputType, rest: readonly Input[], text: string, pick: number): unknown {
  const inner = getNullableType(type);
  if (isListType(inner)) return [put(inner.ofType, rest, text, pick), ...more(inner.ofType, pick)];
  const [next, ...after] = rest;
  if (next === undefined) return inner.toString() === 'JSONObject' ? { [text]: text } : text;
  return { ...around(inner, next.name, pick), [next.name]: put(next.type, after, text, pick) };
}

/** A second one where some lists need two; funnels do. */
function more(type: GraphQLInputType, pick: number): unknown[] {
  return isInputObjectType(getNullableType(type)) && !/Filter|Breakdown|Event/.test(getNamedType(type).name)
    ? [leastOf(type, pick)]
    : [];
}

/** A moment at which cohorts begin. */
const today = Math.floor(Date.now() / 86_400_000) * 86_400_000;

function leastOf(type: GraphQLInputType, pick: number): unknown {
  const inner = getNullableType(type);
  if (isListType(inner)) return [leastOf(inner.ofType, pick), ...more(inner.ofType, pick)];
  if (isEnumType(inner)) return inner.getValues()[pick % inner.getValues().length]!.name;
  if (isInputObjectType(inner)) return around(inner, undefined, pick);
  return (
    { Int: 2, Float: 2, Boolean: true, DateTime: new Date(today).toISOString(), JSONObject: {} }[inner.toString()] ??
    'plan'
  );
}

/** What has to stand beside a field. */
function around(type: GraphQLInputType, but: string | undefined, pick: number): Record<string, unknown> {
  if (!isInputObjectType(type)) return {};
  const beside: Record<string, unknown> = {};
  for (const field of Object.values(type.getFields())) {
    const name = `${type.name}.${field.name}`;
    if (field.name === but) continue;
    if (Object.hasOwn(usual, name) && isAlone(type.name, but)) beside[field.name] = usual[name];
    else if (isRequired(field)) beside[field.name] = leastOf(field.type, pick);
    else if (/^(EventFilter|CohortProperty)\.op$/.test(name) && but === 'value') beside.op = leastOf(field.type, pick);
  }
  return beside;
}

/** Whether the usual companions may stand beside it: and, or, not stand alone, as do from and to of a range, and all of a cohort. */
function isAlone(type: string, but: string | undefined): boolean {
  if (type === 'RangeInput') return but === undefined || but === 'timezone';
  if (type === 'CohortDefinition') return but === undefined;
  return type !== 'EventFilter' || but === undefined || but === 'property' || but === 'value';
}

const aboutAnswers = ['meta', 'pageInfo', 'cursor', 'asOf', 'snapshot'];

/** Everything that a field answers, but what is about the answer itself; `isWhole`: with fields that take arguments of their own. */
function toSelection(type: GraphQLOutputType, isWhole: boolean, depth = 0): string {
  const named = getNamedType(type);
  if (isLeafType(named) || !isObjectType(named)) return '';
  const parts = Object.values(named.getFields())
    .filter(({ name, args }) => !aboutAnswers.includes(name) && !(isWhole ? args.some(isRequired) : args.length > 0))
    .flatMap((field) => {
      if (isLeafType(getNamedType(field.type))) return [field.name];
      const inner = depth < 5 ? toSelection(field.type, isWhole, depth + 1) : '';
      return inner === '' ? [] : [`${field.name} ${inner}`];
    });
  return `{ __typename ${parts.join(' ')} }`;
}
