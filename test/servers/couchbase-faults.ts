interface Aim {
  /** A command of the memcached protocol (GET, SET, DELETE, TOUCH...), or * for all of them. */
  readonly command: string;
  /** How many requests it hits; 1 by default, Infinity until clear(). */
  readonly count?: number;
  /** Index of the only node that it hits; by default all. */
  readonly node?: number;
}

/** Statuses that a server answers when it cannot serve a request. */
export const kvStatus = { tooBig: 0x03, outOfMemory: 0x82, busy: 0x85, temporaryFailure: 0x86 } as const;

/** Makes a running Couchbase test server misbehave. `url` is its COUCHBASE_FAULTS_URL. */
export function createCouchbaseFaults(url: string) {
  async function order(path: string, values: Record<string, string | number | undefined>): Promise<void> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
    const response = await fetch(`${url}${path}?${query}`, { method: 'POST' });
    if (!response.ok) throw new Error(`the Couchbase test server refused ${path}?${query}: ${await response.text()}`);
  }
  const add = ({ command, count = 1, node }: Aim, values: Record<string, string | number>) =>
    order('/faults', { command, node, count: count === Number.POSITIVE_INFINITY ? -1 : count, ...values });
  return {
    /** Requests are answered with a status instead of being served. */
    answer: (aim: Aim, status: number) => add(aim, { do: 'answer', status }),
    /** Requests are taken and never answered. */
    swallow: (aim: Aim) => add(aim, { do: 'swallow' }),
    /** Requests are served late; those behind them on the same connection wait, too. */
    delay: (aim: Aim, milliseconds: number) => add(aim, { do: 'delay', by: `${milliseconds}ms` }),
    /** Takes all faults back. */
    clear: () => order('/faults/clear', {}),
    /** Cuts the connections of all clients, to one node or to all. */
    cut: (node?: number) => order('/cut', { node }),
    /** Moves the server's clock, so that documents expire. */
    moveClock: (seconds: number) => order('/clock', { forward: `${seconds}s` }),
  };
}
