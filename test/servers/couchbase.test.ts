import { type Cluster, type Collection, connect, DocumentNotFoundError, TimeoutError } from 'couchbase';
import { openBucket } from './couchbase.ts';
import { createCouchbaseFaults, kvStatus } from './couchbase-faults.ts';
import { describeWith, describeWithOwn, uniqueName } from './require.ts';

interface Address {
  readonly COUCHBASE_URL: string;
  readonly COUCHBASE_USER: string;
  readonly COUCHBASE_PASSWORD: string;
}

const clusters: Cluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

async function open(address: Address): Promise<Collection> {
  const cluster = await connect(address.COUCHBASE_URL, {
    username: address.COUCHBASE_USER,
    password: address.COUCHBASE_PASSWORD,
    timeouts: { kvTimeout: 1000, bootstrapTimeout: 2000 },
  });
  clusters.push(cluster);
  return (await openBucket(cluster)).defaultCollection();
}

describeWith(['couchbase'], 'the shared Couchbase test server', (env) => {
  test('keeps documents, and forgets them when their time is over', async () => {
    const documents = await open(env);
    const [lasting, passing] = [uniqueName('key'), uniqueName('key')];
    await documents.upsert(lasting, { a: 1 });
    await documents.upsert(passing, { a: 2 }, { expiry: 1 });
    expect((await documents.get(lasting)).content).toEqual({ a: 1 });
    expect((await documents.get(passing)).content).toEqual({ a: 2 });
    await new Promise((resolve) => setTimeout(resolve, 1300));
    await expect(documents.get(passing)).rejects.toBeInstanceOf(DocumentNotFoundError);
    expect((await documents.get(lasting)).content).toEqual({ a: 1 });
  });

  test('refuses a wrong password', async () => {
    await expect(open({ ...env, COUCHBASE_PASSWORD: 'wrong' })).rejects.toThrow();
  });
});

describeWithOwn(['couchbase'], 'a Couchbase test server of its own', (start) => {
  test('misbehaves on command', async () => {
    const server = await start.couchbase();
    const faults = createCouchbaseFaults(server.env.COUCHBASE_FAULTS_URL);
    const documents = await open(server.env);
    const key = uniqueName('key');
    await documents.upsert(key, 'value');

    await faults.swallow({ command: 'GET', count: 1 });
    await expect(documents.get(key, { timeout: 100 })).rejects.toBeInstanceOf(TimeoutError);
    expect((await documents.get(key)).content).toBe('value');

    await faults.delay({ command: 'GET', count: 1 }, 200);
    const begun = Date.now();
    await documents.get(key);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(190);

    await faults.answer({ command: 'SET', count: Number.POSITIVE_INFINITY }, kvStatus.temporaryFailure);
    await expect(documents.upsert(key, 'other', { timeout: 200 })).rejects.toThrow();
    await faults.clear();
    await documents.upsert(key, 'other');

    await faults.cut();
    expect((await documents.get(key, { timeout: 2500 })).content).toBe('other');

    await documents.upsert(key, 'passing', { expiry: 600 });
    await faults.moveClock(700);
    await expect(documents.get(key)).rejects.toBeInstanceOf(DocumentNotFoundError);
  });

  test('refuses an order that it does not understand', async () => {
    const server = await start.couchbase();
    const faults = createCouchbaseFaults(server.env.COUCHBASE_FAULTS_URL);
    await expect(faults.swallow({ command: '' })).rejects.toThrow('expected command=');
  });

  test('is reached again on the same port after kill -9, without its documents', async () => {
    const server = await start.couchbase({ nodes: 2 });
    const documents = await open(server.env);
    const key = uniqueName('key');
    await documents.upsert(key, 1);
    await server.kill();
    await expect(documents.get(key, { timeout: 100 })).rejects.toBeInstanceOf(TimeoutError);
    await server.restart();
    await expect(documents.get(key, { timeout: 5000 })).rejects.toBeInstanceOf(DocumentNotFoundError);
    await documents.upsert(key, 2);
  });
});
