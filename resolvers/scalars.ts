import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';

/** RFC 3339: date, T, time, and an offset; seconds and their fraction may be left out. */
const rfc3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ]([01]\d|2[0-3]):[0-5]\d(:([0-5]\d|60)(\.\d{1,9})?)?([Zz]|[+-]([01]\d|2[0-3]):?[0-5]\d)$/;

function parseDateTime(value: unknown): Date {
  if (typeof value === 'string' && rfc3339.test(value) && hasDay(value)) {
    const isLeapSecond = value.startsWith(':60', 16);
    const time = Date.parse(isLeapSecond ? toUsual(value).replace(/:60(\.\d+)?/, ':59') : toUsual(value));
    if (!Number.isNaN(time)) return new Date(isLeapSecond ? time + 1000 : time);
  }
  throw new GraphQLError(`expected a DateTime such as "2026-03-01T12:00:00.000Z", got ${describe(value)}`);
}

/** The one of its forms that JavaScript reads: 2026-03-01T12:00:00Z or 2026-03-01T12:00:00+01:00. */
function toUsual(text: string): string {
  if (text.endsWith('Z') && text[10] === 'T') return text;
  return `${text.slice(0, 10)}T${text.slice(11).toUpperCase()}`.replace(/([+-]\d\d)(\d\d)$/, '$1:$2');
}

/** A day that its month does not have rolls over in JavaScript. */
function hasDay(text: string): boolean {
  const day = Number(text.slice(8, 10));
  return (
    day <= 28 ||
    day <= new Date(Date.UTC(2000 + (Number(text.slice(0, 4)) % 400), Number(text.slice(5, 7)), 0)).getUTCDate()
  );
}

/** Short, whatever it is. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}...` : text;
}

const dateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  parseValue: parseDateTime,
  serialize: (value) => toText((value as Date).getTime()),
});

/** Beginnings of the same few buckets are written again and again: each place has the latest of its moments. */
const places = 4093;
const written = new Float64Array(places).fill(Number.NaN);
const texts = new Array<string>(places).fill('');

function toText(time: number): string {
  const place = Math.abs(Math.floor(time / 60_000)) % places;
  if (written[place] !== time) {
    texts[place] = new Date(time).toISOString();
    written[place] = time;
  }
  return texts[place] as string;
}

const token = (name: string) =>
  new GraphQLScalarType<string, string>({
    name,
    parseValue: (value) => {
      if (typeof value !== 'string') throw new GraphQLError(`expected a ${name} as a text, got ${describe(value)}`);
      return value;
    },
    serialize: (value) => value as string,
  });

type Variables = Readonly<Record<string, unknown>> | null | undefined;

function parseJsonLiteral(node: ValueNode, variables: Variables): unknown {
  switch (node.kind) {
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((item) => parseJsonLiteral(item, variables));
    case Kind.OBJECT: {
      // A null prototype keeps a property named __proto__ a property.
      const object: Record<string, unknown> = Object.create(null);
      for (const { name, value } of node.fields) object[name.value] = parseJsonLiteral(value, variables);
      return object;
    }
    case Kind.VARIABLE:
      return variables?.[node.name.value];
    case Kind.ENUM:
      throw new GraphQLError(`expected a JSON value, got the name ${node.value}: write "${node.value}"`);
  }
}

function parseJsonObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new GraphQLError(`expected a JSON object, got ${describe(value)}`);
}

export const scalars = {
  DateTime: dateTime,
  JSONObject: new GraphQLScalarType({
    name: 'JSONObject',
    parseValue: parseJsonObject,
    parseLiteral: (node, variables) => parseJsonObject(parseJsonLiteral(node, variables)),
    serialize: parseJsonObject,
  }),
  JSONValue: new GraphQLScalarType({
    name: 'JSONValue',
    parseValue: (value) => value,
    parseLiteral: parseJsonLiteral,
    serialize: (value) => value,
  }),
  ConsistencyToken: token('ConsistencyToken'),
  SnapshotToken: token('SnapshotToken'),
};
