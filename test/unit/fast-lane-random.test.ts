import fc from 'fast-check';
import { type OperationDefinitionNode, parse, validate } from 'graphql';
import { toCompilable } from '../../src/gateway/compilable.ts';
import { createFastLane } from '../../src/gateway/fast-lane.ts';
import { generate } from './lane-documents.ts';
import { learnTwice, plain, runBoth } from './lane-oracle.ts';
import { laneSchema } from './lane-schema.ts';

test('random operations are answered as graphql-js answers them, and executed as often', async () => {
  const seen = { valid: 0, compiled: 0, fast: 0, failed: 0, back: 0 };
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const { query, variables } = generate(seed, laneSchema);
      const document = parse(query);
      if (validate(laneSchema, document).length > 0) return;
      seen.valid++;
      const lane = createFastLane(laneSchema);
      learnTwice(lane, { query }, document);
      const operation = document.definitions[0] as OperationDefinitionNode;
      const given = toCompilable(laneSchema, document, operation);
      if (given) seen.compiled++;
      for (const values of variables) {
        const { answer, expected, ours, theirs } = await runBoth(lane, laneSchema, document, {
          query,
          variables: values,
        });
        if (answer === null) {
          expect(ours).toBe(0);
          // Nothing goes back but what does not fit, or has to be given and is not.
          if (given && expected.data !== undefined) {
            const isAbsent = given.some((name) => !Object.hasOwn(values ?? {}, name));
            if (!isAbsent) throw new Error(`went back: ${query} ${JSON.stringify(values)}`);
          }
          seen.back++;
          continue;
        }
        expect(given).not.toBeNull();
        expect({ query, values, ...plain(answer) }).toEqual({ query, values, ...plain(expected) });
        expect(ours).toBe(theirs);
        seen.fast++;
        if (answer.errors) seen.failed++;
      }
    }),
    { numRuns: 3000, endOnFailure: true },
  );
  // The property would be empty if nothing were compiled.
  expect(seen.compiled).toBeGreaterThan(300);
  expect(seen.fast).toBeGreaterThan(1000);
  expect(seen.failed).toBeGreaterThan(100);
  expect(seen.back).toBeGreaterThan(300);
}, 120_000);
