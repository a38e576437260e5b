import {
  BREAK,
  type DocumentNode,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isNonNullType,
  isSpecifiedScalarType,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  typeFromAST,
  type ValueNode,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { isRecursive } from './recursive-variables.ts';

const longestDocument = 16 * 1024;
const mostSelections = 300;
/** graphql-jit writes argument values into the code that it makes, and takes texts with this mark in them for code. */
const mark = '__MAGIC_';

/**
 * Which documents graphql-jit answers as graphql-js does. It is a list of what is known to be alike, not of what is known
 * to differ: directives, literals of our own scalars, names such as __proto__, abstract types and anything else that is
 * not named here is executed by graphql-js. Variables of input types that contain themselves: see recursive-variables.ts.
 *
 * The names of variables that have to be given, since the compiled form takes an absent one within a literal for null; or
 * null, when the operation is not to be compiled. The document must be valid.
 */
export function toCompilable(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): readonly string[] | null {
  if (operation.operation === 'subscription' || (document.loc?.end ?? 0) > longestDocument) return null;
  if (countSelections(document, operation) > mostSelections) return null;

  const variables = new Map(operation.variableDefinitions?.map((node) => [node.variable.name.value, node]));
  for (const [name, { type, defaultValue }] of variables) {
    const inputType = typeFromAST(schema, type) as GraphQLInputType | undefined;
    if (isInherited(name) || !inputType) return null;
    if (isRecursive(inputType)) continue;
    if (!isAlikeInput(inputType) || (type.kind === Kind.NON_NULL_TYPE && defaultValue)) return null;
  }

  const given = new Set<string>();
  const info = new TypeInfo(schema);
  let isAlike = true;
  const check = (isFine: boolean) => {
    if (isFine) return undefined;
    isAlike = false;
    return BREAK;
  };
  const checkLiteral = (node: ValueNode) => check(isAlikeLiteral(node, info.getInputType()));
  visit(
    document,
    visitWithTypeInfo(info, {
      Directive() {
        return check(false);
      },
      InlineFragment() {
        return check(!isAbstractType(info.getType()));
      },
      FragmentDefinition() {
        return check(!isAbstractType(info.getType()));
      },
      Field({ alias, name }) {
        if (isInherited((alias ?? name).value)) return check(false);
        if (name.value === '__typename') return undefined;
        const field = info.getFieldDef();
        if (!field || name.value.startsWith('__') || isAbstractType(getNamedType(field.type))) return check(false);
        // Of several failures below one nullable field graphql-js reports the first, the compiled form all of them.
        if (field.resolve && isNonNullType(field.type)) return check(false);
        return check(field.args.every(({ defaultValue }) => isPrimitive(defaultValue)));
      },
      Variable({ name: { value: name } }, _key, parent) {
        const { kind } = parent as { kind?: Kind };
        const definition = variables.get(name);
        if (kind === Kind.VARIABLE_DEFINITION || !definition) return undefined;
        const isNullable = definition.type.kind !== Kind.NON_NULL_TYPE;
        const parentType = getNamedType(info.getParentInputType());
        const needsValue =
          isNonNullType(info.getInputType()) ||
          (kind === Kind.OBJECT_FIELD && isInputObjectType(parentType) && parentType.isOneOf);
        if (isNullable && needsValue) return check(false);
        if (isNullable && kind !== Kind.ARGUMENT && !definition.defaultValue) given.add(name);
        return undefined;
      },
      IntValue: checkLiteral,
      FloatValue: checkLiteral,
      StringValue: checkLiteral,
      BooleanValue: checkLiteral,
      EnumValue: checkLiteral,
      ObjectValue() {
        const type = getNamedType(info.getInputType());
        return check(isInputObjectType(type) && Object.values(type.getFields()).every(isAlikeField));
      },
    }),
  );
  return isAlike ? [...given] : null;
}

function isAlikeLiteral(node: ValueNode, inputType: GraphQLInputType | null | undefined): boolean {
  const type = getNamedType(inputType);
  if (isEnumType(type)) return type.getValues().every(({ name, value }) => name === value);
  if (!isSpecifiedScalarType(type as NonNullable<typeof type>)) return false;
  if (node.kind === Kind.STRING) return !node.value.includes(mark);
  if (node.kind !== Kind.INT && node.kind !== Kind.FLOAT) return true;
  // Neither -0 nor what overflows survives the way through JSON.
  return Number.isFinite(Number(node.value)) && !Object.is(Number(node.value), -0);
}

function isAlikeField({ name, type, defaultValue }: GraphQLInputField): boolean {
  if (isInherited(name)) return false;
  return defaultValue === undefined || (isPrimitive(defaultValue) && !isNonNullType(type));
}

function isAlikeInput(type: GraphQLInputType): boolean {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return true;
  return Object.values(named.getFields()).every((field) => isAlikeField(field) && isAlikeInput(field.type));
}

function isPrimitive(value: unknown): boolean {
  return value === undefined || value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** Names that every object has: what is absent would be found. */
function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** As often as they are executed: a fragment counts wherever it is spread. */
function countSelections(document: DocumentNode, operation: OperationDefinitionNode): number {
  const fragments = new Map(
    document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  const counted = new Map<string, number>();
  const count = (set: OperationDefinitionNode['selectionSet'] | undefined): number =>
    (set?.selections ?? []).reduce((sum, node) => {
      if (node.kind !== Kind.FRAGMENT_SPREAD) return sum + 1 + count(node.selectionSet);
      const name = node.name.value;
      const inside = counted.get(name) ?? count(fragments.get(name)?.selectionSet);
      counted.set(name, inside);
      return sum + 1 + inside;
    }, 0);
  return count(operation.selectionSet);
}
