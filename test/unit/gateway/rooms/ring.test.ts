import fc from 'fast-check';

import { costOf, Ring, RingBudget, type RingLimits } from '../../../../services/gateway/src/rooms/index.js';
import { History } from '../../../support/facts.js';
import { eventFrom } from '../../../support/gateway-facts.js';
import { ringFaults } from '../../../support/gateway-invariants.js';

const frames = (count: number, kindOf: (index: number) => 'equity' | 'alert' = () => 'equity') => {
  const history = new History();
  return Array.from({ length: count }, (_, index) => eventFrom(history[kindOf(index)](), 1_000 + index).frame);
};

const costOfAll = (ring: Ring): number =>
  Array.from({ length: ring.length }, (_, index) => costOf(ring.at(index)!)).reduce((sum, cost) => sum + cost, 0);

function ringOf(count: number, limits?: RingLimits, kindOf?: (index: number) => 'equity' | 'alert') {
  const budget = new RingBudget();
  const all = frames(count, kindOf);
  const ring = new Ring({ epoch: all[0]!.epoch, sequence: 0 }, budget, limits);
  for (const frame of all) ring.push(frame);
  return { ring, budget, sequences: () => Array.from({ length: ring.length }, (_, index) => ring.at(index)!.sequence) };
}

describe('a ring', () => {
  it('keeps the last 200 frames of a room, none bridged', () => {
    const { ring, sequences } = ringOf(200);
    expect([ring.base, ring.head]).toEqual([0, 200]);
    expect(sequences()).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(ringFaults(ring)).toEqual([]);
  });

  it('finds what follows any sequence', () => {
    const { ring } = ringOf(20);
    for (let sequence = 0; sequence <= 20; sequence += 1) expect(ring.indexAfter(sequence)).toBe(sequence);
  });

  it('when full gives up superseded equity updates first: everybody since base can still continue', () => {
    const { ring } = ringOf(257);
    expect([ring.base, ring.head]).toEqual([0, 257]);
    expect(ring.length).toBe(66); // one for the three oldest quarters, and the freshest quarter whole
    expect(ring.at(0)).toMatchObject({ prev: 0, sequence: 192 });
    expect(ringFaults(ring)).toEqual([]);
  });

  it('never gives up an alert for an equity update, and between two alerts keeps the last one of a run', () => {
    const kindOf = (index: number) => (index % 4 === 3 ? 'alert' : 'equity');
    const { ring, sequences } = ringOf(17, { frames: 16, bytes: 1e9 }, kindOf);
    expect(sequences()).toEqual([3, 4, 7, 8, 11, 12, 13, 14, 15, 16, 17]);
    expect(ringFaults(ring)).toEqual([]);
  });

  it('then gives up the oldest, and says so by its base', () => {
    const { ring, sequences } = ringOf(17, { frames: 16, bytes: 1e9 }, () => 'alert');
    expect(sequences()).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
    expect(ring.base).toBe(5);
  });

  it('is bounded in bytes as well', () => {
    const { ring, budget } = ringOf(100, { frames: 1_000, bytes: 20_000 }, () => 'alert');
    expect(ring.bytes).toBeLessThanOrEqual(20_000);
    expect(budget.bytes).toBe(costOfAll(ring));
    expect(ring.head).toBe(100);
  });

  it('drops what is older than it may be; with nothing left base is head', () => {
    const { ring, budget } = ringOf(10);
    ring.dropOlder(1_004);
    expect([ring.base, ring.length]).toEqual([4, 6]);
    ring.dropOlder(9_999);
    expect([ring.base, ring.head, ring.length]).toEqual([10, 10, 0]);
    expect(budget.bytes).toBe(0);
  });

  it('holds R1 to R3 over any frames, limits and ages', () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.constantFrom('equity' as const, 'equity' as const, 'equity' as const, 'alert' as const),
      },
      { weight: 1, arbitrary: fc.nat(120) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 4, max: 24 }), (steps, limit) => {
        const history = new History();
        const budget = new RingBudget();
        const ring = new Ring({ epoch: history.cursor.epoch, sequence: 0 }, budget, { frames: limit, bytes: 12_000 });
        for (const what of steps) {
          const before = [ring.base, ring.head] as const;
          if (typeof what === 'number') ring.dropOlder(what);
          else ring.push(eventFrom(history[what](), history.cursor.sequence).frame);
          expect(ringFaults(ring)).toEqual([]);
          expect(ring.base).toBeGreaterThanOrEqual(before[0]);
          expect(ring.head).toBe(history.cursor.sequence);
          expect(ring.length).toBeLessThanOrEqual(limit);
          expect(budget.bytes).toBe(costOfAll(ring));
        }
      }),
      { numRuns: 60 },
    );
  });
});
