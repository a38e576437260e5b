import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { demoSecrets } from '../config.ts';
import { firstOperations } from './first-operations.ts';

export interface LandingOptions {
  /** Whether the demo project's credentials are in force; they are filled in then, and placeholders otherwise. */
  readonly demo: boolean;
}

/** The scripts as their packages publish them for browsers. `name` is what landing.html calls them. */
const sources = [
  { name: 'react.js', from: 'react', path: 'umd/react.production.min.js' },
  { name: 'react-dom.js', from: 'react-dom', path: 'umd/react-dom.production.min.js' },
  { name: 'graphiql.js', from: 'graphiql', path: 'graphiql.min.js' },
  { name: 'graphiql.css', from: 'graphiql', path: 'graphiql.min.css' },
] as const;

interface Asset {
  readonly name: string;
  /** Below the page's own address, with a hash of the content in it: what it names never changes. */
  readonly href: string;
  readonly etag: string;
  readonly type: string;
  readonly plain: Buffer;
  readonly gzipped: Buffer;
}

const forAnyone = `Tallygate, a GraphQL gateway for tracking and reports.

  POST /graphql         operations; Authorization: Bearer ...
  GET  /schema.graphql  the contract
  GET  /metrics         Prometheus metrics
  GET  /healthz         liveness
  GET  /readyz          readiness

Open this address in a browser for an editor with first operations.
`;

const intro =
  'Mutations are on disk before they answer, reports say how fresh they are. Each tab is a first operation:';
const demoText = `${intro} press the run button. The demo project's credentials are filled in under Headers.`;
const ownText = `${intro} put your write key or read token under Headers, then press the run button. The browser does not keep it.`;

/**
 * The page for people at GET /, an editor with the first operations filled in. It needs nothing from any other address,
 * and its policy lets it reach none. Programs that ask for / get a few lines of plain text.
 */
export function landingPage(options: LandingOptions): FastifyPluginAsync {
  return async (app) => {
    const [template, assets] = await Promise.all([
      readFile(new URL('./landing.html', import.meta.url), 'utf8'),
      Promise.all(sources.map(readAsset)),
    ]);
    const page = toPage(template, assets, options);
    for (const asset of assets) serveAsset(app, asset);
    app.get('/', (request, reply) => {
      reply.header('vary', 'Accept').header('x-content-type-options', 'nosniff');
      if (!asksForHtml(request)) return reply.type('text/plain; charset=utf-8').send(forAnyone);
      const nonce = randomBytes(16).toString('base64');
      return reply
        .header('content-security-policy', toPolicy(nonce))
        .header('referrer-policy', 'same-origin')
        .header('cache-control', 'no-store')
        .type('text/html; charset=utf-8')
        .send(page.replaceAll('%nonce%', nonce));
    });
  };
}

async function readAsset({ name, from, path }: (typeof sources)[number]): Promise<Asset> {
  const folder = dirname(createRequire(import.meta.url).resolve(`${from}/package.json`));
  const text = await readFile(join(folder, path), 'utf8');
  // The source maps are not served, and developer tools would complain of each that is named.
  const plain = Buffer.from(text.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n'));
  const hash = createHash('sha256').update(plain).digest('hex').slice(0, 16);
  const [stem, extension] = name.split('.');
  return {
    name,
    href: `assets/${stem}.${hash}.${extension}`,
    // Weak, since the bytes differ by encoding.
    etag: `W/"${hash}"`,
    type: `text/${extension === 'css' ? 'css' : 'javascript'}; charset=utf-8`,
    plain,
    gzipped: await promisify(gzip)(plain),
  };
}

function serveAsset(app: FastifyInstance, asset: Asset): void {
  app.get(`/${asset.href}`, (request: FastifyRequest, reply: FastifyReply) => {
    reply
      .header('etag', asset.etag)
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('vary', 'Accept-Encoding')
      .header('x-content-type-options', 'nosniff');
    if (request.headers['if-none-match']?.includes(asset.etag)) return reply.code(304).send();
    reply.type(asset.type);
    if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(asset.plain);
    return reply.header('content-encoding', 'gzip').send(asset.gzipped);
  });
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(String(header ?? ''));
}

function asksForHtml(request: FastifyRequest): boolean {
  return /\btext\/html\b/i.test(request.headers.accept ?? '');
}

/** Nothing but our own origin, no inline script or style without the nonce, and no frame around it. */
function toPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    'font-src data:',
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function toPage(template: string, assets: readonly Asset[], { demo }: LandingOptions): string {
  const write = demo ? demoSecrets.write : 'YOUR_WRITE_KEY';
  const read = demo ? demoSecrets.read : 'YOUR_READ_TOKEN';
  const data = {
    headers: { write: toHeaders(write), read: toHeaders(read) },
    tabs: firstOperations.map(({ query, variables }) => ({ query, variables: toVariables(variables) })),
  };
  const values: Record<string, string> = {
    text: demo ? demoText : ownText,
    first: toAttribute(JSON.stringify(data)),
    ...Object.fromEntries(assets.map(({ name, href }) => [name, href])),
  };
  return template.replace(/%([\w.-]+)%/g, (whole, name: string) => values[name] ?? whole);
}

function toAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
}

function toHeaders(secret: string): string {
  return JSON.stringify({ Authorization: `Bearer ${secret}` }, null, 2);
}

function toVariables(variables: Readonly<Record<string, unknown>>): string {
  return Object.keys(variables).length === 0 ? '' : JSON.stringify(variables, null, 2);
}
