import type { PositionVector } from '../../events/position.ts';
import type { CohortMembers } from '../definitions/cohort-members.ts';
import type { Identities } from '../identity/identity.ts';
import type { Versions } from '../moment/versions.ts';
import type { TimeRange } from '../range.ts';

/** What a session asks to find out which data its answers depend on. */
export interface VersionSources {
  readonly versions: Versions;
  readonly identities: Identities;
  readonly cohorts: CohortMembers;
}

/** What the answers of a session depended on, to be looked at again without asking for the answers. */
export interface Dependencies {
  /** To be used by the session in place of the real ones. */
  readonly sources: VersionSources;
  /** Whether they are made of cohorts, whose definitions may change without an event. */
  hasCohorts(): boolean;
  /** Names the data as of a vector: as long as it is the same, so are the answers. */
  fingerprint(project: string, vector: PositionVector, signal: AbortSignal): Promise<string>;
}

export function recordDependencies({ versions, identities, cohorts }: VersionSources): Dependencies {
  const ranges = new Map<string, TimeRange>();
  let countsPersons = false;
  let hasCohorts = false;
  return {
    sources: {
      versions: {
        versionsOf(project, asked, snapshot, signal) {
          // They ascend: what touches none of them but lies between them is found as well, and costs a look into the cache.
          const [first, last] = [asked[0], asked[asked.length - 1]];
          if (first && last) ranges.set(`${first.from} ${last.to}`, { from: first.from, to: last.to });
          return versions.versionsOf(project, asked, snapshot, signal);
        },
      },
      identities: {
        asOf(project, snapshot, signal) {
          countsPersons = true;
          return identities.asOf(project, snapshot, signal);
        },
      },
      cohorts: {
        ...cohorts,
        async expand(project, plan, now, signal) {
          const expanded = await cohorts.expand(project, plan, now, signal);
          hasCohorts ||= expanded !== plan;
          return expanded;
        },
      },
    },
    hasCohorts: () => hasCohorts,
    async fingerprint(project, vector, signal) {
      const names = await Promise.all(
        [...ranges.values()].map((range) => versions.versionsOf(project, [range], vector, signal)),
      );
      const persons = countsPersons ? (await identities.asOf(project, vector, signal)).version : '';
      return JSON.stringify([names, persons]);
    },
  };
}
