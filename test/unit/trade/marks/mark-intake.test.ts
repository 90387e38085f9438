import { Instant, Money, type ChallengeId, type TradeId } from '@tradesense/contracts';
import { createMetrics } from '@tradesense/platform';
import fc from 'fast-check';

import { DatabaseUnavailable, Overloaded, type MarksWritten } from '../../../../services/trade/src/commit/index.js';
import type { MarkCommand } from '../../../../services/trade/src/domain/index.js';
import { MarkIntake, type MarksAnswer, type MarkSink } from '../../../../services/trade/src/marks/index.js';
import { HeldClock } from '../../../support/held-clock.js';

const ANNA = '11111111-1111-7111-8111-111111111111' as ChallengeId;
const BERT = '22222222-2222-7222-8222-222222222222' as ChallengeId;
const START = Instant.of('2026-03-02T12:00:00Z');

const mark = (equity: string, afterMs = 0, challengeId = ANNA): MarkCommand => ({
  is: 'mark',
  challengeId,
  equity: Money.of(equity),
  priceTime: Instant.plusMs(START, afterMs),
  lastTradeId: null as TradeId | null,
});

interface Write {
  readonly atMs: number;
  readonly challengeId: ChallengeId;
  readonly marks: readonly MarkCommand[];
}

/** Takes writes as the lanes would; by default each is committed at once, all of it applied and told. */
class Sink implements MarkSink {
  readonly writes: Write[] = [];
  answer: (write: Write) => Promise<MarksWritten> = ({ marks }) =>
    Promise.resolve({ outcomes: marks.map(() => ({ is: 'applied' as const })), tellInMs: null });

  constructor(private readonly clock: HeldClock) {}

  writeMarks(challengeId: ChallengeId, marks: readonly MarkCommand[]): Promise<MarksWritten> {
    const write = { atMs: this.clock.monotonicMs(), challengeId, marks };
    this.writes.push(write);
    return this.answer(write);
  }

  /** When each write began, and what equities it was given. */
  get told(): readonly (readonly [number, ...string[]])[] {
    return this.writes.map(({ atMs, marks }) => [atMs, ...marks.map(({ equity }) => Money.format(equity))]);
  }
}

function scene() {
  const clock = new HeldClock();
  const sink = new Sink(clock);
  const intake = new MarkIntake(sink, createMetrics('trade'), clock);
  const post = (...marks: readonly MarkCommand[]): Promise<MarksAnswer> => intake.post(marks, null);
  return { clock, sink, intake, post };
}

describe('marks of one challenge', () => {
  it('go at once when nothing was before, and then together, a write in 100 ms', async () => {
    const { clock, sink, post } = scene();
    const answers = [post(mark('100.00'))];
    for (let ms = 10; ms <= 250; ms += 10) {
      await clock.advance(10);
      answers.push(post(mark(`${100 + ms}.00`, ms)));
    }
    await clock.advance(100);
    expect(sink.told.map(([atMs, ...equities]) => [atMs, equities.length])).toEqual([
      [0, 1],
      [100, 9],
      [200, 10],
      [300, 6],
    ]);
    for (const answer of await Promise.all(answers)) expect(answer).toEqual({ applied: 1, stale: 0, rejected: [] });
  });

  it('are decided in price-time order, equal times as they came, whatever request they came with', async () => {
    const { clock, sink, post } = scene();
    void post(mark('1.00'));
    void post(mark('4.00', 30), mark('2.00', 10));
    void post(mark('3.00', 20), mark('5.00', 30));
    await clock.advance(100);
    expect(sink.told[1]?.slice(1)).toEqual(['2.00', '3.00', '4.00', '5.00']);
  });

  it('wait for the write before them, however long it takes', async () => {
    const { clock, sink, post } = scene();
    let commit!: () => void;
    sink.answer = ({ marks }) =>
      new Promise((resolve) => {
        commit = () => resolve({ outcomes: marks.map(() => ({ is: 'applied' })), tellInMs: null });
      });
    void post(mark('1.00'));
    void post(mark('2.00', 10));
    await clock.advance(1_000);
    expect(sink.writes).toHaveLength(1);
    commit();
    await clock.advance(0);
    expect(sink.told).toEqual([
      [0, '1.00'],
      [1_000, '2.00'],
    ]);
  });

  it('are answered each in its place', async () => {
    const { clock, sink, post } = scene();
    sink.answer = ({ marks }) =>
      Promise.resolve({
        outcomes: marks.map(({ equity }) => {
          if (equity === 2_00n) return { is: 'stale' };
          if (equity === 3_00n) return { is: 'refused', refusal: { code: 'not-found' } };
          return { is: 'applied' };
        }),
        tellInMs: null,
      });
    await post(mark('1.00'));
    const first = post(mark('3.00', 20), mark('1.00', 10), mark('3.00', 5));
    const second = post(mark('2.00', 15), mark('1.00', 0, BERT));
    await clock.advance(100);
    expect(await first).toEqual({
      applied: 1,
      stale: 0,
      rejected: [0, 2].map((index) => ({ index, problem: { is: 'refused', refusal: { code: 'not-found' } } })),
    });
    expect(await second).toEqual({ applied: 1, stale: 1, rejected: [] });
  });

  it('of many requests are written as often as of one, and each has its own outcome', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.record({ equity: fc.integer({ min: 1, max: 9 }), ms: fc.nat(50) }), { maxLength: 5 }), {
          minLength: 1,
          maxLength: 10,
        }),
        async (requests) => {
          const { clock, sink, post } = scene();
          sink.answer = ({ marks }) =>
            Promise.resolve({
              outcomes: marks.map(({ equity }) => (equity % 2n === 0n ? { is: 'stale' } : { is: 'applied' })),
              tellInMs: null,
            });
          await post(mark('1.00'));
          const answers = requests.map((marks) => post(...marks.map(({ equity, ms }) => mark(`0.0${equity}`, ms))));
          await clock.advance(100);
          for (const [index, answer] of (await Promise.all(answers)).entries()) {
            const stale = requests[index]!.filter(({ equity }) => equity % 2 === 0).length;
            expect(answer).toEqual({ applied: requests[index]!.length - stale, stale, rejected: [] });
          }
          expect(sink.writes.length).toBeLessThanOrEqual(2);
          const times = sink.writes.at(-1)!.marks.map(({ priceTime }) => priceTime);
          expect(times).toEqual([...times].sort((a, b) => Number(a - b)));
        },
      ),
      { numRuns: 100 },
    ));
});

describe('equity that a write left untold', () => {
  it('is told when it is due, by a write without marks', async () => {
    const { clock, sink, post } = scene();
    const tells = [250, null];
    sink.answer = ({ marks }) =>
      Promise.resolve({ outcomes: marks.map(() => ({ is: 'applied' })), tellInMs: tells.shift() ?? null });
    await post(mark('1.00'));
    await clock.advance(1_000);
    expect(sink.told).toEqual([[0, '1.00'], [250]]);
  });

  it('does not keep marks waiting that come before', async () => {
    const { clock, sink, post } = scene();
    const tells = [250, 140, null];
    sink.answer = ({ marks }) =>
      Promise.resolve({ outcomes: marks.map(() => ({ is: 'applied' })), tellInMs: tells.shift() ?? null });
    await post(mark('1.00'));
    await clock.advance(110);
    void post(mark('2.00', 110));
    await clock.advance(1_000);
    expect(sink.told[1]).toEqual([200, '2.00']);
    expect(sink.told[2]).toEqual([340]);
    expect(sink.writes).toHaveLength(3);
  });

  it('is asked for again after a write that failed, and not for ever', async () => {
    const { clock, sink, post } = scene();
    sink.answer = () => Promise.reject(new DatabaseUnavailable('unknown', undefined));
    const answer = post(mark('1.00'));
    await expect(answer).rejects.toBeInstanceOf(DatabaseUnavailable);
    await clock.advance(60_000);
    expect(sink.writes).toHaveLength(10);
  });

  it('is told before the intake has stopped', async () => {
    const { clock, sink, intake, post } = scene();
    const tells = [250, null];
    sink.answer = ({ marks }) =>
      Promise.resolve({ outcomes: marks.map(() => ({ is: 'applied' })), tellInMs: tells.shift() ?? null });
    await post(mark('1.00'));
    const stopped = intake.stop();
    await clock.advance(1_000);
    await stopped;
    expect(sink.told).toEqual([[0, '1.00'], [250]]);
    await expect(post(mark('2.00'))).rejects.toBeInstanceOf(Overloaded);
  });
});

describe('what one challenge meets', () => {
  it('is said of its marks alone', async () => {
    const { sink, post } = scene();
    const away = new DatabaseUnavailable('not_applied', undefined);
    sink.answer = ({ challengeId, marks }) =>
      challengeId === ANNA
        ? Promise.reject(away)
        : Promise.resolve({ outcomes: marks.map(() => ({ is: 'applied' })), tellInMs: null });
    expect(await post(mark('1.00'), mark('1.00', 0, BERT))).toEqual({
      applied: 1,
      stale: 0,
      rejected: [{ index: 0, problem: { is: 'failed', fault: away } }],
    });
  });

  it('is the answer to the request when every mark met it', async () => {
    const { sink, post } = scene();
    sink.answer = () => Promise.reject(new Overloaded());
    await expect(post(mark('1.00'), mark('1.00', 0, BERT))).rejects.toBeInstanceOf(Overloaded);
  });
});

describe('marks that wait', () => {
  it('are at most 20,000: more are refused at once, and taken again when those are written', async () => {
    const { clock, sink, post } = scene();
    const commits: (() => void)[] = [];
    sink.answer = ({ marks }) =>
      new Promise((resolve) => {
        commits.push(() => resolve({ outcomes: marks.map(() => ({ is: 'applied' })), tellInMs: null }));
      });
    const many = (count: number) => Array.from({ length: count }, (_, ms) => mark('1.00', ms));
    const taken = [post(...many(5_000)), post(...many(5_000)), post(...many(5_000)), post(...many(5_000))];
    await expect(post(mark('1.00'))).rejects.toBeInstanceOf(Overloaded);
    for (let written = 0; written < 2; written += 1) {
      await clock.advance(100);
      commits.shift()!();
    }
    await Promise.all(taken);
    void post(mark('1.00'));
  });

  it('are given up after 5 s: by then there is a newer price', async () => {
    const { clock, sink, post } = scene();
    let commit!: () => void;
    sink.answer = ({ marks }) =>
      new Promise((resolve) => {
        commit = () => resolve({ outcomes: marks.map(() => ({ is: 'applied' })), tellInMs: null });
      });
    void post(mark('1.00'));
    const old = post(mark('2.00', 1));
    const refusal = old.catch((error: unknown) => error);
    await clock.advance(5_001);
    void post(mark('3.00', 2));
    commit();
    await clock.advance(0);
    expect(await refusal).toBeInstanceOf(Overloaded);
    expect(sink.told[1]).toEqual([5_001, '3.00']);
  });
});
