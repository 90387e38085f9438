import { RecordRefused, type Ends, type OutgoingRecord, type Publisher, type TopicRecords } from '@tradesense/kafka';
import { Fault, createLogger } from '@tradesense/platform';

import { DatabaseClock } from '../../../../services/relay/src/database/index.js';
import { Outlet, merged, type Gate } from '../../../../services/relay/src/publishing/index.js';
import type { Row } from '../../../../services/relay/src/reading/index.js';
import { HeldClock } from '../../../support/held-clock.js';
import { relayRow, relayStateRow } from '../../../support/relay-rows.js';

const unclear = () => new Fault('publish-unclear', 'wait', 'no outcome within 10000 ms');
const refused = () => new Fault('record-refused', 'park', 'the broker refused a record: MESSAGE_TOO_LARGE');
const sentPositions = (batches: readonly TopicRecords[]): string[] =>
  batches.flatMap(({ records }) => records.map(({ headers }) => headers['ce_position']!));

/** Writes down what is refused and holds nothing else back. */
class OpenGate implements Gate {
  readonly refusals: string[] = [];
  stopping: Row | undefined;
  stoppedBy = (): Promise<Row | undefined> => Promise.resolve(this.stopping);
  flowing = (given: readonly Row[]): readonly Row[] => given;
  passed = (): void => void (this.stopping = undefined);
  refused(row: Row, reason: string): Promise<void> {
    this.refusals.push(`${row.position}: ${reason}`);
    return this.stopping === undefined ? Promise.resolve() : Promise.reject(stopped());
  }
}
const stopped = () => new Fault('too-many-refusals', 'wait', 'Kafka refused 4 rows within a minute');

/** An outlet whose Kafka answers as `answer` says; one partition. */
function given(
  answer: (positions: readonly string[], batches: readonly TopicRecords[]) => void,
  mustBeTrusted: () => void = () => undefined,
  gate: Gate = new OpenGate(),
) {
  const clock = new HeldClock();
  const sends: string[][] = [];
  const counts: string[] = [];
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) };
  let end = 0n;
  const publisher: Publisher = {
    send: (batches) => {
      const positions = sentPositions(batches);
      sends.push(positions);
      answer(positions, batches);
      end += BigInt(positions.length);
      return Promise.resolve(new Map([['x.challenge-events', new Map([[0, end]])]]));
    },
    close: () => Promise.resolve(),
  };
  const outlet = new Outlet({
    publisher,
    topicPrefix: 'x.',
    gate,
    clock,
    databaseClock: new DatabaseClock(clock),
    metrics: {
      sent: (rows) => void counts.push(`sent ${rows.length}`),
      repeated: (count) => void (count > 0 && counts.push(`repeated ${count}`)),
      notSent: (code) => void counts.push(code),
    },
    log: createLogger({ service: 'x', instance: 'x', level: 'info', destination }),
    mustBeTrusted,
    signal: new AbortController().signal,
  });
  return { outlet, clock, sends, counts, lines };
}
const rows = [1n, 2n, 3n].map((position) => relayRow({ position }));

describe('an outlet to Kafka', () => {
  it('sends a batch at once and says how far the partitions reach', async () => {
    const { outlet, sends } = given(() => undefined);
    expect(await outlet.publish(rows)).toEqual(new Map([['x.challenge-events', new Map([[0, 3n]])]]));
    expect([sends, outlet.outstanding]).toEqual([[['1', '2', '3']], undefined]);
  });

  it('sends nothing for an empty batch', async () => {
    const { outlet, sends } = given(() => undefined);
    expect(await outlet.publish([])).toEqual(new Map());
    expect(sends).toEqual([]);
  });

  it('asks whether the lease is trusted immediately before each send, also row by row', async () => {
    let asked = 0;
    const trusting = () => void (asked += 1);
    const { outlet, sends } = given((positions) => {
      if (positions.length > 1) throw refused();
    }, trusting);
    await outlet.publish(rows);
    expect([asked, sends.length]).toEqual([4, 4]);
  });

  it('sends nothing once the lease is not', async () => {
    const { outlet, sends } = given(
      () => undefined,
      () => {
        throw new Fault('lease-lost', 'wait', 'the lease is not trusted any more');
      },
    );
    await expect(outlet.publish(rows)).rejects.toMatchObject({ code: 'lease-lost' });
    expect(sends).toEqual([]);
  });

  it('tells since when it waits, for which row, and why, until Kafka acknowledges', async () => {
    let isAway = true;
    const { outlet, clock, counts, lines } = given(() => {
      if (isAway) throw unclear();
    });
    await clock.advance(1_000);
    await expect(outlet.publish(rows)).rejects.toMatchObject({ remedy: 'wait' });
    await clock.advance(1_000);
    await expect(outlet.publish(rows)).rejects.toMatchObject({ remedy: 'wait' });
    expect(outlet.outstanding).toMatchObject({ sinceMs: 1_000, fault: 'no outcome within 10000 ms' });
    expect(outlet.outstanding?.oldest.position).toBe(1n);
    isAway = false;
    await outlet.publish(rows);
    expect(outlet.outstanding).toBeUndefined();
    expect(counts).toEqual(['publish-unclear', 'repeated 3', 'publish-unclear', 'repeated 3', 'sent 3']);
    expect(lines).toEqual(['not acknowledged: repeating', 'Kafka acknowledges again']);
  });
});

describe('a row that Kafka refuses for itself', () => {
  const poison = (positions: readonly string[]): void => {
    if (positions.includes('2')) throw refused();
  };

  it('is found by sending row by row, given to the gate, and passed over', async () => {
    const gate = new OpenGate();
    const { outlet, sends, counts } = given(poison, undefined, gate);
    expect(await outlet.publish(rows)).toEqual(new Map([['x.challenge-events', new Map([[0, 2n]])]]));
    expect(sends).toEqual([['1', '2', '3'], ['1'], ['2'], ['3']]);
    expect(gate.refusals).toEqual(['2: the broker refused a record: MESSAGE_TOO_LARGE']);
    expect(counts).toEqual(['sent 1', 'sent 1']);
    expect(outlet.outstanding).toBeUndefined();
  });

  it('keeps those back that the gate holds back because of it', async () => {
    const gate = new OpenGate();
    gate.flowing = (given) => (gate.refusals.length === 0 ? given : []);
    const { outlet, sends } = given(poison, undefined, gate);
    await outlet.publish(rows);
    expect(sends.slice(1)).toEqual([['1'], ['2']]);
  });

  it('is tried before all others, and alone, once it has stopped the gate', async () => {
    const gate = new OpenGate();
    gate.stopping = rows[1]!;
    let isRefused = true;
    const { outlet, sends } = given(
      () => {
        if (isRefused) throw refused();
      },
      undefined,
      gate,
    );
    await expect(outlet.publish(rows)).rejects.toMatchObject({ code: 'too-many-refusals', remedy: 'wait' });
    expect(sends).toEqual([['2']]);
    expect(outlet.outstanding?.fault).toContain('4 rows within a minute');
    isRefused = false;
    await outlet.publish(rows);
    expect([sends.slice(1), gate.stopping]).toEqual([[['2'], ['1', '2', '3']], undefined]);
  });

  it('has only the rows of its partition sent again: the others are stored', async () => {
    let record: OutgoingRecord | undefined;
    const stored = new Map([['x.challenge-events', new Map([[7, 2n]])]]);
    const { outlet, sends } = given((positions, batches) => {
      record ??= batches[0]!.records[1];
      if (positions.length > 1) throw new RecordRefused('MESSAGE_TOO_LARGE', new Set([record!]), stored);
    });
    const ends = await outlet.publish(rows);
    expect(sends).toEqual([['1', '2', '3'], ['2']]);
    expect(ends.get('x.challenge-events')?.get(7)).toBe(2n);
  });

  it('is not blamed for a batch that was only too large as a whole', async () => {
    const { outlet, sends } = given((positions) => {
      if (positions.length > 1) throw refused();
    });
    expect(await outlet.publish(rows)).toEqual(new Map([['x.challenge-events', new Map([[0, 3n]])]]));
    expect(sends.slice(1)).toEqual([['1'], ['2'], ['3']]);
  });

  it('is not blamed when Kafka goes away while it is looked for', async () => {
    const { outlet } = given((positions) => {
      throw positions.length > 1 ? refused() : unclear();
    });
    await expect(outlet.publish(rows)).rejects.toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
  });

  it('does not matter when it is a state that a later one replaces', async () => {
    const { outlet } = given(poison);
    await outlet.publish([relayStateRow({ position: 2n }), relayStateRow({ position: 3n })]);
    expect(outlet.outstanding).toBeUndefined();
  });
});

describe('the ends of several sends', () => {
  it('are the later of each partition', () => {
    const one: Ends = new Map([
      [
        't',
        new Map([
          [0, 5n],
          [1, 9n],
        ]),
      ],
    ]);
    const other: Ends = new Map([
      [
        't',
        new Map([
          [0, 7n],
          [1, 3n],
        ]),
      ],
      ['u', new Map([[0, 1n]])],
    ]);
    expect(merged([one, other])).toEqual(
      new Map([
        [
          't',
          new Map([
            [0, 7n],
            [1, 9n],
          ]),
        ],
        ['u', new Map([[0, 1n]])],
      ]),
    );
  });
});
