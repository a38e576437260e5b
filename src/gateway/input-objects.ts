import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isListType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import { isRecursive } from './recursive-variables.ts';

/** False when a value breaks one of the rules that the compiled executor does not know. */
type Check = (value: unknown) => boolean;

/**
 * The check of an operation's variables for what the compiled executor leaves out: a list is no input object, and of a
 * @oneOf type exactly one field is given, and not null. null when no variable needs it. Types that contain themselves are left out.
 */
export function createInputCheck(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
): ((variables: Readonly<Record<string, unknown>>) => boolean) | null {
  const checks: [string, Check][] = [];
  for (const { variable, type } of operation.variableDefinitions ?? []) {
    const inputType = typeFromAST(schema, type) as GraphQLInputType | undefined;
    // graphql-js checks those itself.
    const check = inputType && !isRecursive(inputType) && toCheck(inputType);
    if (check) checks.push([variable.name.value, check]);
  }
  if (checks.length === 0) return null;
  return (variables) => checks.every(([name, check]) => check(variables[name]));
}

function toCheck(type: GraphQLInputType): Check | null {
  const nullable = getNullableType(type);
  if (isListType(nullable)) {
    const item = toCheck(nullable.ofType);
    return item && ((value) => (Array.isArray(value) ? value.every(item) : item(value)));
  }
  const named = getNamedType(nullable);
  if (!isInputObjectType(named)) return null;
  const fields = Object.values(named.getFields()).flatMap(({ name, type: fieldType }) => {
    const check = toCheck(fieldType);
    return check ? [[name, check] as const] : [];
  });
  return (value) => {
    if (typeof value !== 'object' || value === null) return true;
    if (Array.isArray(value)) return false;
    const object = value as Readonly<Record<string, unknown>>;
    if (named.isOneOf) {
      const names = Object.keys(object);
      const [only] = names;
      if (names.length !== 1 || only === undefined || object[only] === null) return false;
    }
    return fields.every(([name, check]) => check(object[name]));
  };
}
