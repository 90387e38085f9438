import { fullJitter, inSlices, systemClock, systemRandom, turn } from '@tradesense/platform';
import fc from 'fast-check';

describe('full jitter', () => {
  const bounds = fc.record({ minMs: fc.integer({ min: 1, max: 1_000 }), maxMs: fc.integer({ min: 1, max: 60_000 }) });

  it('lies between nothing and a ceiling that doubles up to its end, for any attempt', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(bounds, fc.nat({ max: 100_000 }), chance, ({ minMs, maxMs }, attempt, drawn) => {
        const delayMs = fullJitter({ below: (limit) => drawn * limit }, { minMs, maxMs })(attempt);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(Math.min(maxMs, minMs * 2 ** attempt));
      }),
    );
  });

  it('uses its whole range', () => {
    const ceilings = [0, 1, 2, 3, 9].map(fullJitter({ below: (limit) => limit }, { minMs: 100, maxMs: 1_000 }));
    expect(ceilings).toEqual([100, 200, 400, 800, 1_000]);
    const drawn = Array.from({ length: 200 }, () => fullJitter(systemRandom, { minMs: 100, maxMs: 100 })(0));
    expect(Math.min(...drawn)).toBeLessThan(20);
    expect(Math.max(...drawn)).toBeGreaterThan(80);
  });
});

describe('a sleep', () => {
  it('ends with its time', async () => {
    const started = systemClock.monotonicMs();
    await systemClock.sleep(30);
    expect(systemClock.monotonicMs() - started).toBeGreaterThanOrEqual(29);
  });

  it('ends at once when it is called off, before or during it, and never rejects', async () => {
    const started = systemClock.monotonicMs();
    await systemClock.sleep(60_000, AbortSignal.abort());
    const during = new AbortController();
    const sleeping = systemClock.sleep(60_000, during.signal);
    during.abort();
    await sleeping;
    expect(systemClock.monotonicMs() - started).toBeLessThan(1_000);
  });

  it('of sixty days does not end in a millisecond', async () => {
    const called = new AbortController();
    let over = false;
    const sleeping = systemClock.sleep(60 * 86_400_000, called.signal).then(() => (over = true));
    await systemClock.sleep(20);
    expect(over).toBe(false);
    called.abort();
    await sleeping;
  });
});

describe('work in slices', () => {
  /** Each look at it costs a millisecond. */
  const dear = () => {
    let ms = 0;
    return { monotonicMs: () => (ms += 1) };
  };
  /** How many turns of the event loop others had. */
  async function turnsDuring(work: Promise<void>): Promise<number> {
    let isOver = false;
    void work.finally(() => (isOver = true));
    let turns = 0;
    for (; !isOver; turns += 1) await turn();
    return turns;
  }

  it('lets others have their turn every 5 ms', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) => index);
    const done: number[] = [];
    expect(await turnsDuring(inSlices(items, (item) => done.push(item), dear()))).toBeGreaterThanOrEqual(199);
    expect(done).toEqual(items);
  });

  it('begins at once, and leaves out what is deleted meanwhile', async () => {
    const items = new Map(Array.from({ length: 20 }, (_, index) => [index, index]));
    const done: number[] = [];
    const work = inSlices(items.values(), (item) => done.push(item), dear());
    expect(done.length).toBeGreaterThan(0);
    items.delete(19);
    items.set(20, 20);
    await work;
    expect(done).toEqual([...items.keys()]);
  });

  it('fails with what failed, whenever it did', async () => {
    const fail = (item: number): void => {
      if (item === 15) throw new Error('no');
    };
    await expect(inSlices(Array.from({ length: 20 }).keys(), fail, dear())).rejects.toThrow('no');
  });
});
