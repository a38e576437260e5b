import fc from 'fast-check';
import { type Config, parseConfig, settings } from '../../src/config.ts';

const mistakesOf = (environment: Record<string, string>): string => {
  try {
    parseConfig(environment);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'CONFIG_INVALID' });
    return (thrown as Error).message;
  }
  return '';
};

const names = Object.keys(settings);

test('nothing has to be set: the demo project is there, for this machine alone', () => {
  const config = parseConfig({});
  expect(config).toMatchObject({ PORT: 4000, HOST: '127.0.0.1', DATA_DIR: './data', demo: true });
  expect(config.credentials.map(({ project, secret, right }) => `${project}=${secret} ${right}`)).toEqual([
    'demo=wk_demo write',
    'demo=rt_demo read',
    'demo=at_demo admin',
  ]);
});

test.each(['WRITE_KEYS', 'READ_TOKENS', 'EDIT_TOKENS', 'ADMIN_TOKENS'])('setting %s ends the demo', (name) => {
  const { credentials, demo } = parseConfig({ [name]: 'shop=secret_1, shop=secret_2,other=secret_3' });
  expect(demo).toBe(false);
  expect(credentials.map(({ project, secret }) => `${project}=${secret}`)).toEqual([
    'shop=secret_1',
    'shop=secret_2',
    'other=secret_3',
  ]);
});

test.each([
  ['127.0.0.1', true],
  ['localhost', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.7', false],
  ['127.0.0.1.example.com', false],
])('on %s there is a demo: %s', (HOST, demo) => {
  const config = parseConfig({ HOST });
  expect(config.demo).toBe(demo);
  expect(config.credentials).toHaveLength(demo ? 3 : 0);
});

test('an empty value is one that is not set', () => {
  const empty = Object.fromEntries(names.map((name) => [name, '']));
  expect(parseConfig(empty)).toEqual(parseConfig({}));
});

test('every mistake is told at once, with what was expected and what came', () => {
  expect(
    mistakesOf({
      PORT: '70000',
      INTROSPECTION: 'yes',
      RETENTION_DAYS: 'ten',
      KAFKA_BROKERS: 'broker',
      CLICKHOUSE_URL: 'localhost:8123',
      CLICKHOUSE_DATABASE: 'a-b',
      KAFKA_USERNAME: 'u',
    }).split('\n'),
  ).toEqual([
    '7 settings are wrong:',
    '  - PORT: expected at most 65535, got "70000"',
    '  - RETENTION_DAYS: expected a whole number from 1 to 36500, got "ten"',
    expect.stringMatching(/^ {2}- INTROSPECTION: .*"true".*, got "yes"$/),
    '  - KAFKA_BROKERS: expected host:port, comma-separated, got "broker"',
    '  - CLICKHOUSE_URL: expected an address that begins with http:// or https://, got "localhost:8123"',
    '  - CLICKHOUSE_DATABASE: expected letters, digits and _, 64 at most, got "a-b"',
    '  - KAFKA_SASL_MECHANISM, KAFKA_USERNAME, KAFKA_PASSWORD: expected all three or none',
  ]);
  expect(mistakesOf({ PORT: '-1' })).toBe('A setting is wrong:\n  - PORT: expected at least 0, got "-1"');
});

test('a mistake in a list says which one, and not what it is', () => {
  expect(mistakesOf({ WRITE_KEYS: 'shop=secret_1,Shop=secret_2' })).toBe(
    'A setting is wrong:\n  - WRITE_KEYS (number 2 of the list): expected project=secret, a project in lower case and a secret of 4 to 200 characters',
  );
});

test('settings that need each other', () => {
  expect(mistakesOf({ CLICKHOUSE_CLUSTER: 'main' })).toContain('CLICKHOUSE_CLUSTER: expected CLICKHOUSE_URL beside it');
  expect(mistakesOf({ CLICKHOUSE_CLUSTER: 'main', CLICKHOUSE_URL: 'http://ch:8123' })).toBe('');
  const sasl = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_USERNAME: 'u', KAFKA_PASSWORD: 'p' };
  expect(mistakesOf(sasl)).toBe('');
  for (const name of Object.keys(sasl))
    expect(mistakesOf({ ...sasl, [name]: '' })).toContain('expected all three or none');
});

test('a secret stands for one thing', () => {
  expect(mistakesOf({ WRITE_KEYS: 'shop=same_secret', READ_TOKENS: 'shop=same_secret' })).toBe(
    'A setting is wrong:\n  - WRITE_KEYS, READ_TOKENS, EDIT_TOKENS, ADMIN_TOKENS: expected each secret once, one of project shop is there twice',
  );
});

test('no mistake repeats a secret, wherever it may stand', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9]{12,40}$/);
  const around = fc.constantFrom<(s: string) => string>(
    (s) => s,
    (s) => `Shop=${s}`,
    (s) => `shop ${s}`,
    (s) => `shop=${s},=`,
    (s) => `shop=${s},shop=${s}`,
    (s) => `ftp://user:${s}@host`,
    (s) => `user:${s}@host`,
  );
  const holders = names.filter((name) => /KEYS|TOKENS|PASSWORD|URL|BROKERS/.test(name));
  fc.assert(
    fc.property(secret, around, fc.constantFrom(...holders), (value, wrap, name) => {
      const isAddress = /URL|BROKERS/.test(name);
      // An address is shown, up to where a password may stand.
      if (isAddress && !wrap(value).includes('@')) return;
      expect(mistakesOf({ [name]: wrap(value) })).not.toContain(value);
    }),
  );
});

test('whatever is set, it is a configuration or one message', () => {
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom('1', 'true', '-5', '1e9', 'http://a', '\n', 'a=bcde', '0x10', ' 7'),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), value), (environment) => {
      let config: Config | null = null;
      try {
        config = parseConfig(environment);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'CONFIG_INVALID' });
        for (const line of (thrown as Error).message.split('\n  - ').slice(1))
          expect(line).toMatch(/^[A-Z_, ]+(\(number \d+ of the list\))?: /);
      }
      if (config) expect(Number.isInteger(config.PORT) && config.PORT >= 0 && config.PORT <= 65_535).toBe(true);
    }),
  );
});

test("other variables are nobody else's business", () => {
  expect(parseConfig({ PATH: '/bin', TALLYGATE: 'x', __proto__: 'y' } as never)).toEqual(parseConfig({}));
});

test('budgets are of a project or a key, for an operation and perhaps a minute', () => {
  expect(parseConfig({ READ_BUDGETS: 'shop=5000/90000, 3fa1b2c4=200' }).READ_BUDGETS).toEqual([
    { target: 'shop', perOperation: 5000, perMinute: 90_000 },
    { target: '3fa1b2c4', perOperation: 200, perMinute: null },
  ]);
  for (const wrong of ['shop', 'shop=0', 'shop=1/', 'shop=1.5', 'Shop=1', 'shop=-1'])
    expect(mistakesOf({ READ_BUDGETS: `a=1,${wrong}` })).toContain(
      'READ_BUDGETS (number 2 of the list): expected target=price',
    );
});
