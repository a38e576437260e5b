import type { ServerProcess } from './process.ts';

/** What every server of test/servers is started with. */
export interface StartOptions {
  /** Folder of its data and its log; made when missing. What an earlier start left there is used. */
  readonly dir: string;
  /** First of its ports; free ones are picked when it is left out. */
  readonly port?: number;
  /** Called when one of its processes ends without having been told to. */
  readonly onUnexpectedEnd?: (how: string) => void;
}

/** A running server, or a cluster of them, in which case each member acts on all its processes. */
export interface Server<Env> extends ServerProcess {
  /** The settings that lead a client, or Tallygate itself, to it. */
  readonly env: Env;
}
