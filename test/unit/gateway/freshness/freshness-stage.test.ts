import { CHALLENGE_PARTITIONS, type Watermark } from '@tradesense/contracts';

import { FreshnessStage } from '../../../../services/gateway/src/freshness/index.js';
import type { Standing } from '../../../../services/gateway/src/rooms/index.js';
import { HeldClock } from '../../../support/held-clock.js';

const STALE_MS = 10_000;
const instant = (ms: number): string => new Date(Date.UTC(2026, 10, 25, 10) + ms).toISOString();

class Watched {
  readonly clock = new HeldClock();
  readonly standings = new Map<number, Standing>();
  readonly parked: (ReadonlySet<string> | 'many')[] = [];
  readonly stage = new FreshnessStage(
    {
      stand: (partition, standing) => this.standings.set(partition, standing),
      park: (ids) => this.parked.push(ids),
    },
    STALE_MS,
    this.clock,
  );

  /** A watermark of a relay whose last read was `ageMs` ago. */
  watermark({ end = '0', ageMs = 0, atMs = 0, parked = [] as Watermark['parked'] } = {}): void {
    const ends = Array.from({ length: CHALLENGE_PARTITIONS }, () => end);
    this.stage.watermark({
      at: instant(atMs),
      as_of: instant(atMs - ageMs),
      floor: '1',
      generation: 1,
      parked,
      ends: { events: ends, state: ends },
    });
  }
  reached(partition: number, next: bigint): void {
    this.stage.passed('events', partition, next);
    this.stage.passed('state', partition, next);
  }
  async after(ms: number): Promise<void> {
    await this.clock.advance(ms);
    this.stage.look();
  }
  of(partition: number): string {
    const { state, reason = '' } = this.standings.get(partition) ?? { state: 'untold' };
    return `${state} ${reason}`.trim();
  }
}

describe('freshness of a partition', () => {
  it('is not told before there is a watermark: nothing says anything', async () => {
    const watched = new Watched();
    await watched.after(60_000);
    expect(watched.of(0)).toBe('untold');
    expect(watched.stage.ageMs).toBe(Infinity);
  });

  it('is live once reading has passed the ends of both topics', () => {
    const watched = new Watched();
    watched.watermark({ end: '5' });
    expect(watched.of(0)).toBe('stale behind');
    watched.stage.passed('events', 0, 5n);
    expect(watched.of(0)).toBe('stale behind');
    watched.stage.passed('state', 0, 5n);
    expect([watched.of(0), watched.of(1)]).toEqual(['live', 'stale behind']);
    expect(watched.standings.get(0)?.asOf).toBe(instant(0));
  });

  it('turns stale when watermarks stop, with the time from which nothing is known, and live again by the next', async () => {
    const watched = new Watched();
    watched.watermark();
    await watched.after(STALE_MS);
    expect(watched.of(0)).toBe('live');
    await watched.after(1);
    expect(watched.of(0)).toBe('stale watermark_old');
    expect(watched.standings.get(0)?.asOf).toBe(instant(0));
    watched.watermark({ atMs: 11_000 });
    expect(watched.of(0)).toBe('live');
    expect(watched.standings.get(0)?.asOf).toBe(instant(11_000));
  });

  it('counts what the watermark was old already when it was written', async () => {
    const watched = new Watched();
    watched.watermark({ ageMs: 9_000 });
    expect(watched.of(0)).toBe('live');
    await watched.after(1_001);
    expect(watched.of(0)).toBe('stale watermark_old');
    watched.watermark({ ageMs: 60_000, atMs: 1_000 }); // a relay that writes, and reads nothing
    expect(watched.of(0)).toBe('stale watermark_old');
  });

  it('of one partition that is not read any more turns stale alone (case C9)', async () => {
    const watched = new Watched();
    for (let second = 0; second < 15; second += 1) {
      const end = BigInt(second * 10);
      for (let partition = 1; partition < CHALLENGE_PARTITIONS; partition += 1) watched.reached(partition, end);
      if (second === 0) watched.reached(0, 0n);
      watched.watermark({ end: String(end), atMs: second * 1_000 });
      await watched.after(1_000);
    }
    expect([watched.of(0), watched.of(1), watched.of(11)]).toEqual(['stale behind', 'live', 'live']);
    watched.reached(0, 1_000n);
    expect(watched.of(0)).toBe('live');
  });

  it('remembers so many marks that were not passed, and the newest of them always', () => {
    const watched = new Watched();
    for (let count = 1; count <= 1_000; count += 1) watched.watermark({ end: String(count), atMs: count });
    watched.reached(0, 1n);
    expect(watched.standings.get(0)?.asOf).toBe(instant(1));
    watched.reached(0, 1_000n);
    expect(watched.standings.get(0)?.asOf).toBe(instant(1_000));
  });

  it('tells parked challenges when they change, and only then', () => {
    const watched = new Watched();
    for (const parked of [[], ['a'], ['a'], ['a', 'b'], 'many' as const, 'many' as const, []])
      watched.watermark({ parked });
    expect(watched.parked).toEqual([new Set(['a']), new Set(['a', 'b']), 'many', new Set()]);
  });
});
