import { GraphQLError, type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql';
import type { Right } from '../src/config.ts';
import { isTallygateError, TallygateError } from '../src/errors.ts';
import type { Caller, Context } from './context.ts';

/** A field that needs a right. What counts is the credential's rights, not the kind of operation; admin has all. */
export function needing<Parent, Args, Result>(
  right: Right,
  resolve: (caller: Caller, args: Args, context: Context, info: GraphQLResolveInfo) => Promise<Result>,
) {
  return async (_parent: Parent, args: Args, context: Context, info: GraphQLResolveInfo): Promise<Result> => {
    try {
      return await inField(context, info, () => resolve(authorize(context.caller, right), args, context, info));
    } catch (thrown) {
      throw toGraphQLError(thrown);
    }
  };
}

/** A field of a report that is computed when it is asked for: who may ask for the report may ask for it. */
export function afterwards<Parent, Args, Result>(
  resolve: (parent: Parent, args: Args, info: GraphQLResolveInfo) => Promise<Result>,
) {
  return (parent: Parent, args: Args, context: Context, info: GraphQLResolveInfo): Promise<Result> =>
    inField(context, info, () => resolve(parent, args, info)).catch((thrown) => {
      throw toGraphQLError(thrown);
    });
}

/** Reports that begin within it are this field's, where somebody asked for an explanation. */
function inField<T>({ explain }: Context, { path }: GraphQLResolveInfo, begin: () => T): T {
  if (!explain?.recorder) return begin();
  const keys: (string | number)[] = [];
  for (let at: typeof path | undefined = path; at; at = at.prev) keys.unshift(at.key);
  return explain.recorder.within(keys.join('.'), begin);
}

/** Whether anywhere below the field there is a way of these names, whatever directives say of it. */
export function asksFor({ fieldNodes, fragments }: GraphQLResolveInfo, way: readonly string[]): boolean {
  const isIn = (set: SelectionSetNode | undefined, [name, ...rest]: readonly string[]): boolean => {
    if (name === undefined) return true;
    return (set?.selections ?? []).some((selection) => {
      if (selection.kind === Kind.FIELD) return selection.name.value === name && isIn(selection.selectionSet, rest);
      const inner =
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection.selectionSet
          : fragments[selection.name.value]?.selectionSet;
      return isIn(inner, [name, ...rest]);
    });
  };
  return fieldNodes.some(({ selectionSet }) => isIn(selectionSet, way));
}

/** What of events is looked at, in the field's connection. */
export function toEventsAsked(info: GraphQLResolveInfo): { readonly persons: boolean } {
  return { persons: asksFor(info, ['nodes', 'person']) || asksFor(info, ['edges', 'node', 'person']) };
}

/** What else a right brings. */
const includes: Readonly<Record<Right, readonly Right[]>> = {
  write: ['write'],
  read: ['read'],
  edit: ['edit', 'read'],
  admin: ['admin', 'edit', 'read', 'write'],
};

/** Throws UNAUTHENTICATED and FORBIDDEN. */
export function authorize(caller: Caller | null, right: Right): Caller {
  if (caller === null)
    throw new TallygateError('UNAUTHENTICATED', 'expected a credential: Authorization: Bearer ..., got none');
  if (!includes[caller.right].includes(right)) {
    throw new TallygateError(
      'FORBIDDEN',
      `expected a credential with the right to ${right}, got one with the right to ${caller.right}`,
    );
  }
  return caller;
}

/** Errors of ours carry their code, status and facts; all others go on as they are and are masked at the edge. */
export function toGraphQLError(thrown: unknown): unknown {
  if (!isTallygateError(thrown)) return thrown;
  const { code, message, retriable, status, details } = thrown;
  const retryAfterMs = thrown.retryAfterMs ?? (status === 503 ? 1000 : undefined);
  const headers = new Map<string, string>();
  if (retryAfterMs !== undefined) headers.set('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  if (status === 401) headers.set('www-authenticate', 'Bearer');
  return new GraphQLError(message, {
    originalError: thrown,
    extensions: {
      code,
      ...(retriable ? { retriable: true } : {}),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...details,
      http: { status, headers },
    },
  });
}
