#!/usr/bin/env node
// The engine's statements and the embedded log's fsyncs run on libuv's threads; the pool's size is read once, before the
// first of them starts, hence here. Four (the default) would let four slow reports hold up every acknowledgement.
process.env.UV_THREADPOOL_SIZE ??= '16';
// Arguments may hold passwords and keys, and everybody on the machine can list those of a process.
if (/^[a-z-]+$/.test(process.argv[2] ?? '')) process.title = `tallygate ${process.argv[2]}`;
const [major] = process.versions.node.split('.').map(Number);
if (major < 22) {
  const { spawnSync } = require('node:child_process');
  const { existsSync } = require('node:fs');
  const { join } = require('node:path');
  const node = join(__dirname, '..', 'node_modules', '.bin', 'node');
  if (!existsSync(node)) {
    process.stderr.write(
      `tallygate needs Node 22.18 or newer, this is ${process.version}. "npm ci" in a checkout brings one along.\n`,
    );
    process.exit(1);
  }
  const { status, signal } = spawnSync(node, [__filename, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(signal ? 1 : status);
}
import('./main.ts');
