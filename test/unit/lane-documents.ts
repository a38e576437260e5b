import {
  GraphQLBoolean,
  type GraphQLInputType,
  GraphQLNonNull,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

/** Mulberry32: the same numbers for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const names = ['a', 'b', 'b_c', 'class', 'constructor', '__proto__', 'toString', 'data', 'idx0', 'x1'];
/** What graphql-jit marks code with. */
export const magic = '__MAGIC_DATE__33a9e76d_02e0_4128_8e92_3530ad3da74d';

/** Makes a document, mostly valid, with everything in it that the compiled form may get wrong. */
export function generate(seed: number, schema: GraphQLSchema) {
  const next = createRandom(seed);
  const maybe = (percent: number) => next() * 100 < percent;
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T;
  const definitions = new Map<string, { type: string; standsFor: GraphQLInputType; fallback: string }>();
  const fragments: string[] = [];

  const leaf = (name: string, literal: boolean): string => {
    switch (name) {
      case 'Int':
        return pick(['0', '1', '-1', '-0', '2147483647', '-2147483648']);
      case 'Float':
        return pick(['0', '-0', '1.5', '-1e-7', '1e400', '3']);
      case 'Boolean':
        return pick(['true', 'false']);
      case 'ID':
        return pick(['"id"', '7', '"7"']);
      case 'Moment':
        return pick(['"2026-03-01T12:00:00.000Z"', '"1969-12-31T23:59:59.999Z"']);
      case 'Json':
        return pick([
          '1',
          '"text"',
          '[1, "a", null]',
          literal ? '{ a: 1, b: { c: [true] } }' : '{"a":{"__proto__":1}}',
          'null',
          '-0',
        ]);
      default:
        return pick([
          '"text"',
          '""',
          '"\\u2028 \\" \\\\ \'"',
          '"$\\u007bprocess.exit(1)}"',
          `"${magic}process.exit(1)"`,
          '"null"',
        ]);
    }
  };

  const toLiteral = (type: GraphQLInputType, depth: number): string => {
    if (isNonNullType(type)) return toLiteralOf(type.ofType, depth);
    return maybe(10) ? 'null' : toLiteralOf(type, depth);
  };
  const toLiteralOf = (type: GraphQLInputType, depth: number): string => {
    if (depth > 0 && maybe(25)) return toVariable(type);
    if (isListType(type)) {
      if (maybe(20)) return toLiteral(type.ofType, depth + 1);
      return `[${Array.from({ length: pick([0, 1, 2]) }, () => toLiteral(type.ofType, depth + 1)).join(', ')}]`;
    }
    if (isEnumType(type)) return pick(type.getValues()).name;
    if (!isInputObjectType(type)) return leaf(getNamedType(type).name, true);
    let fields = Object.values(type.getFields());
    if (type.isOneOf) fields = [pick(fields)];
    else fields = fields.filter((field) => isNonNullType(field.type) || maybe(depth > 3 ? 5 : 35));
    return `{ ${fields
      .map(
        (field) =>
          `${field.name}: ${type.isOneOf ? toLiteralOf(field.type, depth + 1) : toLiteral(field.type, depth + 1)}`,
      )
      .join(', ')} }`;
  };

  const toVariable = (type: GraphQLInputType): string => {
    const ofType = [...definitions].find(([, known]) => String(known.standsFor) === String(type));
    if (ofType && maybe(40)) return `$${ofType[0]}`;
    const free = ['constructor', 'valueOf', '__proto__'].filter((name) => !definitions.has(name));
    const name = maybe(3) && free.length > 0 ? pick(free) : `v${definitions.size}`;
    const known = definitions.get(name);
    if (!known) {
      const isRequired = maybe(50);
      const text = String(type).replace(/!$/, '') + (isRequired ? '!' : '');
      const fallback = maybe(15) && !isListType(type) ? ` = ${toDefault(type)}` : '';
      definitions.set(name, { type: text, standsFor: type, fallback });
    }
    return `$${name}`;
  };
  const toDefault = (type: GraphQLInputType): string => {
    if (isNonNullType(type)) return toDefault(type.ofType);
    if (isEnumType(type)) return pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      if (type.isOneOf) return '{ text: "d" }';
      return `{ ${Object.values(type.getFields())
        .filter((field) => isNonNullType(field.type) && field.defaultValue === undefined)
        .map((field) => `${field.name}: ${toDefault(field.type)}`)
        .join(', ')} }`;
    }
    if (isListType(type)) return '[]';
    return leaf(type.name, true);
  };

  const toDirective = () =>
    maybe(4)
      ? pick([
          ' @skip(if: false)',
          ' @include(if: true)',
          ' @skip(if: true)',
          ` @include(if: ${toVariable(new GraphQLNonNull(GraphQLBoolean))})`,
        ])
      : '';

  const toSelection = (type: GraphQLObjectType, depth: number): string => {
    const count = pick([1, 1, 2, 3]);
    const parts = Array.from({ length: count }, () => {
      if (maybe(8)) return `${maybe(30) ? `${pick(names)}: ` : ''}__typename`;
      if (maybe(10)) return `...${maybe(50) ? ` on ${type.name}` : ''}${toDirective()} { ${toSelection(type, depth)} }`;
      if (maybe(10)) {
        const name = `f${fragments.length}`;
        fragments.push('');
        fragments[Number(name.slice(1))] = `fragment ${name} on ${type.name} { ${toSelection(type, depth)} }`;
        return `...${name}${toDirective()}`;
      }
      const field = pick(
        Object.values(type.getFields()).filter((f) => depth < 3 || !isObjectType(getNamedType(f.type))),
      );
      const args = field.args
        .filter((arg) => (isNonNullType(arg.type) && arg.defaultValue === undefined) || maybe(35))
        .map((arg) => `${arg.name}: ${maybe(45) ? toVariable(arg.type) : toLiteral(arg.type, 1)}`);
      const named = getNamedType(field.type);
      const inner = isObjectType(named) ? ` { ${toSelection(named, depth + 1)} }` : '';
      return `${maybe(60) ? `${pick(names)}: ` : ''}${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}${toDirective()}${inner}`;
    });
    return parts.join(' ');
  };

  const isMutation = maybe(40);
  const root = (isMutation ? schema.getMutationType() : schema.getQueryType()) as GraphQLObjectType;
  const selection = toSelection(root, 0);
  const header = [...definitions].map(([name, { type, fallback }]) => `$${name}: ${type}${fallback}`).join(', ');
  const query = `${isMutation ? 'mutation' : 'query'} Generated${header ? `(${header})` : ''} { ${selection} } ${fragments.join(' ')}`;

  const toValue = (type: GraphQLInputType, depth: number): unknown => {
    if (maybe(4)) return pick<unknown>([null, 'wrong', 1.5, 3_000_000_000, true, [], {}, [[1]], { unknown: 1 }, -0]);
    if (isNonNullType(type)) return toValue(type.ofType, depth);
    if (maybe(8)) return null;
    if (isListType(type)) {
      if (maybe(20)) return toValue(type.ofType, depth);
      return Array.from({ length: pick([0, 1, 2]) }, () => toValue(type.ofType, depth));
    }
    if (isEnumType(type)) return pick([...type.getValues().map(({ name }) => name), 'PURPLE']);
    if (!isInputObjectType(type)) {
      if (type.name === 'ID') return pick<unknown>(['id', 7, 1e21, '']);
      return JSON.parse(leaf(type.name, false).replace('1e400', '1e300'));
    }
    const value: Record<string, unknown> = {};
    const fields = Object.values(type.getFields());
    const given = type.isOneOf
      ? maybe(15)
        ? fields.filter(() => maybe(40))
        : [pick(fields)]
      : fields.filter(
          (field) =>
            (isNonNullType(field.type) && field.defaultValue === undefined && !maybe(3)) || maybe(depth > 2 ? 10 : 40),
        );
    for (const field of given) value[field.name] = toValue(field.type, depth + 1);
    if (maybe(3)) value[pick(['unknown', 'constructor', 'toString'])] = 1;
    if (maybe(2)) Object.defineProperty(value, '__proto__', { value: { int: 1 }, enumerable: true });
    return value;
  };
  const toVariables = (): Record<string, unknown> | undefined => {
    if (definitions.size === 0 && maybe(50)) return undefined;
    const values: Record<string, unknown> = {};
    for (const [name, { standsFor }] of definitions) {
      if (maybe(12)) continue;
      Object.defineProperty(values, name, { value: toValue(standsFor, 0), enumerable: true });
    }
    if (maybe(5)) values.surplus = 1;
    return values;
  };
  return { query, variables: Array.from({ length: 6 }, toVariables) };
}
