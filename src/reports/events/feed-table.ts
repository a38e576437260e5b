import { TallygateError } from '../../errors.ts';
import type { Watermark } from '../moment/watermark.ts';
import type { Pulse } from './pulse.ts';

/** Something that is computed once for all who asked for it, as long as anybody does. */
export interface SharedFeed {
  /** Aborted when the last one has gone. */
  readonly controller: AbortController;
  /** Who has come and not gone, also those that wait for the beginning. */
  readers: number;
  begun: Promise<void>;
}

export interface SharedFeeds<Feed> {
  all(): IterableIterator<Feed>;
  readonly size: number;
  /** Nobody finds it any more. */
  forget(feed: Feed): void;
  /** Rejects when it does not begin, and with CANCELLED when the signal is aborted before. `leave` may be called twice. */
  join(key: string, open: () => Feed, signal: AbortSignal): Promise<{ readonly feed: Feed; leave(): void }>;
}

interface SharedFeedsDeps<Feed> {
  readonly pulse: Pulse;
  /** As long as there is any feed. */
  onPulse(mark: Watermark): void;
  begin(feed: Feed): Promise<void>;
  onForget?(feed: Feed): void;
}

export function createSharedFeeds<Feed extends SharedFeed>({
  pulse,
  onPulse,
  begin,
  onForget,
}: SharedFeedsDeps<Feed>): SharedFeeds<Feed> {
  const feeds = new Map<string, Feed>();
  let rest: (() => void) | null = null;

  const forget = (feed: Feed) => {
    for (const [key, known] of feeds) if (known === feed) feeds.delete(key);
    onForget?.(feed);
    if (feeds.size > 0) return;
    rest?.();
    rest = null;
  };

  const start = (key: string, feed: Feed): Feed => {
    feeds.set(key, feed);
    rest ??= pulse.listen(onPulse);
    feed.begun = begin(feed);
    feed.begun.catch(() => forget(feed));
    return feed;
  };

  return {
    all: () => feeds.values(),
    get size() {
      return feeds.size;
    },
    forget,
    async join(key, open, signal) {
      const feed = feeds.get(key) ?? start(key, open());
      feed.readers++;
      let isIn = true;
      const leave = () => {
        if (!isIn) return;
        isIn = false;
        if (--feed.readers > 0) return;
        forget(feed);
        feed.controller.abort();
      };
      try {
        await unlessAborted(feed.begun, signal);
      } catch (thrown) {
        leave();
        throw thrown;
      }
      return { feed, leave };
    },
  };
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(new TallygateError('CANCELLED', 'the subscriber has gone away'));
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
