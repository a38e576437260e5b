import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TallygateError, toMessage } from '../../errors.ts';

export const formats = ['ndjson', 'csv', 'tsv'] as const;
export type Format = (typeof formats)[number];

export interface Source {
  readonly name: string;
  readonly format: Format;
  /** Bytes on disk; undefined for standard input. */
  readonly size: number | undefined;
  /** The text's bytes, unpacked and without a byte order mark. To be read once; ends with an error when aborted. */
  open(onBytes: (count: number) => void, signal?: AbortSignal): AsyncIterable<Buffer>;
}

const formatByExtension: Readonly<Record<string, Format>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'ndjson',
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
};

/** Looks at a file, or standard input for -, without reading it. Throws INVALID_INPUT. */
export async function toSource(path: string, format: Format | undefined, stdin: Readable): Promise<Source> {
  if (path === '-') {
    if (!format)
      throw new TallygateError('INVALID_INPUT', `-: expected --format ${formats.join(', ')} for standard input`);
    return {
      name: '-',
      format,
      size: undefined,
      open: (onBytes, signal) => unpack('-', abortable(stdin, signal), onBytes),
    };
  }
  const extension = /\.([a-z]+)(?:\.gz|\.gzip)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  const known = format ?? formatByExtension[extension];
  if (!known) {
    const endings = Object.keys(formatByExtension).map((ending) => `.${ending}`);
    throw new TallygateError(
      'INVALID_INPUT',
      `${path}: expected a name that ends in ${endings.join(', ')} (and .gz), or --format ${formats.join(', ')}`,
    );
  }
  const facts = await stat(path).catch((cause: unknown) => {
    throw new TallygateError('INVALID_INPUT', `${path}: expected a file that can be read: ${toMessage(cause)}`, {
      cause,
    });
  });
  if (facts.isDirectory()) throw new TallygateError('INVALID_INPUT', `${path}: expected a file, got a folder`);
  return {
    name: path,
    format: known,
    size: facts.isFile() ? facts.size : undefined,
    open: (onBytes, signal) =>
      unpack(path, abortable(createReadStream(path, { highWaterMark: 65_536 }), signal), onBytes),
  };
}

/** Gzip is known by its first bytes, not by its name, so that it also works for standard input. */
async function* unpack(name: string, stream: Readable, onBytes: (count: number) => void): AsyncIterable<Buffer> {
  const packed = withHead(counted(stream, onBytes));
  const { value: head } = await packed.next();
  const rest = prepend(head ?? Buffer.alloc(0), packed);
  if (head?.[0] !== 0x1f || head[1] !== 0x8b) {
    yield* withoutMark(name, rest);
    return;
  }
  const gunzip = createGunzip();
  pipeline(Readable.from(rest), gunzip, () => {});
  try {
    yield* withoutMark(name, gunzip);
  } catch (cause) {
    if (!isZlibError(cause)) throw cause;
    throw new TallygateError(
      'INVALID_INPUT',
      `${name}: the gzip data is damaged or ends too early: ${toMessage(cause)}`,
      {
        cause,
      },
    );
  }
}

function abortable(stream: Readable, signal: AbortSignal | undefined): Readable {
  return signal ? addAbortSignal(signal, stream) : stream;
}

async function* counted(stream: Readable, onBytes: (count: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    onBytes(bytes.length);
    yield bytes;
  }
}

/** The first chunk has three bytes or more, unless there are no more. */
async function* withHead(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head) {
      head = Buffer.concat([head, chunk]);
      if (head.length < 3) continue;
      yield head;
      head = undefined;
    } else yield chunk;
  }
  if (head && head.length > 0) yield head;
}

async function* prepend(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}

async function* withoutMark(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of withHead(chunks)) {
    if (first && ((chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff))) {
      throw new TallygateError(
        'INVALID_INPUT',
        `${name}: expected UTF-8, got UTF-16. Convert it first: iconv -f UTF-16 -t UTF-8`,
      );
    }
    const marked = first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    first = false;
    yield marked ? chunk.subarray(3) : chunk;
  }
}

function isZlibError(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && String(thrown.code).startsWith('Z_');
}
