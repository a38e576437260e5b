// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source text

import { type Mutation, one } from './mistake.ts';

/** Mistakes in funnels, and in who is who, which funnels show. */
export const funnelMutations: readonly Mutation[] = [
  one(
    'one event counts for two steps',
    'funnel',
    'funnel/levels.ts',
    "overlaps.length > 0 ? sql`, 'strict_once'`",
    "overlaps.length > 1e9 ? sql`, 'strict_once'`",
  ),
  one(
    'the window of a funnel excludes its end',
    'funnel',
    'funnel/chains.ts',
    '- ${chain}[1] <= ${literal(windowMs)}`',
    '- ${chain}[1] < ${literal(windowMs)}`',
  ),
  one(
    'the window of a funnel is from step to step',
    'funnel',
    'funnel/chains.ts',
    't - ${chain}[1] <= ${literal(windowMs)}',
    't - ${chain}[-1] <= ${literal(windowMs)}',
  ),
  one(
    'an exclusion at the instant of a step ends the attempt',
    'funnel',
    'funnel/chains.ts',
    'if(${last} < t, ${last}, ${before}) <= ${chain}[${from}])',
    '${last} < ${chain}[${from}])',
  ),
  one(
    'the first attempt counts, and not the one that gets furthest',
    'funnel',
    'funnel/attempts.ts',
    "const isEasy = join([sql`eager[-1] - eager[1] <= ${literal(windowMs)}`, ...allowed], ' AND ');",
    'const isEasy = sql`1`;',
  ),
  one(
    'times of a step are those of all who began',
    'funnel',
    'funnel/plans.ts',
    'sql`arrayMap(d -> toFloat64(d), arrayDifference(times))`',
    'sql`arrayResize(arrayMap(d -> toFloat64(d), arrayDifference(times)), 2)`',
  ),
  one(
    'the last user that identified an anonymous id wins',
    'funnel',
    'identity/identity.ts',
    'ORDER BY child, received_at, message_id, parent LIMIT 1 BY child',
    'ORDER BY project, child, received_at DESC, message_id DESC, parent LIMIT 1 BY child',
  ),
  one(
    'merges that arrived first win, whenever they were received',
    'funnel',
    'identity/identity.ts',
    'ORDER BY child, received_at, message_id, parent LIMIT 1 BY child',
    'ORDER BY child, log_stream, log_offset, parent LIMIT 1 BY child',
  ),
  one(
    'ids that are aliased in a circle go round',
    'funnel',
    'identity/identity.ts',
    'broken.length > 0 ?',
    'broken.length > 1e9 ?',
  ),
  one(
    'in a strict order, a step goes on from an instant that has other events',
    'funnel',
    'funnel/levels.ts',
    'AND (p = 1 OR n = q - p + 1 AND ${goesOn})',
    'AND (p = 1 OR ${goesOn})',
  ),
  one(
    'in a strict order, the window excludes its end where events are of one instant',
    'funnel',
    'funnel/levels.ts',
    't - ${began} <= ${literal(windowMs)}',
    't - ${began} < ${literal(windowMs)}',
  ),
];
