import { mergeSections, toSection } from './document.ts';
import { judgeRatio, toMarkdown, toNumber, toRateTable, toRatioSpread } from './report.ts';
import { runRounds, toRatios, toSpread } from './rounds.ts';

describe('rounds', () => {
  it('take turns after a warm-up, and keep the order of rounds', async () => {
    const order: string[] = [];
    const contender = (name: string) => async () => ({ rate: order.push(name), ratePerCpu: 1 });
    const figures = await runRounds({ a: contender('a'), b: contender('b') }, { rounds: 2, say: () => {} });
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(figures.a?.map(({ rate }) => rate)).toEqual([3, 5]);
    expect(figures.b?.map(({ rate }) => rate)).toEqual([4, 6]);
  });

  it('are summed up by their middle', () => {
    expect(toSpread([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
    expect(toSpread([4, 1, 2, 3])).toEqual({ min: 1, median: 2.5, max: 4 });
    expect(() => toSpread([])).toThrow('expected at least one round, got none');
  });

  it('give a ratio each, whose middle is judged', () => {
    expect(toRatios([5, 30], [10, 10])).toEqual([0.5, 3]);
    expect(() => toRatios([1], [])).toThrow('expected as many rounds of the one as of the other, got 1 and 0');
    // The middle of the rates would say 1.
    const rates = (values: number[]) => values.map((rate) => ({ rate, ratePerCpu: rate }));
    const ratio = toRatioSpread({ ours: rates([4, 8, 8]), theirs: rates([8, 20, 8]) }, 'ours', 'theirs');
    expect(ratio).toEqual({ min: 0.4, median: 0.5, max: 1 });
    expect(judgeRatio(ratio, 0.5, 'x').pass).toBe(true);
    expect(judgeRatio(ratio, 0.51, 'x')).toMatchObject({ pass: false, mustHold: false });
  });
});

describe('the document of benchmarks', () => {
  const benchmark = (name: string) => ({ name, title: `About ${name}`, about: 'How.', run: () => Promise.reject() });
  const report = (pass: boolean, cell: string) => ({
    tables: [{ head: ['x', 'y'], rows: [['a', cell]] }],
    verdicts: [{ pass, text: 'a target', mustHold: true }],
    notes: ['A note.'],
  });

  it('keeps the sections of those that were not run, in their order', () => {
    const names = ['one', 'two', 'three'];
    const first = mergeSections(
      '',
      new Map([
        ['three', toSection(benchmark('three'), report(true, '1'), 'Run 1.')],
        ['one', toSection(benchmark('one'), report(true, '2'), 'Run 1.')],
      ]),
      names,
    );
    const second = mergeSections(
      first,
      new Map([
        ['two', toSection(benchmark('two'), report(false, '3'), 'Run 2.')],
        ['one', toSection(benchmark('one'), report(false, '4'), 'Run 2.')],
      ]),
      names,
    );
    expect([...second.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual([
      'About one (one)',
      'About two (two)',
      'About three (three)',
    ]);
    expect([...second.matchAll(/^\| a\s+\| (\d)/gm)].map(([, cell]) => cell)).toEqual(['4', '3', '1']);
    expect(second).toContain('- FAIL: a target');
    expect(mergeSections(second, new Map(), names)).toBe(second);
  });

  it('shows figures of any size and lines columns up', () => {
    expect([12_345.6, 100, 12.34, 0.512, Number.NaN].map(toNumber)).toEqual(['12,346', '100', '12.3', '0.51', '-']);
    const rounds = (rate: number) => [{ rate, ratePerCpu: 2 * rate }];
    const lines = toMarkdown(toRateTable('rows', { theirs: rounds(1000), ours: rounds(250) }, 'theirs')).split('\n');
    expect(lines[2]).toMatch(/^\| theirs \(baseline\) \| +1,000 \|/);
    expect(lines[3]).toMatch(/^\| ours .*\| +0\.25 \| +0\.25 \| +0\.25 \| +500 \| +0\.25 \|$/);
    expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
  });
});
