import type { QueryPathsArgs } from '../../../../resolvers/types.generated.ts';
import { type Table, toOpenTable } from '../table.ts';

/** A row for each step at its place. */
export const pathsNodes: Table<QueryPathsArgs> = {
  name: 'paths-nodes',
  parameters: '$input: PathsInput!',
  columns: [
    { name: 'step', type: 'integer' },
    { name: 'name', type: 'text' },
    { name: 'sessions', type: 'integer' },
    { name: 'persons', type: 'integer' },
    { name: 'began', type: 'integer' },
    { name: 'ended', type: 'integer' },
  ],
  async open(ask, { input }) {
    const { meta, nodes } = await ask().paths(input);
    return toOpenTable(
      meta,
      nodes.map(({ step, name, sessions, persons, began, ended }) => [step, name, sessions, persons, began, ended]),
    );
  },
};

/** A row for each way from a step to the next one. */
export const pathsLinks: Table<QueryPathsArgs> = {
  name: 'paths-links',
  parameters: '$input: PathsInput!',
  columns: [
    { name: 'step', type: 'integer' },
    { name: 'from', type: 'text' },
    { name: 'to', type: 'text' },
    { name: 'sessions', type: 'integer' },
    { name: 'persons', type: 'integer' },
  ],
  async open(ask, { input }) {
    const { meta, links } = await ask().paths(input);
    return toOpenTable(
      meta,
      links.map(({ step, from, to, sessions, persons }) => [step, from, to, sessions, persons]),
    );
  },
};
