import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, GraphQLScalarType } from 'graphql';

/** What a resolver of this schema is given: it counts. */
export interface Calls {
  count: number;
}

const show = (value: unknown): unknown => {
  if (value instanceof Date) return { date: value.getTime() };
  if (Object.is(value, -0)) return 'minus zero';
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map(show);
  if (typeof value !== 'object' || value === null) return value === undefined ? 'undefined' : value;
  return Object.keys(value)
    .sort()
    .map((name) => [name, show((value as Record<string, unknown>)[name])]);
};

/** Answers exactly what it was given: presence, types and all. */
const echo = (_parent: unknown, args: object, calls: Calls) => {
  calls.count++;
  return JSON.stringify(show(args));
};

const later = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(() => resolve(value)));

const makeNode = (depth: number): object => ({
  name: `node ${depth}`,
  color: 'BLUE',
  at: new Date(depth * 1000),
  json: { depth, list: [1, null, { a: 'b' }] },
  numbers: [1, null, 2.5],
  maybe: depth > 0 ? makeNode(depth - 1) : null,
  list: depth > 0 ? [makeNode(depth - 1), makeNode(depth - 1)] : [],
});

/** More than the service's own contract has: every kind of type, each with its traps. */
export const laneSchema = makeExecutableSchema({
  typeDefs: /* GraphQL */ `
    scalar Moment
    scalar Json
    scalar JSONValue
    enum Color { RED GREEN BLUE }
    input Leaf {
      int: Int
      float: Float
      text: String = "by default"
      flag: Boolean
      id: ID
      color: Color = GREEN
      moment: Moment
      json: Json
      list: [Int!]
      matrix: [[Int]]
    }
    input Needy { need: Int! = 7, text: String }
    input Choice @oneOf { leaf: Leaf, text: String, list: [Leaf!], number: Int }
    input Tree { children: [Tree!], value: Int }
    input Strict { event: String!, at: Moment, choices: [Choice!] }
    type Node {
      name: String!
      color: Color
      at: Moment!
      json: Json
      numbers: [Float]
      maybe: Node
      list: [Node!]!
      echo(text: String, leaf: Leaf): String
      failing: String
      required: String!
    }
    interface Named { name: String! }
    type Query {
      echo(
        int: Int, float: Float, text: String, flag: Boolean, id: ID, color: Color, moment: Moment, json: Json
        ints: [Int!], texts: [String], matrix: [[Int]], first: Int = 50, need: Int! = 3
        leaf: Leaf, strict: Strict, choice: Choice, choices: [Choice!], tree: Tree, needy: Needy
      ): String
      need(int: Int!, strict: Strict): String
      node(depth: Int = 1): Node
      fail(message: String): Node
      broken: Int
    }
    type Mutation {
      echo(strict: Strict!, choice: Choice): String
      step(name: String): String
      fail(message: String): Node
    }
    type Subscription { ticks: Int }
  `,
  resolvers: {
    Moment: new GraphQLScalarType<Date, string>({
      name: 'Moment',
      parseValue: (value) => {
        const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
        if (Number.isNaN(time)) throw new GraphQLError(`expected a moment, got ${JSON.stringify(value)}`);
        return new Date(time);
      },
      serialize: (value) => (value as Date).toISOString(),
    }),
    Query: {
      echo,
      need: async (...of: Parameters<typeof echo>) => later(echo(...of)),
      node: (_parent: unknown, { depth }: { depth: number | null }, calls: Calls) => {
        calls.count++;
        return depth === null || depth < 0 ? null : later(makeNode(Math.min(depth, 3)));
      },
      fail: async (_parent: unknown, { message }: { message?: string }, calls: Calls) => {
        calls.count++;
        throw new GraphQLError(message ?? 'as asked', { extensions: { code: 'ASKED', http: { status: 418 } } });
      },
      broken: (_parent: unknown, _args: object, calls: Calls) => {
        calls.count++;
        throw new TypeError('a bug');
      },
    },
    Mutation: {
      echo: async (...of: Parameters<typeof echo>) => later(echo(...of)),
      step: async (_parent: unknown, { name }: { name?: string }, calls: Calls) => {
        const before = ++calls.count;
        await later(null);
        if (calls.count !== before) throw new Error('another step began before this one ended');
        return name ?? null;
      },
      fail: async (_parent: unknown, { message }: { message?: string }, calls: Calls) => {
        calls.count++;
        await later(null);
        throw new GraphQLError(message ?? 'as asked', { extensions: { code: 'ASKED' } });
      },
    },
    Node: {
      echo,
      failing: async () => {
        throw new GraphQLError('this field fails', { extensions: { code: 'ASKED' } });
      },
      required: async () => {
        throw new GraphQLError('this one, too', { extensions: { code: 'ASKED' } });
      },
    },
  },
});
