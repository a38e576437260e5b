import {
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getVariableValues,
  isInputObjectType,
  isScalarType,
  Kind,
  type OperationDefinitionNode,
  type TypeNode,
  typeFromAST,
  visit,
} from 'graphql';

/**
 * Variables whose types contain themselves, as every filter does: the code that graphql-jit would write to check them has
 * no end. graphql-js checks them instead, and the compiled form takes what it made of them as it is.
 */
export interface RecursiveVariables {
  /** The document in which their types are a scalar that everything fits. */
  readonly document: DocumentNode;
  /** All variables, these with what graphql-js made of them; null when one does not fit its type. */
  coerce(variables: Variables): Variables | null;
}

type Variables = Readonly<Record<string, unknown>>;

/** Its parseValue hands on what it gets. */
const anything = 'JSONValue';

/** null when there is no type to put in the place of theirs. */
export function toRecursiveVariables(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): RecursiveVariables | null {
  const definitions = (operation.variableDefinitions ?? []).filter(({ type }) => {
    const inputType = typeFromAST(schema, type) as GraphQLInputType | undefined;
    return inputType !== undefined && isRecursive(inputType);
  });
  if (definitions.length === 0) return { document, coerce: (variables) => variables };
  if (!isScalarType(schema.getType(anything))) return null;
  const replaced = new Set<unknown>(definitions);
  return {
    document: visit(document, {
      VariableDefinition(node) {
        if (!replaced.has(node)) return undefined;
        // What stands for an absent one is in what graphql-js made of it.
        const { defaultValue: _, ...rest } = node;
        return { ...rest, type: toAnything(node.type) };
      },
    }),
    coerce(variables) {
      const { coerced } = getVariableValues(schema, definitions, variables, { maxErrors: 1 });
      return coerced ? { ...variables, ...coerced } : null;
    },
  };
}

function toAnything(type: TypeNode): TypeNode {
  const named = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: anything } } as const;
  return type.kind === Kind.NON_NULL_TYPE ? { kind: Kind.NON_NULL_TYPE, type: named } : named;
}

/** Whether a value of the type may have one of the same type inside. */
export function isRecursive(type: GraphQLInputType, open: ReadonlySet<unknown> = new Set()): boolean {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return false;
  if (open.has(named)) return true;
  const inside = new Set([...open, named]);
  return Object.values(named.getFields()).some((field) => isRecursive(field.type, inside));
}
