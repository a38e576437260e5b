import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The chapters of docs/guide: what they ask, what they show as the answer, and how to ask it. */

export const guide = join(import.meta.dirname, '../../docs/guide');
const run = promisify(execFile);

export interface Question {
  readonly file: string;
  readonly line: number;
  readonly language: 'sh' | 'graphql';
  readonly text: string;
  /** JSON that the chapter shows as the answer. */
  readonly answer: unknown;
}

/** Stands for what differs each time: any value in an answer, the last one of its kind in a question. */
export const volatile = '…';

const commands = new Set(['npm ci && npm start']);

export function listChapters(): string[] {
  return readdirSync(guide)
    .filter((file) => /^\d\d-.*\.md$/.test(file))
    .sort();
}

/** Every block of a chapter, in order. Throws when a question has no answer, or an answer no question. */
export function readQuestions(file: string): Question[] {
  const text = readFileSync(join(guide, file), 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1] as string,
    text: (match[2] as string).trimEnd(),
    line: text.slice(0, match.index).split('\n').length,
  }));
  const questions: Question[] = [];
  for (let i = 0; i < blocks.length; i++) {
    const { language, text: asked, line } = blocks[i]!;
    if (language === 'sh' && commands.has(asked)) continue;
    if (language !== 'sh' && language !== 'graphql')
      throw new Error(`${file}:${line}: expected a command, mutation or query, got ${language || 'nothing'}`);
    const answer = blocks[++i];
    if (answer?.language !== 'json') throw new Error(`${file}:${line}: expected an answer after it, as json`);
    questions.push({ file, line, language, text: asked, answer: JSON.parse(answer.text) });
  }
  return questions;
}

interface Answer {
  readonly data?: unknown;
  readonly errors?: unknown;
}

/** Asks as a reader does who has followed the chapters so far. */
export function createReader(url: string) {
  let token: string | undefined;
  let snapshot: string | undefined;

  const post = async (secret: string, query: string): Promise<Answer> => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      body: JSON.stringify({ query }),
    });
    return (await response.json()) as Answer;
  };

  return {
    async ask({ file, line, language, text }: Question): Promise<Answer> {
      const said = (name: string, value: string | undefined) => {
        if (value === undefined)
          throw new Error(`${file}:${line}: expected a ${name} in an answer before it, got none`);
        return JSON.stringify(value);
      };
      const query = text
        .replaceAll(/(?<=\bafter: )"…"/g, () => said('token', token))
        .replaceAll(/(?<=\bat: )"…"/g, () => said('snapshot', snapshot));
      const answer =
        language === 'sh'
          ? (JSON.parse((await run('bash', ['-c', query.replaceAll('http://127.0.0.1:4000', url)])).stdout) as Answer)
          : await post(query.startsWith('mutation') ? 'wk_demo' : 'rt_demo', query);
      const shown = JSON.stringify(answer);
      snapshot = /"snapshot":"([^"]+)"/.exec(shown)?.[1] ?? snapshot;
      token = /"token":"([^"]+)"/.exec(shown)?.[1] ?? token;
      // A reader is slower than the sink; a test has to wait.
      if (/\bmutation\b/.test(query)) await this.settle();
      return answer;
    },
    /** Until all that was written is in the reports. */
    async settle(): Promise<void> {
      const written = Date.now();
      for (let i = 0; i < 600; i++) {
        const { data } = await post('rt_demo', '{ catalog(freshness: { maxAgeMs: 0 }) { meta { asOf } } }');
        const asOf = /"asOf":"([^"]+)"/.exec(JSON.stringify(data))?.[1];
        if (asOf !== undefined && Date.parse(asOf) > written) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('expected the events of the guide to be stored within 30 seconds');
    },
  };
}

/** The answer, with the placeholder wherever the chapter has it. */
export function mask(answer: unknown, shown: unknown): unknown {
  if (shown === volatile && answer !== undefined && answer !== null) return volatile;
  if (Array.isArray(answer)) return answer.map((item, i) => mask(item, Array.isArray(shown) ? shown[i] : undefined));
  if (typeof answer !== 'object' || answer === null) return answer;
  const of = typeof shown === 'object' && shown !== null ? (shown as Record<string, unknown>) : {};
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, mask(value, of[name])]));
}
