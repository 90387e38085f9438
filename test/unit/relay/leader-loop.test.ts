import { Fault } from '@tradesense/platform';

import { lead, type Stages } from '../../../services/relay/src/leader-loop.js';
import type { Batch, Row } from '../../../services/relay/src/reading/index.js';
import { HeldClock } from '../../support/held-clock.js';
import { relayRow } from '../../support/relay-rows.js';

const unclear = () => new Fault('publish-unclear', 'wait', 'no outcome');
const batch = (position: bigint): Batch => ({
  rows: [relayRow({ position })],
  position,
  floor: position,
  asOf: `as of ${position}`,
});

/** The loop over batches 1, 2, 3 …; `publish` answers for Kafka. The loop ends after batch `last`. */
function given({
  last = 3n,
  publish = (): void => undefined,
  mend = (): void => undefined,
  current = (rows: readonly Row[]): readonly Row[] => rows,
  mustBeTrusted = (): void => undefined,
} = {}) {
  const clock = new HeldClock();
  const end = new AbortController();
  const did: string[] = [];
  const published: (bigint | undefined)[] = [];
  let next = 1n;
  const lease = {
    floor: 0n,
    mustBeTrusted,
    acknowledged(floor: bigint) {
      lease.floor = floor;
      did.push(`acknowledged ${floor}`);
      if (floor === last) end.abort();
    },
  };
  const stages: Stages = {
    reading: {
      next: () => Promise.resolve(batch(next++)),
      rewind: (floor) => {
        did.push(`rewound to ${floor}`);
        next = floor + 1n;
        return Promise.resolve();
      },
    },
    epoch: { current: (rows) => Promise.resolve(current(rows)) },
    publishing: {
      publish: ([row]) => {
        did.push(`sent ${row?.position ?? 'nothing'}`);
        publish();
        return Promise.resolve(new Map());
      },
    },
    parking: { mend: () => Promise.resolve(mend()) },
    errands: { runFirst: () => Promise.resolve() },
    watermarks: { acknowledged: ({ floor, asOf }) => void did.push(`${asOf}, floor ${floor}`) },
    states: {
      published: ([row]) => void published.push(row?.position),
      unclear: () => void did.push('told of an unclear send'),
    },
    clock,
    nextDelayMs: (attempt) => 100 * 2 ** attempt,
  };
  return { leading: lead(lease, stages, end.signal), did, published, clock };
}

describe('the leader', () => {
  it('reads, publishes, and counts as progress what Kafka acknowledged, batch after batch', async () => {
    const { leading, did } = given({ last: 2n });
    await leading;
    expect(did).toEqual([
      'sent 1',
      'acknowledged 1',
      'as of 1, floor 1',
      'sent 2',
      'acknowledged 2',
      'as of 2, floor 2',
    ]);
  });

  it('repeats a send of unknown outcome from the acknowledged floor, for ever, and lets nothing overtake it', async () => {
    let outages = 0;
    const { leading, did, clock } = given({
      last: 2n,
      publish: () => {
        if (did.includes('acknowledged 1') && (outages += 1) <= 3) throw unclear();
      },
    });
    await clock.advance(100 + 200 + 400);
    await leading;
    expect(did.filter((act) => act.startsWith('sent'))).toEqual(['sent 1', 'sent 2', 'sent 2', 'sent 2', 'sent 2']);
    expect(did.filter((act) => act.startsWith('rewound'))).toEqual(Array.from({ length: 3 }, () => 'rewound to 1'));
    expect(did.at(-2)).toBe('acknowledged 2');
  });

  it('tells of each send without an outcome: an older state of it may come behind newer ones', async () => {
    let tries = 0;
    const { leading, did, published, clock } = given({
      last: 1n,
      publish: () => {
        if ((tries += 1) === 1) throw unclear();
      },
    });
    await clock.advance(100);
    await leading;
    expect(did.slice(0, 4)).toEqual(['sent 1', 'told of an unclear send', 'rewound to 0', 'sent 1']);
    expect(published).toEqual([1n]);
  });

  it('sends no row that is withheld, and passes it', async () => {
    const { leading, did, published } = given({
      last: 2n,
      current: (rows) => rows.filter(({ position }) => position !== 1n),
    });
    await leading;
    expect(did.filter((act) => /^sent|^acknowledged/.test(act))).toEqual([
      'sent nothing',
      'acknowledged 1',
      'sent 2',
      'acknowledged 2',
    ]);
    expect(published).toEqual([undefined, 2n]);
  });

  it('does the work between batches again when Kafka does not answer it, without repeating the batch', async () => {
    let tries = 0;
    const { leading, did, clock } = given({
      last: 2n,
      mend: () => {
        if ((tries += 1) === 1) throw unclear();
      },
    });
    await clock.advance(100);
    await leading;
    expect(did.filter((act) => /^sent|^rewound|^told/.test(act))).toEqual([
      'sent 1',
      'told of an unclear send',
      'sent 2',
    ]);
    expect(tries).toBe(2);
  });

  it('ends when the lease is not trusted, before it reads or sends', async () => {
    const { leading, did } = given({
      mustBeTrusted: () => {
        throw new Fault('lease-lost', 'wait', 'the lease is not trusted any more');
      },
    });
    await expect(leading).rejects.toMatchObject({ code: 'lease-lost' });
    expect(did).toEqual([]);
  });

  it('ends with what nobody expected', async () => {
    const { leading } = given({
      publish: () => {
        throw new TypeError('a bug');
      },
    });
    await expect(leading).rejects.toThrow('a bug');
  });
});
