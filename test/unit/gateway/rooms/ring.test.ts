import fc from 'fast-check';

import { SOCKET_EVENT, type SocketEvent } from '@tradesense/contracts';

import { conflatedFrame, eventFrame, textOf, type Frame } from '../../../../services/gateway/src/frame/index.js';
import { FrameStore, Ring, type RingLimits } from '../../../../services/gateway/src/rooms/index.js';
import { History } from '../../../support/facts.js';
import { eventFrom } from '../../../support/gateway-facts.js';
import { framesOf, ringFaults } from '../../../support/gateway-invariants.js';
import { ModelRing } from '../../../support/model-ring.js';

const frames = (count: number, kindOf: (index: number) => 'equity' | 'alert' = () => 'equity') => {
  const history = new History();
  return Array.from({ length: count }, (_, index) => eventFrom(history[kindOf(index)](), 1_000 + index).frame);
};

function ringOf(count: number, limits?: RingLimits, kindOf?: (index: number) => 'equity' | 'alert') {
  const store = new FrameStore(0);
  const all = frames(count, kindOf);
  const ring = new Ring({ epoch: all[0]!.epoch, sequence: 0 }, store, limits);
  for (const frame of all) ring.push(frame);
  return { ring, store, sequences: () => framesOf(ring).map(({ sequence }) => sequence) };
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
    for (let sequence = 0; sequence < 20; sequence += 1)
      expect(ring.beyond(sequence)).toMatchObject({ frame: { sequence: sequence + 1 }, collapsed: 0 });
    expect(ring.beyond(20)).toBeUndefined();
    ring.dropOlder(1_005);
    expect(ring.beyond(2)).toMatchObject({ frame: { sequence: 6 } });
  });

  it('finds where its last frames begin, of which it may have fewer', () => {
    const { ring } = ringOf(20);
    ring.dropOlder(1_005);
    expect([1, 3, 15, 16, 200].map((count) => ring.before(count))).toEqual([19, 17, 5, 5, 5]);
  });

  it('when full gives up superseded equity updates first: everybody since base can still continue', () => {
    const { ring } = ringOf(257);
    expect([ring.base, ring.head]).toEqual([0, 257]);
    expect(ring.length).toBe(66); // one for the three oldest quarters, and the freshest quarter whole
    expect(framesOf(ring)[0]).toMatchObject({ prev: 0, sequence: 192 });
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
    const { ring } = ringOf(100, { frames: 1_000, bytes: 20_000 }, () => 'alert');
    expect(ring.bytes).toBeLessThanOrEqual(20_000);
    expect(ring.bytes).toBe(framesOf(ring).reduce((sum, { wire }) => sum + wire.length, 0));
    expect(ring.head).toBe(100);
  });

  it('drops what is older than it may be; with nothing left base is head', () => {
    const { ring, store } = ringOf(10);
    ring.dropOlder(1_004);
    expect([ring.base, ring.length]).toEqual([4, 6]);
    ring.dropOlder(9_999);
    expect([ring.base, ring.head, ring.length]).toEqual([10, 10, 0]);
    expect(store.bytes).toBe(0);
  });
});

const frameOf = (name: SocketEvent, sequence: number, payload: string | Buffer): Frame =>
  eventFrame({ name, epoch: 7, sequence, committedAtMs: 5, storedAtMs: sequence }, Buffer.from(payload));

/** Others push so much that the store has to make again what it held before. */
function makeForget(store: FrameStore): void {
  const other = new Ring({ epoch: 7, sequence: 0 }, store);
  for (let sequence = 1; sequence <= 200; sequence += 1) other.push(frameOf('risk_alert', sequence, '"other"'));
  other.clear();
}

describe('what a ring holds', () => {
  const texts = [
    '7',
    'x'.repeat(90),
    '"€ ü 😀"',
    'ü'.repeat(500),
    '€'.repeat(1_000),
    '😀'.repeat(16_000),
    'x'.repeat(70_000),
  ];

  it.each(Object.values(SOCKET_EVENT))('is what it was given, %s, whatever its length, to the last byte', (name) => {
    const store = new FrameStore(0);
    const ring = new Ring({ epoch: 7, sequence: 0 }, store, { frames: 100, bytes: 1e9 });
    const given = texts.map((text, index) => frameOf(name, index + 1, text));
    for (const frame of given) ring.push(frame);
    makeForget(store);
    const read = framesOf(ring);
    expect(read).toEqual(given);
    expect(read.map(textOf)).toEqual(texts.map((text) => `2["${name}",${text}]`));
    expect(new Set(read.map(({ textAt }) => textAt))).toEqual(new Set([3, 5, 11]));
  });

  it('is given to no other ring, whatever place is asked for', () => {
    const store = new FrameStore(0);
    const [mine, other] = [store.open(), store.open()];
    const place = store.push(frameOf('risk_alert', 1, '{}'), mine, -1, -1);
    expect(store.at(place, mine, 7).sequence).toBe(1);
    expect(() => store.at(place, other, 7)).toThrow('no frame of ring 2');
  });

  it('keeps times and sequences as large as they may be', () => {
    const store = new FrameStore(0);
    const ring = new Ring({ epoch: 7, sequence: 2 ** 31 - 1 }, store);
    const facts = { name: 'risk_alert', epoch: 7, committedAtMs: 1, storedAtMs: 4e12 } as const;
    const frameAt = (sequence: number): Frame => eventFrame({ ...facts, sequence }, Buffer.from('{}'));
    const given = [frameAt(2 ** 31), conflatedFrame(frameAt(2 ** 53 - 1), 2 ** 31)];
    for (const frame of given) ring.push(frame);
    makeForget(store);
    expect(framesOf(ring)).toEqual(given);
  });

  it('is read from base to head in steps, not in a walk from the end for each', () => {
    const { ring, store } = ringOf(256);
    let steps = 0;
    const before = store.before.bind(store);
    store.before = (place) => ((steps += 1), before(place));
    expect(framesOf(ring)).toHaveLength(256);
    expect(steps).toBeLessThan(256);
  });

  it('is found as long as nobody pushed anything, and after any number of others did', () => {
    const store = new FrameStore(0);
    const ring = new Ring({ epoch: 7, sequence: 0 }, store);
    const given = [1, 2, 3].map((sequence) => frameOf('risk_alert', sequence, `"${sequence}"`));
    for (const frame of given) ring.push(frame);
    const other = new Ring({ epoch: 7, sequence: 0 }, store);
    for (let sequence = 1; sequence <= 300; sequence += 1) {
      expect(framesOf(ring)).toEqual(given);
      other.push(frameOf('equity_updated', sequence, `"other ${sequence}"`));
      expect(other.beyond(sequence - 1)?.frame.sequence).toBe(sequence);
    }
  });

  it('is not taken for what lay in the same place before', () => {
    const store = new FrameStore(0);
    for (const text of ['"former"', '"present"']) {
      const limits = { frames: 4, bytes: 1e9 };
      const ring = new Ring({ epoch: 7, sequence: 0 }, store, limits);
      const model = new ModelRing(0, limits);
      // The fifth thins it: the third lies where the first did, and so on.
      for (let sequence = 1; sequence <= 5; sequence += 1) {
        const frame = frameOf('equity_updated', sequence, text);
        ring.push(frame);
        model.push(frame);
        expect(framesOf(ring)).toEqual(model.frames);
      }
      ring.clear();
    }
  });

  it('may be more than a slab', () => {
    const store = new FrameStore(0);
    const ring = new Ring({ epoch: 7, sequence: 0 }, store, { frames: 1_000, bytes: 1e9 });
    const given = Array.from({ length: 90 }, (_, index) => frameOf('risk_alert', index + 1, `${index}`.repeat(60_000)));
    for (const frame of given) ring.push(frame);
    expect(store.bytes).toBeGreaterThan(2 * 4 * 1024 * 1024);
    expect(framesOf(ring).every(({ wire }, index) => wire === given[index]?.wire)).toBe(true);
  });
});

describe('rings with one store', () => {
  const RINGS = 3;
  /** Of a chunk, so much may stay unused in its middle: less than what a frame begins with. */
  const USED = 960 / 1024;
  const push = fc.record({
    is: fc.constant('push' as const),
    name: fc.constantFrom(
      ...Object.values(SOCKET_EVENT),
      ...Array.from({ length: 8 }, () => 'equity_updated' as const),
    ),
    size: fc.oneof(fc.integer({ min: 1, max: 1_500 }), fc.integer({ min: 1, max: 16 * 1024 })),
  });
  const act = fc.oneof(
    { weight: 12, arbitrary: push },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('drop' as const), kept: fc.nat(12) }) },
    { weight: 1, arbitrary: fc.constant({ is: 'clear' as const }) },
    { weight: 2, arbitrary: fc.constant({ is: 'others' as const }) },
  );
  const steps = fc.array(fc.record({ of: fc.nat(RINGS - 1), act }), { maxLength: 200, size: 'max' });
  const limits = fc.record({
    frames: fc.integer({ min: 4, max: 24 }),
    bytes: fc.integer({ min: 12_000, max: 200_000 }),
  });

  /** What the store would have back of these rings, if all their frames went. */
  const costOf = (rings: readonly Ring[]): number => {
    let cost = 0;
    for (const ring of rings) ring.costs((_, bytes) => (cost += bytes));
    return cost;
  };
  const sizeOf = ({ wire }: Frame): number => 72 + Math.ceil(wire.length / 8) * 8;

  it('use again what others gave back', () => {
    const store = new FrameStore(0);
    const given = Array.from({ length: 60 }, (_, index) => frameOf('risk_alert', index + 1, 'x'.repeat(60_000)));
    const fill = (): void => {
      const ring = new Ring({ epoch: 7, sequence: 0 }, store, { frames: 100, bytes: 1e9 });
      for (const frame of given) ring.push(frame);
      ring.clear();
    };
    fill();
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 10; round += 1) fill();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
  });

  it('hold R1 to R3 and what arrays would hold, and all memory is theirs or free, over any frames, limits and ages', () => {
    fc.assert(
      fc.property(steps, limits, (script, limit) => {
        const store = new FrameStore(0);
        const pairOf = (sequence: number) => ({
          ring: new Ring({ epoch: 7, sequence }, store, limit),
          model: new ModelRing(sequence, limit),
        });
        const pairs = Array.from({ length: RINGS }, () => pairOf(0));
        const check = ({ ring, model }: (typeof pairs)[0]): void => {
          expect(ringFaults(ring)).toEqual([]);
          expect(framesOf(ring)).toEqual(model.frames);
          expect([ring.base, ring.head, ring.bytes]).toEqual([model.base, model.head, model.bytes]);
        };
        for (const { of, act } of script) {
          const { ring, model } = pairs[of]!;
          const [base, head] = [ring.base, ring.head];
          if (act.is === 'push') {
            const frame = frameOf(act.name, head + 1, Buffer.alloc(act.size, `${of}ü${head}`));
            const before = ring.length + 1;
            const went = ring.push(frame);
            model.push(frame);
            expect(went).toBe(before - model.frames.length);
          } else if (act.is === 'drop') {
            ring.dropOlder(head - act.kept);
            model.dropOlder(head - act.kept);
          } else if (act.is === 'clear') {
            ring.clear();
            pairs[of] = pairOf(head);
          } else makeForget(store);
          expect(ring.base).toBeGreaterThanOrEqual(base);
          check(pairs[of]!);
          const from = pairs[of]!.model.base + (act.is === 'drop' ? act.kept : 0);
          for (const conflates of [false, true])
            expect(pairs[of]!.ring.beyond(from, conflates)).toEqual(pairs[of]!.model.beyond(from, conflates));
          expect(pairs[of]!.ring.before(3)).toBe(pairs[of]!.model.before(3));
          const rings = pairs.map((pair) => pair.ring);
          expect(costOf(rings)).toBe(store.bytes);
          const needed = pairs.flatMap((pair) => pair.model.frames.map(sizeOf)).reduce((sum, size) => sum + size, 0);
          expect(store.bytes).toBeLessThanOrEqual(needed / USED + RINGS * 2 * 1024);
        }
        makeForget(store);
        pairs.forEach(check);
        for (const { ring } of pairs) ring.clear();
        expect(store.bytes).toBe(0);
      }),
      { numRuns: 40 },
    );
  });
});
