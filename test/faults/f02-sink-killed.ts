import type { ServerFault } from './fault.ts';
import { apiKey } from './kafka-frames.ts';
import type { Member, Site } from './site.ts';

type Arm = (member: Member, kill: () => void) => void;

/** Each is hit exactly: the proxies see the commit, the insert and their answers go by. */
const points: Readonly<Record<string, Arm>> = {
  'before the intent': ({ log }, kill) => {
    for (const proxy of log)
      proxy.onFrame = ({ direction, apiKey: key }) => {
        if (key !== apiKey.offsetCommit || direction !== 'request') return 'pass';
        kill();
        return 'drop';
      };
  },
  'after the intent': ({ log }, kill) => {
    for (const proxy of log)
      proxy.onFrame = ({ direction, apiKey: key }) => {
        if (key !== apiKey.offsetCommit || direction !== 'response') return 'pass';
        kill();
        return 'drop';
      };
  },
  'in the insert': ({ warehouse }, kill) => {
    warehouse.onInsert = ({ table }) => {
      if (table !== 'events') return 'pass';
      kill();
      return 'torn';
    };
  },
  'after the insert': ({ warehouse }, kill) => {
    warehouse.onStored = ({ table }) => {
      if (table === 'events') kill();
    };
  },
  'before the next intent': ({ warehouse }, kill) => {
    warehouse.onStored = ({ token }) => {
      if (token.endsWith(':completed')) kill();
    };
  },
};

export const sinkKilled: readonly ServerFault[] = Object.entries(points).map(([point, arm]) => ({
  name: `F2 ${point}`,
  on: 'servers',
  about: `A sink is killed with SIGKILL ${point}: the proxies in front of it see the commit, the insert or the answer to it go by, and the signal is sent before the sink hears of it. First one sink, then the other one, and then both at their next chance. A killed sink stays away for a session, so that the other one gets its partitions and replays.`,
  async inject(site, { load, short }) {
    const rounds = [['sink1'], ['sink2'], ['sink1', 'sink2']];
    for (const names of short ? rounds.slice(2) : rounds) {
      const members = site.sinks.filter(({ child }) => names.includes(child.name));
      await Promise.all(members.map((member) => killAt(member, arm)));
      disarm(site);
      // The other one takes over, or nobody does, while events come in.
      await load.more(60);
      for (const { child } of members) await child.restart();
    }
  },
}));

/** Resolves when it is dead; when it has nothing to do for 10 s, since the other sink has all partitions, it is killed anyway. */
async function killAt(member: Member, arm: Arm): Promise<void> {
  const dead = Promise.withResolvers<void>();
  const kill = () => void member.child.kill().then(dead.resolve);
  const late = setTimeout(kill, 10_000);
  arm(member, kill);
  await dead.promise;
  clearTimeout(late);
}

export function disarm({ gateways, sinks }: Site): void {
  for (const { log, warehouse } of [...gateways, ...sinks]) {
    for (const proxy of log) proxy.onFrame = null;
    warehouse.onInsert = null;
    warehouse.onStored = null;
    warehouse.onRequest = null;
  }
}
