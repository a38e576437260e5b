import { request as httpRequest } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { type LandingSite, openLandingSite } from './landing-site.ts';

let demo: LandingSite;
let own: LandingSite;
beforeAll(async () => {
  [demo, own] = await Promise.all([openLandingSite(true), openLandingSite(false)]);
});
afterAll(async () => {
  await Promise.all([demo?.app.close(), own?.app.close()]);
});

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const getPage = (site: LandingSite) => site.app.inject({ url: '/', headers: html });
const assetsOf = (page: string) => [...page.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, href]) => `/${href}`);

test('a browser gets the page, under a policy that lets it reach nothing but us', async () => {
  const { statusCode, headers, body } = await getPage(demo);
  expect(statusCode).toBe(200);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
    vary: 'Accept',
  });
  const policy = new Map(
    String(headers['content-security-policy'])
      .split('; ')
      .map((d) => d.split(/ (.*)/s).slice(0, 2) as [string, string]),
  );
  const nonce = policy.get('script-src')?.match(/^'nonce-([A-Za-z0-9+/]{22}==)'$/)?.[1];
  expect(Object.fromEntries(policy)).toEqual({
    'default-src': "'none'",
    'script-src': `'nonce-${nonce}'`,
    'style-src': `'nonce-${nonce}'`,
    'font-src': 'data:',
    'img-src': 'data:',
    'connect-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  });
  const guarded = body.match(/<(script|style|link rel="stylesheet")[^>]*>/g);
  expect(guarded).toHaveLength(6);
  for (const tag of guarded ?? []) expect(tag).toContain(`nonce="${nonce}"`);
  expect(body).not.toMatch(/%[a-z-]+(\.js|\.css)?%/);
  // A nonce may have two slashes of its own.
  expect(body.replaceAll('http://www.w3.org/2000/svg', '').replaceAll(String(nonce), '')).not.toMatch(
    /(https?:)?\/\/[a-z0-9]/i,
  );
  expect((await getPage(demo)).headers['content-security-policy']).not.toBe(headers['content-security-policy']);
});

test('credentials are filled in for the demo project alone', async () => {
  const [forDemo, forOwn] = [(await getPage(demo)).body, (await getPage(own)).body];
  expect(forDemo).toContain('Bearer wk_demo');
  expect(forDemo).toContain('Bearer rt_demo');
  expect(forDemo).not.toContain('Bearer YOUR_');
  expect(forOwn).toContain('Bearer YOUR_WRITE_KEY');
  expect(forOwn).toContain('Bearer YOUR_READ_TOKEN');
  expect(forOwn).not.toMatch(/wk_demo|rt_demo|at_demo/);
});

test.each([
  ['curl', '*/*'],
  ['a probe', undefined],
  ['an API client', 'application/json'],
])('%s gets a few lines of text', async (_, accept) => {
  const { statusCode, headers, body } = await demo.app.inject({ url: '/', headers: accept ? { accept } : {} });
  expect([statusCode, headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
  expect(body).toContain('POST /graphql');
});

test('assets are whole, typed, cached for good, gzip or not, and revalidated', async () => {
  const assets = assetsOf((await getPage(demo)).body);
  expect(assets).toHaveLength(4);
  for (const url of assets) {
    const plain = await demo.app.inject({ url, headers: { 'accept-encoding': 'gzip;q=0, identity' } });
    expect(plain.statusCode).toBe(200);
    expect(plain.headers).toMatchObject({
      'content-type': url.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      vary: 'Accept-Encoding',
    });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.body).not.toContain('sourceMappingURL');
    const zipped = await demo.app.inject({ url, headers: { 'accept-encoding': 'br, gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.rawPayload).equals(plain.rawPayload)).toBe(true);
    const etag = String(plain.headers.etag);
    const again = await demo.app.inject({ url, headers: { 'if-none-match': `"other", ${etag}` } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
    const changed = await demo.app.inject({ url, headers: { 'if-none-match': 'W/"0000000000000000"' } });
    expect(changed.statusCode).toBe(200);
    const head = await demo.app.inject({ url, method: 'HEAD' });
    expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([
      200,
      '',
      String(plain.rawPayload.length),
    ]);
  }
});

test.each([
  '/assets/',
  '/assets/graphiql.js',
  '/assets/graphiql.0000000000000000.js',
  '/assets/../package.json',
  '/assets/../../../../../../../../etc/passwd',
  '/assets/..%2f..%2fpackage.json',
  '/assets/%2e%2e/%2e%2e/package.json',
  '/assets//etc/passwd',
  '/assets/..\\..\\package.json',
  '/assets/graphiql.js%00.css',
  '/landing.html',
])('%s is not there', async (path) => {
  // Node's own client sends a path as it stands; others tidy it up first.
  const status = await new Promise((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port: new URL(demo.origin).port, path }, (answer) =>
      resolve(answer.resume().statusCode),
    )
      .on('error', reject)
      .end();
  });
  expect([400, 404]).toContain(status);
});
