import type { EmbeddedSite } from './embedded-site.ts';
import type { Load } from './load.ts';
import type { Random } from './random.ts';
import type { Site, SiteOptions } from './site.ts';

/** What a fault gets to work with, beside its site. */
export interface Scene {
  readonly load: Load;
  readonly random: Random;
  /** 0, 1, 2, ...: which of a fault's variants to run, where it has some. */
  readonly variant: number;
  /** In CI: as few rounds as make sense. */
  readonly short: boolean;
  readonly say: (line: string) => void;
}

interface Common {
  /** As the table calls it: F1, F2 in the insert. */
  readonly name: string;
  /** What is done, and, where it is done the nearest way, why. A paragraph of docs/reliability.md. */
  readonly about: string;
  /** Why it cannot be run on this machine; undefined when it can. */
  readonly missing?: () => string | undefined;
}

/** On servers: a broker or three, ClickHouse, two gateways and two sinks. `inject` resolves when all is healed. */
export interface ServerFault extends Common {
  readonly on: 'servers';
  readonly site?: SiteOptions;
  inject(site: Site, scene: Scene): Promise<void>;
  /** More to check when everything is stored and all is still running; rejects when it is not as it should be. */
  settled?(site: Site, scene: Scene): Promise<void>;
}

/** One process with its embedded log and warehouse. */
export interface EmbeddedFault extends Common {
  readonly on: 'embedded';
  readonly env?: Readonly<Record<string, string>>;
  /** Before it starts, with what is going to be its DATA_DIR; resolves with what is to be done in the end. */
  prepare?(dataDir: string): Promise<() => Promise<void>>;
  inject(site: EmbeddedSite, scene: Scene): Promise<void>;
}

export type Fault = ServerFault | EmbeddedFault;
