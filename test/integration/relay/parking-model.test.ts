import { setImmediate } from 'node:timers/promises';

import type { Publisher, TopicRecords } from '@tradesense/kafka';
import { Fault, createLogger, systemClock, type Clock } from '@tradesense/platform';

import { DatabaseClock, type Statement } from '../../../services/relay/src/database/index.js';
import { Errands } from '../../../services/relay/src/errands.js';
import { lead } from '../../../services/relay/src/leader-loop.js';
import { Parking } from '../../../services/relay/src/parking/index.js';
import { Outlet } from '../../../services/relay/src/publishing/index.js';
import { Reader } from '../../../services/relay/src/reading/index.js';
import { Wake } from '../../../services/relay/src/wake/index.js';
import { contiguousPerChallenge } from '../../support/invariants.js';
import { OutboxModel, storedRow, type ModelRow } from '../../support/outbox-model.js';
import { chanceOf } from '../../support/outbox-writers.js';
import { until } from '../../support/until.js';

const log = createLogger({ service: 'x', instance: 'x', level: 'error', destination: { write: () => undefined } });
const silent = { passed: () => undefined, sent: () => undefined, repeated: () => undefined };
const metrics = { ...silent, notSent: () => undefined, refused: () => undefined };

interface ParkedRow {
  challenge_id: string;
  first_position: string | null;
  released_to: string | null;
  epoch: string;
  wish: 'retry' | 'discard' | null;
  age_ms: number;
}
interface Published {
  readonly challenge_id: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly type: string;
}

/** The database as far as a leader asks it: the outbox, the table parked, and what has to survive a leader. */
class Database {
  readonly outbox = new OutboxModel();
  readonly parked = new Map<string, ParkedRow>();
  floor = 0n;
  /** What the next leader begins with: the floor, or an earlier one. */
  savedFloor = 0n;
  isSaving = (): boolean => true;
  /** Called ahead of each statement: other sessions act there. */
  before = (): void => undefined;

  async query<Row>(statement: Statement): Promise<readonly Row[]> {
    this.before();
    const answer = this.#answer(statement) as readonly Row[];
    await setImmediate();
    return answer;
  }

  #answer(statement: Statement): readonly object[] {
    const { name = '', text, values = [] } = statement;
    if (name === 'holders') return [...this.outbox.holders].map((holder) => ({ holder }));
    if (name === 'rows-of-challenge') {
      const [challengeId, from, to, limit] = values as [string, bigint, bigint, number];
      const isOf = (row: ModelRow) => row.challenge_id === challengeId && from <= row.position && row.position <= to;
      return this.outbox.rows.filter(isOf).slice(0, limit).map(storedRow);
    }
    if (name.endsWith('new-rows')) return this.outbox.answer(statement, '2026-11-25T10:00:00.000000Z');
    if (name === 'parked') return [...this.parked.values()].map((row) => ({ ...row }));
    if (text.includes('is_leader')) return [{ is_leader: true }];
    if (text.includes('first_position is null and released_to <=')) return this.#forget();
    const challengeId = String(values[2]);
    const known = this.parked.get(challengeId);
    if (text.includes('insert into parked')) {
      const [, , , first, , , , epoch] = values;
      const row = {
        challenge_id: challengeId,
        first_position: String(first),
        epoch: String(epoch),
        wish: null,
        age_ms: 0,
      };
      this.parked.set(challengeId, { released_to: known?.released_to ?? null, ...row });
    } else if (known?.first_position == null) return [];
    else if (text.includes('first_position = null'))
      Object.assign(known, { first_position: null, released_to: String(values[3]), wish: null });
    else if (text.includes('update parked')) {
      const first = values[3] as bigint;
      Object.assign(known, { first_position: String(first), released_to: String(first - 1n), wish: 'retry' });
    } else throw new Error(`what is this? ${text}`);
    return [{ challenge_id: challengeId }];
  }

  #forget(): readonly object[] {
    const passed = this.parkedRows.filter(({ first_position: first, released_to: to }) => {
      return first === null && BigInt(to!) <= this.savedFloor;
    });
    for (const { challenge_id: challengeId } of passed) this.parked.delete(challengeId);
    return passed;
  }

  get parkedRows(): readonly ParkedRow[] {
    return [...this.parked.values()];
  }
  /** Challenges that wait. */
  get waiting(): readonly ParkedRow[] {
    return this.parkedRows.filter(({ first_position: first }) => first !== null);
  }
}

/** Kafka with rows it refuses and moments in which it does not answer. */
class Kafka implements Publisher {
  readonly log: Published[] = [];
  readonly poison = new Set<string>();
  isUnclear = (): boolean => false;

  async send(batches: readonly TopicRecords[]) {
    await setImmediate();
    const records = batches.flatMap((batch) => batch.records);
    if (records.some(({ headers }) => headers['ce_type'] !== 'EVENT_SKIPPED' && this.poison.has(headers['ce_id']!)))
      throw new Fault('record-refused', 'park', 'MESSAGE_TOO_LARGE');
    for (const { key, headers } of records)
      this.log.push({
        challenge_id: key!,
        epoch: Number(headers['ce_epoch']),
        sequence: Number(headers['ce_seq']),
        type: headers['ce_type']!,
      });
    if (this.isUnclear()) throw new Fault('publish-unclear', 'wait', 'no outcome');
    return new Map();
  }
  close = () => Promise.resolve();
}

/** A second passes at each look at the clock, so that wishes are looked for at once. */
function hastyClock(): Clock {
  let nowMs = 0;
  return { ...systemClock, monotonicMs: () => (nowMs += 1_000), sleep: () => Promise.resolve() };
}

/** One leader from the saved floor on, until `end` is aborted. */
async function leadFor(
  database: Database,
  kafka: Kafka,
  end: AbortController,
  { perMinute = 1_000, piece = 3n } = {},
): Promise<void> {
  const clock = hastyClock();
  const databaseClock = new DatabaseClock(clock);
  const wake = new Wake();
  const session = {
    query: <Row>(statement: Statement) => {
      end.signal.throwIfAborted();
      wake.now();
      return database.query<Row>(statement);
    },
  };
  const parking: Parking = await Parking.load({
    session,
    leader: { owner: 'me', generation: 1n },
    send: async (rows) => void (await publishing.send(rows)),
    more: () => wake.now(),
    perMinute,
    piece,
    clock,
    now: () => 0,
    metrics,
    log,
  });
  const publishing = new Outlet({
    publisher: kafka,
    topicPrefix: '',
    gate: parking,
    clock,
    databaseClock,
    metrics,
    log,
    mustBeTrusted: () => end.signal.throwIfAborted(),
    signal: end.signal,
  });
  const reading = new Reader({
    session,
    wake,
    clock,
    databaseClock,
    metrics,
    floor: database.savedFloor,
    signal: end.signal,
  });
  const lease = {
    floor: database.savedFloor,
    mustBeTrusted: () => undefined,
    acknowledged(floor: bigint) {
      lease.floor = database.floor = floor;
      if (database.isSaving()) database.savedFloor = floor;
    },
  };
  const watermarks = { acknowledged: () => undefined };
  const stages = {
    reading,
    epoch: { current: <T>(rows: readonly T[]) => Promise.resolve(rows) },
    publishing,
    parking,
    errands: new Errands(),
    watermarks,
    states: { published: () => undefined, unclear: () => undefined },
    clock,
    nextDelayMs: () => 0,
  };
  await lead(lease, stages, end.signal).catch((error: unknown) => {
    if (!end.signal.aborted) throw error;
  });
}

/** Commits what is open, mends what was refused, wishes for all that is parked, and waits until nothing is left to do. */
async function settle(database: Database, kafka: Kafka): Promise<void> {
  for (const transaction of database.outbox.open) transaction.commit();
  kafka.poison.clear();
  kafka.isUnclear = () => false;
  database.before = () => {
    for (const row of database.waiting) row.wish ??= 'retry';
  };
  const last = database.outbox.rows.at(-1)?.position ?? 0n;
  await until(
    () => database.waiting.length === 0 && database.floor >= last,
    (isSettled) => isSettled,
    { what: 'everything is published', everyMs: 0 },
  );
}

const written = (database: Database): readonly string[] =>
  database.outbox.rows.map(({ challenge_id, sequence }) => `${challenge_id} ${sequence}`).sort();
const firsts = (log: readonly Published[]): readonly string[] =>
  [...new Set(log.map(({ challenge_id, sequence }) => `${challenge_id} ${sequence}`))].sort();

describe('a parked challenge', () => {
  const commit = (database: Database, ...challenges: readonly string[]): void => {
    for (const challenge of challenges) database.outbox.begin().append(challenge).commit();
  };

  it('waits from its dead letter on, and all others go on', async () => {
    const [database, kafka, end] = [new Database(), new Kafka(), new AbortController()];
    commit(database, 'a', 'b', 'a', 'b', 'a', 'c');
    kafka.poison.add('event-3');
    const leading = leadFor(database, kafka, end);
    await until(
      () => database.floor,
      (floor) => floor === 6n,
    );
    commit(database, 'a', 'b');
    await until(
      () => database.floor,
      (floor) => floor === 8n,
    );
    end.abort(new Error('enough'));
    await leading;
    expect(firsts(kafka.log)).toEqual(['a 1', 'b 1', 'b 2', 'b 3', 'c 1']);
    expect(database.parkedRows).toMatchObject([{ challenge_id: 'a', first_position: '3', wish: null }]);
  });

  it.each(['retry', 'discard'] as const)('comes back whole and in order by the wish to %s', async (wish) => {
    const [database, kafka, end] = [new Database(), new Kafka(), new AbortController()];
    commit(database, 'a', 'b', 'a', 'b', 'a', 'a');
    kafka.poison.add('event-3');
    const leading = leadFor(database, kafka, end);
    await until(
      () => database.floor,
      (floor) => floor === 6n,
    );
    if (wish === 'retry') kafka.poison.clear();
    database.parked.get('a')!.wish = wish;
    await until(
      () => database.waiting.length,
      (count) => count === 0,
    );
    commit(database, 'a');
    await until(
      () => kafka.log.length,
      (length) => length >= 7,
    );
    end.abort(new Error('enough'));
    await leading;
    const ofA = kafka.log.filter(({ challenge_id }) => challenge_id === 'a');
    expect(ofA.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    expect(ofA[1]!.type).toBe(wish === 'retry' ? 'EQUITY_UPDATED' : 'EVENT_SKIPPED');
    expect(kafka.log.filter(({ challenge_id }) => challenge_id === 'b')).toHaveLength(2);
  });

  it('is parked again, further on, where its wish meets another refusal', async () => {
    const [database, kafka, end] = [new Database(), new Kafka(), new AbortController()];
    commit(database, 'a', 'a', 'a', 'a');
    kafka.poison.add('event-2').add('event-4');
    const leading = leadFor(database, kafka, end);
    await until(
      () => database.floor,
      (floor) => floor === 4n,
    );
    kafka.poison.delete('event-2');
    database.parked.get('a')!.wish = 'retry';
    await until(
      () => database.parked.get('a'),
      (row) => row?.first_position === '4' && row.wish === null,
    );
    end.abort(new Error('enough'));
    await leading;
    expect(firsts(kafka.log)).toEqual(['a 1', 'a 2', 'a 3']);
  });

  it('is one of a few within a minute: one more, and nothing goes on until Kafka takes it', async () => {
    const [database, kafka, end] = [new Database(), new Kafka(), new AbortController()];
    commit(database, 'a', 'b', 'c', 'd', 'e');
    for (const position of [1, 2, 3, 4]) kafka.poison.add(`event-${position}`);
    let tries = 0;
    const leading = leadFor(database, kafka, end, { perMinute: 3 });
    database.before = () => void (tries += 1);
    await until(
      () => tries,
      (count) => count > 100,
    );
    expect([...database.parked.keys()]).toEqual(['a', 'b', 'c']);
    expect([kafka.log, database.floor]).toEqual([[], 0n]);
    kafka.poison.clear();
    await until(
      () => database.floor,
      (floor) => floor === 5n,
    );
    end.abort(new Error('enough'));
    await leading;
    expect(firsts(kafka.log)).toEqual(['d 1', 'e 1']);
  });

  /** Writers, refusals and operators, one act ahead of each statement of the leader. */
  function disturb(database: Database, kafka: Kafka, chance: () => number): () => void {
    const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(chance() * items.length)];
    const challenge = (): string => pick(['a', 'b', 'c'])!;
    return () => {
      const act = chance();
      const { open, rows } = database.outbox;
      if (act < 0.3) database.outbox.begin().append(challenge());
      else if (act < 0.4) pick(open)?.append(challenge());
      else if (act < 0.65) pick(open)?.commit();
      else if (act < 0.7) pick(open)?.rollBack();
      else if (act < 0.75) kafka.poison.add(`event-${rows.length + Math.floor(chance() * 5)}`);
      else if (act < 0.8) kafka.poison.clear();
      else if (act < 0.9) {
        const row = pick(database.waiting);
        if (row !== undefined) row.wish ??= pick(['retry', 'discard'] as const)!;
      }
    };
  }

  it('is released even where its last row is the last one of a full page', async () => {
    const [database, kafka, end] = [new Database(), new Kafka(), new AbortController()];
    commit(database, ...Array.from({ length: 500 }, () => 'a'));
    kafka.poison.add('event-1');
    const leading = leadFor(database, kafka, end, { piece: 20_000n });
    await until(
      () => database.floor,
      (floor) => floor === 500n,
    );
    kafka.poison.clear();
    database.parked.get('a')!.wish = 'retry';
    await until(
      () => database.waiting.length,
      (count) => count === 0,
    );
    end.abort(new Error('enough'));
    await leading;
    expect(kafka.log.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  });

  it('that was discarded is not met again by a leader that begins below it', async () => {
    const [database, kafka] = [new Database(), new Kafka()];
    database.isSaving = () => false;
    commit(database, 'a', 'a', 'a');
    kafka.poison.add('event-2');
    database.before = () => {
      for (const row of database.waiting) row.wish ??= 'discard';
    };
    for (let leader = 1; leader <= 2; leader += 1) {
      const end = new AbortController();
      const leading = leadFor(database, kafka, end);
      await until(
        () => [database.floor, database.waiting.length, kafka.log.length >= 3],
        ([floor, waiting, isPublished]) => floor === 3n && waiting === 0 && isPublished === true,
      );
      database.floor = 0n;
      end.abort(new Error('killed'));
      await leading;
    }
    expect(kafka.log.map(({ sequence, type }) => `${sequence} ${type}`)).toEqual([
      '1 EQUITY_UPDATED',
      '2 EVENT_SKIPPED',
      '3 EQUITY_UPDATED',
    ]);
    expect(database.waiting).toEqual([]);
  });

  it('that somebody deletes by hand is let go, loudly, and holds up nobody', async () => {
    const [database, kafka, end] = [new Database(), new Kafka(), new AbortController()];
    commit(database, 'a', 'a', 'b');
    kafka.poison.add('event-1');
    const leading = leadFor(database, kafka, end);
    await until(
      () => database.floor,
      (floor) => floor === 3n,
    );
    database.parked.clear();
    let statements = 0;
    database.before = () => void (statements += 1);
    await until(
      () => statements,
      (count) => count > 20, // it has looked
    );
    commit(database, 'a', 'b');
    await until(
      () => firsts(kafka.log).join(),
      (found) => found === 'a 3,b 1,b 2',
    );
    end.abort(new Error('enough'));
    await leading;
  });

  it('stops the others with the row as it is now, not as it was', async () => {
    const [database, kafka, end] = [new Database(), new Kafka(), new AbortController()];
    const slow = database.outbox.begin().append('z');
    commit(database, 'a', 'b');
    kafka.poison.add('event-2');
    let statements = 0;
    database.before = () => void (statements += 1);
    const leading = leadFor(database, kafka, end, { perMinute: 0 });
    await until(
      () => statements,
      (count) => count > 50,
    );
    expect(kafka.log).toEqual([]);
    database.outbox.remove(2n);
    slow.commit();
    await until(
      () => firsts(kafka.log).join(),
      (found) => found === 'b 1,z 1',
    );
    end.abort(new Error('enough'));
    await leading;
  });

  const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  const seeds = (count: number): number[] => Array.from({ length: count }, (_, run) => SEED + run);

  it.each(seeds(40))('is published once and in order beside writers that overlap (seed %i)', async (seed) => {
    const [database, kafka, end] = [new Database(), new Kafka(), new AbortController()];
    const step = disturb(database, kafka, chanceOf(seed));
    let steps = 0;
    database.before = () => void ((steps += 1) <= 150 && step());
    const leading = leadFor(database, kafka, end);
    await until(
      () => steps,
      (count) => count > 150,
      { everyMs: 0 },
    );
    await settle(database, kafka);
    end.abort(new Error('settled'));
    await leading;
    expect(kafka.log.map(({ challenge_id, sequence }) => `${challenge_id} ${sequence}`).sort()).toEqual(
      written(database),
    );
    expect(contiguousPerChallenge(kafka.log)).toEqual([]);
  });

  it.each(seeds(40))('loses nothing over leaders that die and sends without an outcome (seed %i)', async (seed) => {
    const chance = chanceOf(seed);
    const [database, kafka] = [new Database(), new Kafka()];
    const step = disturb(database, kafka, chance);
    kafka.isUnclear = () => chance() < 0.1;
    database.isSaving = () => chance() < 0.3;
    for (let leader = 1; leader <= 4; leader += 1) {
      const end = new AbortController();
      let left = 50;
      database.before = () => {
        step();
        if ((left -= 1) === 0) end.abort(new Error('killed'));
      };
      await leadFor(database, kafka, end);
    }
    const end = new AbortController();
    const leading = leadFor(database, kafka, end);
    await settle(database, kafka);
    end.abort(new Error('settled'));
    await leading;
    expect(firsts(kafka.log)).toEqual(written(database));
    expect(contiguousPerChallenge(kafka.log)).toEqual([]);
  });
});
