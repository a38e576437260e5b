// Random streams of the oracle: what a run of all tests has time for. See test/oracle/README.md.
process.env.ORACLE_RUNS ??= '0.25';

// Tests are the same ES modules that run in production: swc only strips their types.
/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2024', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Real servers, once for the whole run: test/servers/require.ts.
  globalSetup: '<rootDir>/test/servers/jest-setup.ts',
  globalTeardown: '<rootDir>/test/servers/jest-teardown.ts',
  // Data of servers and their builds is no source of modules.
  modulePathIgnorePatterns: ['<rootDir>/.cache/'],
  maxWorkers: 2,
  // The engine keeps one data directory a process: a fresh worker for each file.
  workerIdleMemoryLimit: 1,
  testTimeout: 30_000,
};
