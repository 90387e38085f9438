import { setImmediate } from 'node:timers/promises';

import { systemClock } from '@tradesense/platform';

import { DatabaseClock, type Statement } from '../../../../services/relay/src/database/index.js';
import { Reader, type Batch } from '../../../../services/relay/src/reading/index.js';
import { Wake } from '../../../../services/relay/src/wake/index.js';
import { OutboxModel } from '../../../support/outbox-model.js';
import { until } from '../../../support/until.js';

const PAYLOAD = '{}';

/** A reader on a model of PostgreSQL. `before` is called ahead of each statement: other sessions act there. */
function given(
  outbox: OutboxModel,
  before: (statement: number, name: string) => void = () => undefined,
  payload = PAYLOAD,
) {
  const end = new AbortController();
  const wake = new Wake();
  const asked: string[] = [];
  let statements = 0;
  const query = async (statement: Statement): Promise<readonly never[]> => {
    const name = statement.name ?? '';
    before(statements, name);
    statements += 1;
    asked.push(name);
    const answer =
      name === 'holders'
        ? [...outbox.holders].map((holder) => ({ holder }))
        : outbox.answer(statement, instant(statements), { payload });
    wake.now(); // no pauses: what counts here is the order
    await setImmediate();
    return answer as readonly never[];
  };
  const reader = new Reader({
    session: { query },
    wake,
    clock: systemClock,
    databaseClock: new DatabaseClock(systemClock),
    metrics: { passed: () => undefined },
    floor: 0n,
    signal: end.signal,
  });
  return { reader, asked, end: () => end.abort(new Error('the test is over')) };
}

const instant = (statement: number): string => `2026-11-25T10:00:00.${String(statement).padStart(6, '0')}Z`;
/** Batches until one satisfies, and all positions in the order in which they would be published. */
async function readUntil(reader: Reader, isEnough: (batch: Batch) => boolean) {
  const batches: Batch[] = [];
  await until(async () => batches[batches.push(await reader.next()) - 1]!, isEnough, {
    withinMs: 3_000,
    everyMs: 0,
    what: `enough was read`,
  });
  return { positions: batches.flatMap(({ rows }) => rows.map(({ position }) => Number(position))), batches };
}

describe('a reader beside writers that overlap', () => {
  const statements = Array.from({ length: 8 }, (_, statement) => statement);

  it.each(statements)(
    'publishes the row of a slow writer that commits before statement %i (P1, P2)',
    async (moment) => {
      const outbox = new OutboxModel();
      const slow = outbox.begin().append('a');
      outbox.begin().append('b').commit();
      const { reader, end } = given(outbox, (statement) => statement === moment && slow.commit());
      const { positions } = await readUntil(reader, ({ floor }) => floor === 2n);
      end();
      expect([...positions].sort((a, b) => a - b)).toEqual([1, 2]);
    },
  );

  it.each(statements)('moves on when it rolls back before statement %i instead', async (moment) => {
    const outbox = new OutboxModel();
    const slow = outbox.begin().append('a');
    outbox.begin().append('b').commit();
    const { reader, end } = given(outbox, (statement) => statement === moment && slow.rollBack());
    const { positions } = await readUntil(reader, ({ floor }) => floor === 2n);
    end();
    expect(positions).toEqual([2]);
  });

  it.each(statements)(
    'keeps the order of a challenge whose next event comes at once, before statement %i (R2)',
    async (moment) => {
      const outbox = new OutboxModel();
      const slow = outbox.begin().append('a');
      outbox.begin().append('b').commit();
      const { reader, end } = given(outbox, (statement) => {
        if (statement !== moment) return;
        slow.commit();
        outbox.begin().append('a').commit();
      });
      const { positions } = await readUntil(reader, ({ floor }) => floor === 3n);
      end();
      expect(positions.filter((position) => position !== 2)).toEqual([1, 3]);
      expect(positions).toHaveLength(3);
    },
  );

  it('gives up the hole of a rollback although the same session goes on appending in a tight loop (P3)', async () => {
    const outbox = new OutboxModel();
    outbox.begin().append('a').rollBack();
    let looping = outbox.begin().append('b');
    const { reader, asked, end } = given(outbox, () => {
      looping.commit();
      looping = outbox.begin().append('b');
    });
    await readUntil(reader, ({ floor }) => floor > 1n);
    end();
    expect(asked.filter((name) => name === 'holders').length).toBeLessThanOrEqual(4);
  });

  it('asks for rows, then holders, then rows again, and for holders only while there is a hole (R1)', async () => {
    const outbox = new OutboxModel();
    outbox.begin().append('a').commit();
    const { reader, asked, end } = given(outbox, (statement) => {
      if (statement === 1) outbox.begin().append('b').rollBack();
      if (statement === 1) outbox.begin().append('c').commit();
    });
    await readUntil(reader, ({ floor }) => floor === 3n);
    end();
    expect(asked.slice(0, 4)).toEqual(['new-rows', 'new-rows', 'holders', 'late-and-new-rows']);
  });
});

describe('a batch', () => {
  const full = (rows: number): OutboxModel => {
    const outbox = new OutboxModel();
    const transaction = outbox.begin();
    for (let row = 0; row < rows; row += 1) transaction.append(`challenge-${row}`);
    transaction.commit();
    return outbox;
  };

  it('has at most 1,000 rows, and its floor is that of its own rows', async () => {
    const { reader, end } = given(full(1_700));
    const [first, second] = [await reader.next(), await reader.next()];
    end();
    expect([first.rows.length, first.floor, second.rows.length, second.floor]).toEqual([1_000, 1_000n, 700, 1_700n]);
  });

  it('is behind as long as a pass leaves rows for the next one', async () => {
    const { reader, end } = given(full(2_700));
    await reader.next();
    expect(reader.isBehind).toBe(true);
    await reader.next();
    await reader.next();
    expect(reader.isBehind).toBe(false);
    end();
  });

  it('has at most 512 KiB, but always a row', async () => {
    const large = given(full(20), undefined, JSON.stringify('x'.repeat(100_000)));
    expect((await large.reader.next()).rows).toHaveLength(5);
    large.end();
    const huge = given(full(2), undefined, JSON.stringify('x'.repeat(600_000)));
    expect((await huge.reader.next()).rows).toHaveLength(1);
    huge.end();
  });

  it('speaks for the moment its read began when it found all there was, else for the time of its last row', async () => {
    const { reader, end } = given(full(1_200));
    const [cut, rest] = [await reader.next(), await reader.next()];
    end();
    expect(cut.asOf).toBe(instant(1_000));
    expect(rest.asOf).toBe(instant(2));
  });

  it('speaks only for the time before the oldest hole was seen, as long as that is open', async () => {
    const outbox = new OutboxModel();
    const slow = outbox.begin().append('a');
    outbox.begin().append('b').commit();
    const { reader, end } = given(outbox);
    const first = await reader.next();
    outbox.begin().append('c').commit();
    const second = await reader.next();
    expect([first.asOf, second.asOf]).toEqual([instant(1), instant(1)]);
    slow.commit();
    const { batches } = await readUntil(reader, ({ floor }) => floor === 3n);
    end();
    expect(batches.at(-1)!.asOf > instant(1)).toBe(true);
  });
});

describe('a rewind', () => {
  it('forgets what was read ahead and reads again behind the floor', async () => {
    const outbox = new OutboxModel();
    outbox.begin().append('a').append('a').append('a').commit();
    const { reader, end } = given(outbox);
    await reader.next();
    outbox.begin().append('a').commit();
    await reader.rewind(1n);
    const { rows } = await reader.next();
    end();
    expect(rows.map(({ position }) => position)).toEqual([2n, 3n, 4n]);
  });
});
