import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Benchmark, judgeRatio, type Options, toNumber, toRateTable, toRatioSpread } from './report.ts';
import { type Figure, runRounds } from './rounds.ts';
import { runOnce } from './worker.ts';
import type { InsertJob } from './workers/insert.ts';
import type { Prepared, PrepareJob } from './workers/prepare-log.ts';
import type { SinkJob } from './workers/sink.ts';
import type { Stored } from './workers/stored.ts';

const ours = 'the sink';
const sameBatches = 'engine alone, the same batches';
const oneInsert = 'engine alone, one insert';
const events = 1_000_000;
/** The sink's default. */
const batchRows = 50_000;

export const sink: Benchmark = {
  name: 'sink',
  title: 'From the log into the warehouse',
  about: `A million seeded events (about 460 bytes each, five properties and a context) lie in the embedded log. Ours is the sink of
\`tallygate serve\`, with the default settings, from its start until every row is stored and completed in the ledger: it reads the log, commits
its intent, finds repeats, announces, inserts 50,000 rows at a time, and completes. The baseline is the engine's own insert of the same rows from files
(\`INSERT INTO events FROM INFILE ... FORMAT JSONEachRow\`), through the same embedded engine, into a table of the same definition with the same
settings: in the sink's batches, and all in one statement. Each round is a new process with an empty warehouse and both cores; the rows of
all three are compared by a fingerprint.`,
  async run(options) {
    const prepared = await prepare(options);
    const expected = new Set<string>();
    const run = async (start: (dir: string) => Promise<Stored>): Promise<Figure> => {
      const dir = join(options.dir, 'round');
      await mkdir(dir, { recursive: true });
      const { seconds, cpuSeconds, rows, fingerprint } = await start(dir);
      await rm(dir, { recursive: true });
      if (rows !== events) throw new Error(`expected ${events} rows in the warehouse, got ${rows}`);
      if (expected.add(fingerprint).size > 1)
        throw new Error('expected the same rows from every contender, got others');
      return { rate: rows / seconds, ratePerCpu: rows / cpuSeconds };
    };
    let runs = 0;
    const figures = await runRounds(
      {
        [sameBatches]: () =>
          run((dir) => runOnce<InsertJob, Stored>('insert.ts', { files: prepared.files }, { env: toEnv(dir) })),
        [ours]: () =>
          run(async (dir) => {
            await symlink(join(options.dir, 'prepared', 'log'), join(dir, 'log'));
            const env = { ...toEnv(dir), KAFKA_GROUP: `bench-${runs++}` };
            return runOnce<SinkJob, Stored>('sink.ts', { rows: events, deadlineMs: 300_000 }, { env });
          }),
        [oneInsert]: () =>
          run((dir) =>
            runOnce<InsertJob, Stored>('insert.ts', { files: [prepared.wholeFile as string] }, { env: toEnv(dir) }),
          ),
      },
      { rounds: options.rounds ?? 3, warmUps: 0, say: options.say },
    );
    return {
      tables: [toRateTable('rows', figures, sameBatches)],
      verdicts: [
        judgeRatio(
          toRatioSpread(figures, ours, sameBatches),
          0.8,
          "rows a second of the sink, of the engine's own insert in the same batches",
        ),
      ],
      notes: [
        `Records take ${Math.round(prepared.bytes / events)} bytes in the log on average. Against one insert of everything the sink reaches ${toNumber(toRatioSpread(figures, ours, oneInsert).median)} in the median of the rounds.`,
      ],
    };
  },
};

async function prepare({ dir, say }: Options): Promise<Prepared> {
  const rowsDir = join(dir, 'rows');
  await mkdir(rowsDir, { recursive: true });
  say(`writing ${events} events into a log`);
  const job = { seed: 'shop', events, batchRows, rowsDir };
  return runOnce<PrepareJob, Prepared>('prepare-log.ts', job, { env: toEnv(join(dir, 'prepared')) });
}

/** The rest of the settings is the default. */
function toEnv(dataDir: string): Record<string, string> {
  return { DATA_DIR: dataDir, UV_THREADPOOL_SIZE: '16' };
}
