import { faultOf, type Clock } from '@tradesense/platform';

import type { Errands } from './errands.js';
import type { StreamEpoch } from './history/index.js';
import type { LeaseHolder } from './lease/index.js';
import type { Parking } from './parking/index.js';
import type { Outlet } from './publishing/index.js';
import type { Batch, Reader } from './reading/index.js';
import type { States } from './states/index.js';
import type { Watermarks } from './watermarks/index.js';

export interface Stages {
  readonly reading: Pick<Reader, 'next' | 'rewind'>;
  readonly epoch: Pick<StreamEpoch, 'current'>;
  readonly publishing: Pick<Outlet, 'publish'>;
  readonly parking: Pick<Parking, 'mend'>;
  readonly errands: Pick<Errands, 'runFirst'>;
  readonly watermarks: Pick<Watermarks, 'acknowledged'>;
  readonly states: Pick<States, 'published' | 'unclear'>;
  readonly clock: Clock;
  /** Of the n-th attempt in a row, from 0. */
  readonly nextDelayMs: (attempt: number) => number;
}

/**
 * While the lease is ours: read what is committed, publish it in order, save what Kafka acknowledged. The next batch is read
 * while one is sent; the lease saves at its own pace (design 6.1-6.3). Between two batches is the place for what else has to be
 * sent: parked challenges that an operator wants back, and errands.
 *
 * A send whose outcome is unknown is repeated from the last acknowledged floor, for ever, and nothing overtakes it: what Kafka
 * has already comes twice, which consumers see by (epoch, sequence). Whatever else fails ends the loop.
 */
export async function lead(
  lease: Pick<LeaseHolder, 'mustBeTrusted' | 'acknowledged' | 'floor'>,
  { reading, epoch, publishing, parking, errands, watermarks, states, clock, nextDelayMs }: Stages,
  signal: AbortSignal,
): Promise<void> {
  /** True when it was done; false after a pause when Kafka did not answer. */
  const patient = () => {
    let attempt = 0;
    return async (work: () => Promise<void>): Promise<boolean> => {
      try {
        await work();
        attempt = 0;
        return true;
      } catch (error) {
        if (faultOf(error).remedy !== 'wait') throw error;
        await clock.sleep(nextDelayMs(attempt++), signal);
        return false;
      }
    };
  };
  const [isPublished, isMended] = [patient(), patient()];
  const publish = async ({ rows, floor, asOf }: Batch): Promise<void> => {
    const current = await epoch.current(rows);
    const ends = await publishing.publish(current);
    lease.acknowledged(floor);
    watermarks.acknowledged({ floor: lease.floor, asOf, ends });
    states.published(current, ends);
  };
  while (!signal.aborted) {
    lease.mustBeTrusted();
    const batch = await reading.next();
    if (!(await isPublished(() => publish(batch)))) {
      states.unclear();
      await reading.rewind(lease.floor);
      continue;
    }
    const mend = async (): Promise<void> => {
      await parking.mend(batch);
      await errands.runFirst();
    };
    if (!(await isMended(mend))) states.unclear();
  }
}
