import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { createLogger, faultOf } from '@tradesense/platform';

import type { Statement } from '../../../../services/relay/src/database/index.js';
import { LeaseHolder } from '../../../../services/relay/src/lease/index.js';
import { HeldClock } from '../../../support/held-clock.js';

const LEASE_MS = 10_000;
const SAVE_MS = 1_000;
const log = createLogger({ service: 'x', instance: 'x', level: 'info', destination: { write: () => undefined } });

/** The row of the table `relay` under the database's clock, which here is the same as ours. */
class Row {
  owner = 'nobody';
  generation = 0n;
  leaseUntilMs = -1;
  floor = 0n;
  drawn = 0n;
  /** When it was written, and with what floor. */
  readonly writes: { readonly atMs: number; readonly floor: bigint }[] = [];

  readonly #listeners: (() => void)[] = [];

  constructor(private readonly clock: HeldClock) {}

  /** What becomes of the next extension, before the connection breaks: nobody can tell the two apart. */
  breaks: 'before it is done' | 'before its answer' | undefined;

  /** A session of the relay that calls itself `owner`. */
  readonly session = {
    query: <Answer>({ name, values = [] }: Statement): Promise<readonly Answer[]> => {
      const { breaks } = this;
      if (name !== 'extend-lease' || breaks === undefined)
        return Promise.resolve(this.#answer(name, values) as readonly Answer[]);
      this.breaks = undefined;
      if (breaks === 'before its answer') this.#answer(name, values);
      return Promise.reject(new Error('connection lost'));
    },
    listen: (_channel: string, heard: () => void): Promise<void> => {
      this.#listeners.push(heard);
      return Promise.resolve();
    },
  };

  #answer(name: string | undefined, values: readonly unknown[]): readonly unknown[] {
    const nowMs = this.clock.monotonicMs();
    const [, owner, generation, floor] = values as [string, string, bigint, bigint];
    const isTheirs = this.owner === owner && this.generation === generation && this.leaseUntilMs > nowMs;
    switch (name) {
      case 'take-lease':
        if (this.leaseUntilMs >= nowMs && this.owner !== owner) return [];
        this.owner = owner;
        this.generation += 1n;
        this.leaseUntilMs = nowMs + LEASE_MS;
        return [{ generation: String(this.generation), floor: String(this.floor), drawn: String(this.drawn) }];
      case 'read-lease':
        return [{ remaining_ms: Math.max(0, this.leaseUntilMs - nowMs), owner: this.owner }];
      case 'extend-lease':
      case 'release-lease':
        if (!isTheirs) return [];
        this.leaseUntilMs = name === 'extend-lease' ? nowMs + LEASE_MS : -1;
        this.floor = floor;
        this.writes.push({ atMs: nowMs, floor });
        if (name === 'release-lease') for (const heard of this.#listeners) heard();
        return [{ drawn: String(this.drawn) }];
      default:
        throw new Error(`what is ${name}?`);
    }
  }
}

function given() {
  const clock = new HeldClock();
  const row = new Row(clock);
  const end = new AbortController();
  const holder = (owner: string) =>
    new LeaseHolder({ session: row.session, owner, leaseMs: LEASE_MS, saveMs: SAVE_MS, clock, log });
  return { clock, row, holder, signal: end.signal, end: () => end.abort(new Error('the test is over')) };
}

describe('a leader', () => {
  it('extends at a third of the lease when it has nothing to save', async () => {
    const { clock, row, holder, signal, end } = given();
    const leader = holder('a');
    await leader.take(signal);
    const keeping = leader.keep(signal);
    await clock.advance(10_100);
    end();
    await keeping;
    expect(row.writes.map(({ atMs }) => Math.round(atMs))).toEqual([3_333, 6_667, 10_000]);
  });

  it('saves what Kafka acknowledged at most once a second, and only what is new', async () => {
    const { clock, row, holder, signal, end } = given();
    const leader = holder('a');
    await leader.take(signal);
    const keeping = leader.keep(signal);
    for (let floor = 1n; floor <= 25n; floor += 1n) {
      leader.acknowledged(floor);
      await clock.advance(100);
    }
    end();
    await keeping;
    expect(row.writes).toEqual([
      { atMs: 1_000, floor: 10n },
      { atMs: 2_000, floor: 20n },
    ]);
  });

  it('learns from each extension how far writers have drawn', async () => {
    const { clock, row, holder, signal, end } = given();
    row.drawn = 7n;
    const leader = holder('a');
    await leader.take(signal);
    expect(leader.drawn).toBe(7n);
    const keeping = leader.keep(signal);
    row.drawn = 90n;
    await clock.advance(3_400);
    end();
    await keeping;
    expect(leader.drawn).toBe(90n);
  });

  it('never lowers its floor', async () => {
    const { holder, signal } = given();
    const leader = holder('a');
    await leader.take(signal);
    leader.acknowledged(9n);
    leader.acknowledged(4n);
    expect(leader.floor).toBe(9n);
  });

  it('saves on hand-over, and the next one starts there at once', async () => {
    const { row, holder, signal } = given();
    const [leader, standby] = [holder('a'), holder('b')];
    await leader.take(signal);
    leader.acknowledged(42n);
    await leader.handOver();
    await standby.take(signal);
    expect([row.owner, standby.floor, standby.generation]).toEqual(['b', 42n, 2n]);
    expect(() => leader.mustBeTrusted()).toThrow();
  });

  it('that was stopped past its lease sends nothing, saves nothing and hands over nothing (P21)', async () => {
    const { clock, row, holder, signal } = given();
    const leader = holder('a');
    await leader.take(signal);
    leader.acknowledged(42n);
    await clock.advance(LEASE_MS - 500); // nobody extended: the process stood still
    expect(() => leader.mustBeTrusted()).toThrow('not trusted');
    expect(leader.lost.aborted).toBe(true);
    await leader.handOver();
    expect(row.writes).toEqual([]);
  });

  it('learns from its next save that another one leads, tells those who listen, and ends', async () => {
    const { clock, row, holder, signal } = given();
    const leader = holder('a');
    await leader.take(signal);
    const heard: unknown[] = [];
    const hear = (message: unknown): void => void heard.push(message);
    subscribe('relay:lease-lost', hear);
    const keeping = leader.keep(signal);
    row.owner = 'b';
    row.generation = 2n;
    leader.acknowledged(42n);
    await clock.advance(SAVE_MS);
    await keeping;
    unsubscribe('relay:lease-lost', hear);
    expect([row.floor, faultOf(leader.lost.reason).code]).toEqual([0n, 'lease-lost']);
    expect(heard).toEqual([{ generation: 1n, why: 'taken' }]);
  });

  it('takes its own lease back at once after a lost connection', async () => {
    const { row, holder, signal } = given();
    await holder('a').take(signal);
    await holder('a').take(signal);
    expect(row.generation).toBe(2n);
  });
});

describe('a save whose answer is lost', () => {
  it.each([
    ['before its answer', 42n],
    ['before it is done', 0n],
  ] as const)('ends the lease, and who takes it again begins where the row says (P12): %s', async (breaks, floor) => {
    const { clock, row, holder, signal } = given();
    const leader = holder('a');
    await leader.take(signal);
    const keeping = leader.keep(signal);
    row.breaks = breaks;
    leader.acknowledged(42n);
    await clock.advance(SAVE_MS);
    await keeping;
    expect(faultOf(leader.lost.reason).code).toBe('database-unavailable');
    expect(() => leader.mustBeTrusted()).toThrow('connection lost');
    const again = holder('a');
    await again.take(signal);
    expect(again.floor).toBe(floor);
  });
});

describe('a standby', () => {
  it('leads when the lease it read has run out, and not before', async () => {
    const { clock, row, holder, signal } = given();
    await holder('a').take(signal);
    const standby = holder('b');
    const taking = standby.take(signal);
    await clock.advance(LEASE_MS);
    expect(row.owner).toBe('a');
    await clock.advance(300);
    await taking;
    expect([row.owner, row.generation]).toEqual(['b', 2n]);
  });

  it('stands by as long as the leader extends', async () => {
    const { clock, row, holder, signal, end } = given();
    const leader = holder('a');
    await leader.take(signal);
    const keeping = leader.keep(signal);
    const taking = holder('b').take(signal);
    await clock.advance(60_000);
    expect(row.owner).toBe('a');
    end();
    await keeping;
    await expect(taking).rejects.toThrow('the test is over');
  });

  it('leads at once when the leader hands over', async () => {
    const { clock, row, holder, signal } = given();
    const leader = holder('a');
    await leader.take(signal);
    const taking = holder('b').take(signal);
    await clock.advance(100);
    await leader.handOver();
    await taking;
    expect(row.owner).toBe('b');
  });

  it('says what is missing when nobody made the row', async () => {
    const { clock, signal } = given();
    const session = { query: () => Promise.resolve([]), listen: () => Promise.resolve() };
    const holder = new LeaseHolder({ session, owner: 'a', leaseMs: LEASE_MS, saveMs: SAVE_MS, clock, log });
    await expect(holder.take(signal)).rejects.toMatchObject({ code: 'relay-row-missing', remedy: 'wait' });
  });
});
