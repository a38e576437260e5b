import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { getOperationAST, getVariableValues, parse, validate } from 'graphql';
import { type FirstOperation, firstOperations, toCurl } from '../../src/gateway/first-operations.ts';
import { type LandingSite, openLandingSite, schema } from './landing-site.ts';

let site: LandingSite;
beforeAll(async () => {
  site = await openLandingSite(true);
});
afterAll(async () => {
  await site?.app.close();
});

describe('first operations', () => {
  test.each(firstOperations.map((operation) => [operation.name, operation] as const))(
    '%s fits the contract',
    (name, operation) => {
      const document = parse(operation.query);
      expect(validate(schema, document)).toEqual([]);
      const definition = getOperationAST(document);
      expect(definition?.name?.value).toBe(name);
      expect(definition?.operation).toBe(operation.right === 'write' ? 'mutation' : 'query');
      expect(
        getVariableValues(schema, definition?.variableDefinitions ?? [], operation.variables).errors,
      ).toBeUndefined();
    },
  );

  test('every event has a messageId of its own, so that running them again counts nothing twice', () => {
    const ids = JSON.stringify(firstOperations.map(({ variables }) => variables)).match(/"messageId":"[^"]+"/g);
    expect(ids).toHaveLength(6);
    expect(new Set(ids).size).toBe(6);
  });
});

describe('toCurl', () => {
  const tricky: FirstOperation = {
    name: 'Tricky',
    right: 'write',
    query: 'mutation Tricky { track(input: { event: "it\'s $HOME `id` \\\\ !! \\"x\\"" }) { token } }',
    variables: { text: `'"'"' $(id) \`id\` \\ !! !1 %s \n\t ü 日本` },
  };

  test('an interactive bash, history and all, hands curl exactly the operation', () => {
    const line = toCurl(tricky, { url: "http://127.0.0.1:4000/it's?a=1&b=2", token: "wk_'$1!" });
    expect(line).not.toContain('\n');
    const script = `HISTFILE=/dev/null; set -o history; set -o histexpand\necho earlier >/dev/null\ncurl() { printf '%s\\0' "$@"; }\n${line}\n`;
    const shell = spawnSync('bash', ['--norc', '--noprofile', '-i'], { input: script, encoding: 'utf8' });
    const [silent, url, h1, type, h2, credential, d, body, ...rest] = shell.stdout.split('\0');
    expect([silent, url, h1, type, h2, credential, d, rest]).toEqual([
      '-sS',
      "http://127.0.0.1:4000/it's?a=1&b=2",
      '-H',
      'Content-Type: application/json',
      '-H',
      "Authorization: Bearer wk_'$1!",
      '-d',
      [''],
    ]);
    const sent = JSON.parse(body ?? '');
    expect(sent.variables).toEqual(tricky.variables);
    expect(parse(sent.query, { noLocation: true })).toEqual(parse(tricky.query, { noLocation: true }));
  });

  test.each(firstOperations.map((operation) => [operation.name, operation] as const))(
    '%s runs when it is pasted',
    async (_, operation) => {
      site.operations.length = 0;
      const line = toCurl(operation, { url: `${site.origin}/graphql`, token: 'a-token' });
      const { stdout: answer } = await promisify(execFile)('bash', ['-c', line]);
      expect(JSON.parse(answer)).toEqual({ data: expect.any(Object) });
      expect(site.operations).toHaveLength(1);
      expect(site.operations[0]?.authorization).toBe('Bearer a-token');
      expect(site.operations[0]?.variables ?? {}).toEqual(operation.variables);
    },
  );
});
