import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import { createSubgraphResolvers, type Subgraph } from '../../resolvers/federation.ts';
import { resolvers } from '../../resolvers/index.ts';
import { toExecutableParts } from './federation.ts';

const folder = join(import.meta.dirname, '../../schema');

/** The public contract as one text: the files of schema/ in order of their names. */
export function readTypeDefs(): string {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.graphql'))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim())
    .join('\n\n')
    .concat('\n');
}

/** `subgraph`: what makes it one of a federation. */
export function createSchema(subgraph: Subgraph | null = null): GraphQLSchema {
  return makeExecutableSchema({
    typeDefs: subgraph ? [readTypeDefs(), toExecutableParts(subgraph.types)] : readTypeDefs(),
    resolvers: subgraph ? [resolvers, createSubgraphResolvers(subgraph)] : resolvers,
    inheritResolversFromInterfaces: false,
  });
}
