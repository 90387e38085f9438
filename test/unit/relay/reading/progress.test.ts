import fc from 'fast-check';

import {
  afterLook,
  afterRead,
  floorOf,
  startAt,
  type Hole,
  type Progress,
} from '../../../../services/relay/src/reading/progress.js';
import { contiguousPerChallenge, firstOccurrences, sameSet } from '../../../support/invariants.js';
import { OutboxModel, type ModelRow } from '../../../support/outbox-model.js';

const AT = '2026-11-25T10:00:00.000000Z';
const found = (positions: readonly number[], { wasCut = false, at = AT } = {}) => ({
  positions: positions.map(BigInt),
  wasCut,
  at,
});
const shown = ({ holes }: Progress): string[] => holes.map(({ is, lo, hi }) => `${is} ${lo}-${hi}`);

describe('how far reading has come', () => {
  it('stands at the last row when nothing is missing', () => {
    const { progress, late, givenUp } = afterRead(startAt(4n), found([5, 6, 7]));
    expect([progress.position, progress.holes, floorOf(progress)]).toEqual([7n, [], 7n]);
    expect([late, givenUp]).toEqual([0, 0n]);
  });

  it('keeps a hole for each range that is missing, and the floor below the first', () => {
    const { progress } = afterRead(startAt(0n), found([3, 4, 1_000_000]));
    expect(shown(progress)).toEqual(['new 1-2', 'new 5-999999']);
    expect(floorOf(progress)).toBe(0n);
  });

  it('publishes late what a writer commits that was still open at the look', () => {
    const read = afterRead(startAt(0n), found([2])).progress;
    const looked = afterLook(read, new Set(['3/7']));
    expect(shown(looked)).toEqual(['open 1-1']);
    const again = afterRead(looked, found([1]));
    expect([again.late, again.givenUp, floorOf(again.progress)]).toEqual([1, 0n, 2n]);
  });

  it('gives a hole up only at the read that follows the look which found nobody (R1)', () => {
    const looked = afterLook(afterRead(startAt(0n), found([2])).progress, new Set());
    expect([shown(looked), floorOf(looked)]).toEqual([['ended 1-1'], 0n]);
    const again = afterRead(looked, found([]));
    expect([again.givenUp, floorOf(again.progress)]).toEqual([1n, 2n]);
  });

  it('is not held up by the next transaction of the backend that left the hole, nor by anyone who came later (R3, R4)', () => {
    const looked = afterLook(afterRead(startAt(0n), found([2])).progress, new Set(['3/7']));
    expect(shown(afterLook(looked, new Set(['3/8', '4/1'])))).toEqual(['ended 1-1']);
  });

  it('keeps what is left of a hole around the rows that filled it', () => {
    const looked = afterLook(afterRead(startAt(0n), found([10])).progress, new Set(['3/7']));
    const again = afterRead(looked, found([1, 4, 9, 11]));
    expect(shown(again.progress)).toEqual(['open 2-3', 'open 5-8']);
    expect(again.late).toBe(3);
  });

  it('gives up nothing behind the last row of a read that was cut (R6)', () => {
    const first = afterRead(startAt(0n), found([4, 8])).progress;
    const ended = afterLook(first, new Set());
    const cut = afterRead(ended, found([2], { wasCut: true }));
    expect([shown(cut.progress), cut.givenUp]).toEqual([['ended 3-3', 'ended 5-7'], 1n]);
    const rest = afterRead(cut.progress, found([6]));
    expect([shown(rest.progress), rest.givenUp, floorOf(rest.progress)]).toEqual([[], 3n, 8n]);
  });

  it('remembers since when a hole is known, also of its parts', () => {
    const first = afterRead(startAt(0n), found([4], { at: '2026-11-25T10:00:00.000001Z' })).progress;
    const next = afterRead(first, found([2, 6], { at: '2026-11-25T10:00:00.000002Z' })).progress;
    const since = next.holes.map(({ lo, seenAt }: Hole) => `${lo} ${seenAt.at(-2)}`);
    expect(since).toEqual(['1 1', '3 1', '5 2']);
  });
});

/**
 * Any interleaving of writers with a reader's statements: writers lock, draw, commit, roll back; the reader reads (cut or not),
 * looks, saves its floor, or loses its memory and starts from the floor saved.
 */
type Step =
  | { readonly does: 'append'; readonly writer: number; readonly challenge: string }
  | { readonly does: 'commit' | 'roll back'; readonly writer: number }
  | { readonly does: 'read'; readonly limit: number }
  | { readonly does: 'look' | 'save' | 'crash' };

const always = <Value extends Step['does']>(does: Value) => fc.constant(does);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ does: always('append'), writer: fc.nat(3), challenge: fc.constantFrom('a', 'b', 'c', 'd') }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constantFrom('commit' as const, 'roll back' as const), writer: fc.nat(3) }),
  },
  { weight: 6, arbitrary: fc.record({ does: always('read'), limit: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 6, arbitrary: fc.record({ does: always('look') }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('save' as const, 'crash' as const) }) },
);
/** Long ones: what goes wrong needs several writers at once. */
const steps = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' });

/** The reader's statements and its three rules; the broken ones below leave one rule out. */
class ModelReader {
  progress = startAt(0n);
  readonly published: ModelRow[] = [];

  constructor(protected readonly outbox: OutboxModel) {}

  get floor(): bigint {
    return floorOf(this.progress);
  }

  read(limit: number): void {
    const all = this.visible();
    const rows = all.slice(0, limit);
    const wasCut = rows.length < all.length;
    this.published.push(...rows);
    this.progress = afterRead(this.progress, {
      positions: rows.map(({ position }) => position),
      wasCut,
      at: AT,
    }).progress;
  }

  look(): void {
    this.progress = afterLook(this.progress, this.outbox.holders);
  }

  startFrom(floor: bigint): void {
    this.progress = startAt(floor);
  }

  protected visible(): readonly ModelRow[] {
    return this.outbox.rows.filter(({ position }) => position > this.progress.position || this.isInHole(position));
  }

  protected isInHole(position: bigint): boolean {
    return this.progress.holes.some(({ lo, hi }) => lo <= position && position <= hi);
  }
}

/** What went wrong, in words. */
function run(steps: readonly Step[], Reader: typeof ModelReader): readonly string[] {
  const outbox = new OutboxModel();
  const writers = Array.from({ length: 4 }, () => outbox.begin());
  const reader = new Reader(outbox);
  let saved = 0n;
  const faults: string[] = [];

  for (const next of steps) {
    switch (next.does) {
      case 'append':
        if (writers[next.writer]!.is !== 'open') writers[next.writer] = outbox.begin();
        writers[next.writer]!.append(next.challenge);
        break;
      case 'commit':
        writers[next.writer]!.commit();
        break;
      case 'roll back':
        writers[next.writer]!.rollBack();
        break;
      case 'read':
        reader.read(next.limit);
        break;
      case 'look':
        reader.look();
        break;
      case 'save':
        saved = reader.floor;
        break;
      case 'crash':
        reader.startFrom(saved);
        break;
    }
    const pending = outbox.open.flatMap(({ rows }) => rows).find(({ position }) => position <= reader.floor);
    if (pending !== undefined)
      faults.push(`the floor ${reader.floor} passed ${pending.position}, which may still commit`);
  }
  outbox.open.forEach((transaction, index) => (index % 2 === 0 ? transaction.commit() : transaction.rollBack()));
  for (let pass = 0; pass < 3; pass += 1) {
    reader.read(Infinity);
    reader.look();
  }
  if (reader.progress.holes.length > 0) faults.push('a hole is left although nobody is writing');
  return [...faults, ...sameSet(outbox.rows, reader.published), ...contiguousPerChallenge(reader.published)];
}

const RUNS = { numRuns: 1_000 };
const holds = (Reader: typeof ModelReader) =>
  fc.property(steps, (some) => {
    expect(run(some, Reader)).toEqual([]);
  });

describe('whatever writers do between the statements of a reader', () => {
  it('every committed row is published, each challenge in order of sequence, and no floor passes what may still commit', () => {
    fc.assert(holds(ModelReader), RUNS);
  });

  it('publishes no row twice between two starts', () => {
    const withoutCrash = steps.map((some) => some.filter(({ does }) => does !== 'crash'));
    fc.assert(
      fc.property(withoutCrash, (some) => {
        const published: ModelRow[] = [];
        class Recording extends ModelReader {
          override read(limit: number): void {
            super.read(limit);
            published.splice(0, published.length, ...this.published);
          }
        }
        run(some, Recording);
        expect(published).toEqual(firstOccurrences(published));
      }),
      RUNS,
    );
  });

  const broken: readonly (readonly [string, typeof ModelReader])[] = [
    [
      'remembers only its last position (pitfall P1)',
      class extends ModelReader {
        protected override isInHole(): boolean {
          return false;
        }
      },
    ],
    [
      'gives up a hole without reading once more (pitfall P2)',
      class extends ModelReader {
        override look(): void {
          super.look();
          const left = this.progress.holes.filter(({ is }) => is !== 'ended');
          this.progress = { ...this.progress, holes: left };
        }
      },
    ],
    [
      'asks for the holders before it reads (pitfall P2)',
      class extends ModelReader {
        #before: ReadonlySet<string> = new Set();
        override read(limit: number): void {
          super.read(limit);
          this.progress = afterLook(this.progress, this.#before);
        }
        override look(): void {
          this.#before = this.outbox.holders;
        }
      },
    ],
    [
      'takes late rows from an earlier snapshot than new ones (R2)',
      class extends ModelReader {
        #earlier: readonly ModelRow[] = [];
        override look(): void {
          super.look();
          this.#earlier = this.outbox.rows;
        }
        protected override visible(): readonly ModelRow[] {
          return super.visible().filter((row) => row.position > this.progress.position || this.#earlier.includes(row));
        }
      },
    ],
    [
      'gives up holes in the part that a cut read left out (R6)',
      class extends ModelReader {
        override read(limit: number): void {
          const rows = this.visible().slice(0, limit);
          this.published.push(...rows);
          const positions = rows.map(({ position }) => position);
          this.progress = afterRead(this.progress, { positions, wasCut: false, at: AT }).progress;
        }
      },
    ],
  ];
  it.each(broken)('is noticed of a reader that %s', (_, Reader) => {
    expect(fc.check(holds(Reader), { numRuns: 20_000, endOnFailure: true })).toMatchObject({ failed: true });
  });
});
