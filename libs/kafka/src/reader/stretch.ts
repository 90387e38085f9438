import type { TopicSpec } from '@tradesense/contracts';
import type { IncomingRecord, Reader, ReaderHandlers, ReaderTopic } from '../port.js';
import type { ReaderOptions } from './reader.js';

/** `openReader` on a cluster that is settled already. */
export type OpenReader = (topics: readonly ReaderTopic[], handlers: ReaderHandlers, options?: ReaderOptions) => Reader;

export interface Stretch {
  readonly topic: Pick<TopicSpec, 'name' | 'partitions'>;
  readonly from: ReaderTopic['from'];
  /** Of each partition the offset to be reached; of one that is not named nothing is awaited. */
  readonly to: ReadonlyMap<number, bigint>;
}

/**
 * Reads a topic up to offsets known before, and stops. What lies behind them may come as well, what is gone is not waited for.
 * Rejects with the reader's failure, or with the signal's reason: the signal is the only bound on a Kafka that is away.
 */
export async function readStretch(
  open: OpenReader,
  { topic: { name, partitions }, from, to }: Stretch,
  take: (records: readonly IncomingRecord[]) => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const behind = new Map([...to].filter(([, end]) => end > 0n));
  if (behind.size === 0) return;
  const over = new AbortController();
  let reader: Reader | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const reached = (partition: number, next: bigint): void => {
        if (next >= (behind.get(partition) ?? 0n)) behind.delete(partition);
        if (behind.size === 0) resolve();
      };
      const opened = open(
        [{ topic: name, partitions, from }],
        {
          records: take,
          lost: ({ partition, why }) => {
            if (why === 'truncation') reached(partition, behind.get(partition) ?? 0n); // the log ends before what was to be reached
          },
          position: (_, partition, next) => reached(partition, next),
        },
        { onFailure: reject },
      );
      reader = opened;
      signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over.signal });
      opened.start().then(() => {
        for (const partition of to.keys()) reached(partition, opened.position(name, partition) ?? 0n);
      }, reject);
    });
  } finally {
    over.abort();
    await reader?.stop();
  }
}
