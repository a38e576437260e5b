/** A mistake to put into a copy of the reports, and the test that has to find it. */
export interface Mutation {
  readonly mistake: string;
  /** File below src/reports, what stands there once, what it becomes. */
  readonly edits: readonly (readonly [file: string, from: string, to: string])[];
  /** test/integration/reports-NAME.test.ts, or NAME.test.ts */
  readonly test: string;
}

/** With a single edit. */
export const one = (mistake: string, test: string, file: string, from: string, to: string): Mutation => ({
  mistake,
  test,
  edits: [[file, from, to]],
});
