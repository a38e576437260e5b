import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { firstOperations } from '../../src/gateway/first-operations.ts';
import { type Call, type LandingSite, openLandingSite } from './landing-site.ts';

let demo: LandingSite;
let own: LandingSite;
beforeAll(async () => {
  [demo, own] = await Promise.all([openLandingSite(true), openLandingSite(false)]);
});
afterAll(async () => {
  await Promise.all([demo?.app.close(), own?.app.close()]);
});

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
if (!browserPath) {
  const line = `SKIPPED: the landing page in a browser, since there is none at /usr/bin/chromium (apt-get install chromium)`;
  if (process.env.CI === 'true') {
    test('a browser is there', () => {
      throw new Error(line);
    });
  } else console.warn(line);
}

(browserPath ? describe : describe.skip)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    browser = await chromium.launch({ executablePath: browserPath as string, args });
  });
  afterAll(async () => {
    await browser?.close();
  });

  interface Visit {
    readonly page: Page;
    readonly complaints: string[];
    readonly strangers: string[];
  }

  /** Opens the page without a way to any other address; collects what it asked for there, and what the console says. */
  async function visit(site: LandingSite, colorScheme: 'light' | 'dark' = 'light'): Promise<Visit> {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 800 } });
    const [complaints, strangers]: [string[], string[]] = [[], []];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.route(
      (url) => url.origin !== site.origin,
      (route) => {
        strangers.push(route.request().url());
        return route.abort();
      },
    );
    page.on('request', (request) => {
      const { origin, protocol, href } = new URL(request.url());
      if (origin !== site.origin && protocol !== 'data:') strangers.push(href);
    });
    site.introspections.length = 0;
    await page.goto(site.origin);
    await ready(page, site);
    site.operations.length = 0;
    return { page, complaints, strangers };
  }

  async function ready(page: Page, site: LandingSite): Promise<void> {
    await page.locator('.graphiql-tab').nth(4).waitFor();
    await page.locator('.result-window .CodeMirror').waitFor();
    await until(() => site.introspections.length > 0);
  }

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`expected within 10 s: ${condition}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const tabNames = async (page: Page) =>
    (await page.locator('.graphiql-tab-button').allTextContents()).map((t) => t.trim());
  /** The editor knows the name of its operation a moment after it shows it. */
  async function openTab(page: Page, name: string): Promise<void> {
    await page.locator('.graphiql-tab-button', { hasText: name }).click();
    await until(async () => (await page.evaluate(`${editor('Query Editor')}.operationName`)) === name);
  }

  const answerOf = async (page: Page) => (await page.locator('.result-window').textContent()) ?? '';
  const editor = (kind: 'Query Editor' | 'Variables' | 'Headers') =>
    `document.querySelector('[aria-label="${kind}"] .graphiql-editor:not(.hidden) .CodeMirror').CodeMirror`;

  async function run(page: Page, site: LandingSite): Promise<Call> {
    const before = site.operations.length;
    await page.locator('.graphiql-execute-button').click();
    await until(() => site.operations.length > before);
    return site.operations.at(-1) as Call;
  }

  test('every tab runs with the right credential and shows its answer; nothing leaves the origin', async () => {
    const { page, complaints, strangers } = await visit(demo);
    expect(await page.title()).toBe('Tallygate');
    expect(await tabNames(page)).toEqual(firstOperations.map(({ name }) => name));
    for (const operation of firstOperations) {
      await openTab(page, operation.name);
      const call = await run(page, demo);
      expect(call).toEqual({
        authorization: operation.right === 'write' ? 'Bearer wk_demo' : 'Bearer rt_demo',
        name: operation.name,
        query: operation.query,
        variables: Object.keys(operation.variables).length > 0 ? operation.variables : undefined,
      });
      await until(async () => (await answerOf(page)).includes('"data"'));
      if (operation.name === 'TrackOrder')
        expect(await answerOf(page)).toMatch(/"first-order-1"[\s\S]*"ACCEPTED"[\s\S]*"token-of-the-answer"/);
    }
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] });
    await page.close();
  });

  test('no first operation is marked as wrong, and what is wrong is marked', async () => {
    const { page } = await visit(demo);
    const marks = () => page.locator('.CodeMirror-lint-mark-error, .CodeMirror-lint-mark-warning').allTextContents();
    for (const { name } of firstOperations) {
      await openTab(page, name);
      await page.waitForTimeout(700);
      expect({ name, marks: await marks() }).toEqual({ name, marks: [] });
    }
    await openTab(page, 'TrackOrder');
    await page.evaluate(`${editor('Variables')}.setValue('{ "input": { "event": 7, "properties": { "a": 1 } } }')`);
    await until(async () => (await marks()).join() === '7');
    await page.close();
  });

  test('docs, settings, history and completion open without a complaint, in the dark too', async () => {
    const { page, complaints, strangers } = await visit(demo, 'dark');
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(33, 42, 59)');
    await page.locator('#docs').click();
    await page.locator('.graphiql-doc-explorer', { hasText: 'Mutation' }).waitFor();
    await page.getByRole('button', { name: 'Show History' }).click();
    await page.locator('.graphiql-history').waitFor();
    await page.locator('[aria-label="Query Editor"] .CodeMirror').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('query Other { tr');
    await page.keyboard.press('Control+Space');
    await page.locator('.CodeMirror-hints', { hasText: 'trend' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Open settings dialog' }).click();
    await page.getByRole('button', { name: 'Light' }).click();
    await until(
      async () => (await page.evaluate('getComputedStyle(document.body).backgroundColor')) === 'rgb(255, 255, 255)',
    );
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] });
    await page.close();
  });

  test('a reload keeps edits and brings the credentials back', async () => {
    const { page, complaints } = await visit(demo);
    await openTab(page, 'ViewToOrder');
    await page.evaluate(`${editor('Query Editor')}.setValue('query Mine { catalog { events { event } } }')`);
    await until(async () =>
      Boolean(await page.evaluate(`localStorage['tallygate:graphiql:tabState']?.includes('query Mine')`)),
    );
    demo.introspections.length = 0;
    await page.reload();
    await ready(page, demo);
    expect(await tabNames(page)).toEqual(['TrackOrder', 'TrackVisits', 'OrdersAndRevenue', 'Mine', 'WhatIsThere']);
    expect((await run(page, demo)).authorization).toBe('Bearer wk_demo');
    await openTab(page, 'Mine');
    expect(await run(page, demo)).toMatchObject({ authorization: 'Bearer rt_demo', name: 'Mine' });
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('a key that is typed in is sent, goes on to a new tab and is not kept', async () => {
    const { page, complaints } = await visit(own);
    // The placeholder is no credential, and the schema can be read without one.
    expect(own.introspections.map(({ authorization }) => authorization)).toEqual([undefined]);
    expect((await run(page, own)).authorization).toBe('Bearer YOUR_WRITE_KEY');
    await page.getByRole('button', { name: 'Headers' }).click();
    await page.evaluate(`${editor('Headers')}.setValue('{ "Authorization": "Bearer typed-in" }')`);
    await page.waitForTimeout(700);
    expect((await run(page, own)).authorization).toBe('Bearer typed-in');
    await page.getByRole('button', { name: 'Add tab' }).click();
    expect(await page.evaluate(`${editor('Headers')}.getValue()`)).toContain('typed-in');
    await page.waitForTimeout(1000);
    const kept = String(
      await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage, cookie: document.cookie })'),
    );
    expect(kept).toContain('tallygate:graphiql:queries');
    expect(kept).not.toContain('typed-in');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('the policy holds: no foreign script runs, no other address is reached, no frame shows it', async () => {
    let reached = 0;
    const other = createServer(({ url }, response) => {
      // Browsers ask for /favicon.ico of their own accord.
      if (url === '/') reached += 1;
      response
        .setHeader('access-control-allow-origin', '*')
        .setHeader('content-type', 'text/html')
        .end(`<iframe src="${demo.origin}"></iframe>`);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
    const page = await browser.newPage();
    await page.goto(demo.origin);
    await page.locator('.graphiql-tab').first().waitFor();
    const outcome = await page.evaluate(`(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.body.append(script);
      const image = new Image();
      image.src = '${address}';
      document.body.append(image);
      const fetched = await fetch('${address}').then(() => 'reached', () => 'refused');
      return { injected: window.injected ?? false, fetched };
    })()`);
    expect(outcome).toEqual({ injected: false, fetched: 'refused' });
    expect(reached).toBe(0);
    await page.goto(address);
    expect(reached).toBe(1);
    await until(() => page.frames()[1]?.url() === 'chrome-error://chromewebdata/');
    await page.close();
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  });
});
