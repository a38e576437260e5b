import { type ASTVisitor, GraphQLError, Kind, type SelectionSetNode, type ValidationContext } from 'graphql';
import { TallygateError } from '../errors.ts';

/** Most tokens of a document, comments aside; the body limit bounds those. */
export const mostTokens = 5000;
const deepestNesting = 100;
const mostSpreads = 200;
const deepest = 12;
const mostRootFields = 60;
const mostFields = 1500;
/** Twice what GraphiQL asks for. */
const mostIntrospected = 600;

/**
 * Refuses, before a document is parsed, what would overflow the stack of a recursive parser or keep the validator busy for
 * long: its rules compare every fragment with every other. Throws BAD_REQUEST. Brackets within texts and comments do not count.
 */
export function assertShallow(document: string): void {
  let depth = 0;
  let spreads = 0;
  for (const [token] of document.matchAll(
    /"""(?:\\"""|[\s\S])*?(?:"""|$)|"(?:\\.|[^"\\\n\r])*"?|#[^\n\r]*|\.\.\.|[[({\])}]/g,
  )) {
    if (token === '...') {
      if (++spreads > mostSpreads)
        throw new TallygateError('BAD_REQUEST', `expected a document with at most ${mostSpreads} fragments, got more`);
    } else if (token === '{' || token === '[' || token === '(') {
      if (++depth > deepestNesting)
        throw new TallygateError(
          'BAD_REQUEST',
          `expected a document that is nested at most ${deepestNesting} levels, got more`,
        );
    } else if (token === '}' || token === ']' || token === ')') depth--;
  }
}

interface Size {
  readonly depth: number;
  /** Of this level. */
  readonly roots: number;
  /** Of all levels, as often as they are executed. */
  readonly fields: number;
  readonly introspected: number;
}

const nothing: Size = { depth: 0, roots: 0, fields: 0, introspected: 0 };

/**
 * Refuses documents that are deeper, wider or, through fragments, larger than any real one. Introspection may be as deep
 * as its tools make it.
 */
export function limitDocument(context: ValidationContext): ASTVisitor {
  const measured = new Map<string, Size>();

  const measureFragment = (name: string): Size => {
    const known = measured.get(name);
    if (known) return known;
    // Found again within itself it is nothing: rules of the specification refuse that, and fragments that are not there.
    measured.set(name, nothing);
    const fragment = context.getFragment(name);
    const size = fragment ? measure(fragment.selectionSet) : nothing;
    measured.set(name, size);
    return size;
  };

  const measure = (set: SelectionSetNode): Size => {
    let { depth, roots, fields, introspected } = nothing;
    for (const selection of set.selections) {
      let part: Size;
      if (selection.kind === Kind.FRAGMENT_SPREAD) part = measureFragment(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) part = measure(selection.selectionSet);
      else {
        const inner = selection.selectionSet ? measure(selection.selectionSet) : nothing;
        const name = selection.name.value;
        part =
          name === '__schema' || name === '__type'
            ? { depth: 1, roots: 1, fields: 1, introspected: inner.fields }
            : { depth: inner.depth + 1, roots: 1, fields: inner.fields + 1, introspected: inner.introspected };
      }
      depth = Math.max(depth, part.depth);
      roots += part.roots;
      fields += part.fields;
      introspected += part.introspected;
    }
    return { depth, roots, fields, introspected };
  };

  return {
    OperationDefinition(node) {
      const { depth, roots, fields, introspected } = measure(node.selectionSet);
      const refuse = (message: string) => context.reportError(new GraphQLError(message, { nodes: node }));
      if (depth > deepest) refuse(`expected an operation of at most ${deepest} levels, got ${depth}`);
      if (fields > mostFields) refuse(`expected an operation of at most ${mostFields} fields, got ${fields}`);
      if (roots > mostRootFields)
        refuse(`expected at most ${mostRootFields} fields of Query or Mutation in one operation, got ${roots}`);
      if (introspected > mostIntrospected)
        refuse(`expected an introspection of at most ${mostIntrospected} fields, got ${introspected}`);
    },
  };
}
