import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Disk, mountDisk, whyNoDisk } from './disk.ts';
import type { EmbeddedFault, ServerFault } from './fault.ts';

const how = 'The disk is a small tmpfs, which a file fills to the last byte for 8 s.';

function fullDisk(of: 'kafka' | 'clickhouse', about: string): ServerFault {
  return {
    name: `F9 ${of === 'kafka' ? 'broker' : 'warehouse'}`,
    on: 'servers',
    site: { disk: { of, megabytes: 256 } },
    missing: whyNoDisk,
    about: `${about} ${how}`,
    async inject(site, { say }) {
      const disk = site.disk as Disk;
      disk.fill();
      await sleep(8000);
      disk.empty();
      say(`the ${of} process is ${site[of].running ? 'still running' : 'gone, and started again'}`);
      if (!site[of].running) await site[of].restart();
    },
  };
}

export const diskFull: readonly (ServerFault | EmbeddedFault)[] = [
  fullDisk(
    'kafka',
    'The disk of the only broker is full. A broker whose only log folder fails ends itself; it is started again when there is room.',
  ),
  fullDisk('clickhouse', 'The disk of ClickHouse is full: inserts fail until there is room.'),
  embeddedDiskFull(),
];

function embeddedDiskFull(): EmbeddedFault {
  let disk: Disk | undefined;
  return {
    name: 'F9 embedded',
    on: 'embedded',
    missing: whyNoDisk,
    about: `The disk of DATA_DIR, with the embedded log and the engine's tables, is full: appends are refused, inserts wait. ${how}`,
    async prepare(dataDir) {
      disk = mountDisk(join(dataDir), 256);
      return async () => disk?.close();
    },
    async inject({ child }, { say }) {
      disk?.fill();
      await sleep(8000);
      disk?.empty();
      say(`the process is ${child.lives === 1 ? 'still running' : 'in another life'}`);
    },
  };
}
