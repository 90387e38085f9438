import { faultOf, type Clock } from '@tradesense/platform';

import type { LeaseHolder } from './lease/index.js';
import type { Outlet } from './publishing/index.js';
import type { Reader } from './reading/index.js';
import type { Watermarks } from './watermarks/index.js';

export interface Stages {
  readonly reading: Pick<Reader, 'next' | 'rewind'>;
  readonly publishing: Pick<Outlet, 'publish'>;
  readonly watermarks: Pick<Watermarks, 'acknowledged'>;
  readonly clock: Clock;
  /** Of the n-th attempt in a row, from 0. */
  readonly nextDelayMs: (attempt: number) => number;
}

/**
 * While the lease is ours: read what is committed, publish it in order, save what Kafka acknowledged. The next batch is read
 * while one is sent; the lease saves at its own pace (design 6.1-6.3).
 *
 * A send whose outcome is unknown is repeated from the last acknowledged floor, for ever, and nothing overtakes it: what Kafka
 * has already comes twice, which consumers see by (epoch, sequence). Whatever else fails ends the loop.
 */
export async function lead(
  lease: Pick<LeaseHolder, 'mustBeTrusted' | 'acknowledged' | 'floor'>,
  { reading, publishing, watermarks, clock, nextDelayMs }: Stages,
  signal: AbortSignal,
): Promise<void> {
  let attempt = 0;
  while (!signal.aborted) {
    lease.mustBeTrusted();
    const { rows, floor, asOf } = await reading.next();
    try {
      const ends = await publishing.publish(rows);
      lease.acknowledged(floor);
      watermarks.acknowledged({ floor: lease.floor, asOf, ends });
      attempt = 0;
    } catch (error) {
      if (faultOf(error).remedy !== 'wait') throw error;
      await clock.sleep(nextDelayMs(attempt++), signal);
      await reading.rewind(lease.floor);
    }
  }
}
