import { LogCheck, type Repeat, type Stored, type Told } from '../../support/log-check.js';

const told = (sequence: number, challenge_id = 'a', epoch = 1): Told => ({
  challenge_id,
  epoch,
  sequence,
  event_id: `${challenge_id}-${epoch}-${sequence}`,
  payload: `{"equity":"${sequence}.00"}`,
});
const stored = (event: Told, partition = 0, storedAtMs = event.sequence): Stored => ({
  ...event,
  payload: Buffer.from(event.payload),
  partition,
  storedAtMs,
});

const OUTBOX = [told(1), told(1, 'b'), told(2), told(2, 'b'), told(3), told(1, 'a', 2), told(2, 'a', 2)];
const A1 = told(1);
const A2 = told(2);
const A3 = told(3);

function checked(outbox: readonly Told[], log: readonly Stored[]) {
  const repeats: Repeat[] = [];
  const check = new LogCheck((repeat) => repeats.push(repeat));
  for (const event of outbox) check.committed(event);
  for (const record of log) check.stored(record);
  return { ...check.verdict(), told: repeats };
}
const breaches = (log: readonly Stored[], outbox: readonly Told[] = [A1, A2, A3]): readonly string[] =>
  checked(outbox, log).breaches;

describe('the checker of topic and outbox', () => {
  it('is content with the same events in order, of several challenges and epochs', () => {
    const log = OUTBOX.map((event) => stored(event, event.challenge_id === 'a' ? 0 : 1));
    expect(checked(OUTBOX, log)).toMatchObject({ committed: 7, stored: 7, repeats: 0, breaches: [] });
    const otherwiseInterleaved = [...log.filter(({ partition }) => partition === 1), ...log];
    expect(checked(OUTBOX, otherwiseInterleaved)).toMatchObject({ stored: 9, repeats: 2, breaches: [] });
  });

  it('names an event that is missing, beside a repeat that leaves the count right (X8)', () => {
    expect(breaches([stored(A1), stored(A3), stored(A3)])).toEqual(['lost: a 1/2']);
    expect(breaches([])).toEqual(['lost: a 1/1', 'lost: a 1/2', 'lost: a 1/3']);
  });

  it('names an event whose first occurrence comes after a later one', () => {
    expect(breaches([stored(A1), stored(A3), stored(A2)])).toEqual(['out of order: a 1/2 after a 1/3']);
    const epochs = [told(1), told(1, 'a', 2)];
    expect(breaches([stored(epochs[1]!), stored(epochs[0]!)], epochs)).toEqual(['out of order: a 1/1 after a 2/1']);
  });

  it('names a record that the outbox knows nothing of', () => {
    const log = [stored(A1), stored(A2), stored(A3)];
    expect(breaches([...log, stored(told(4))])).toEqual(['from nowhere: a 1/4']);
    expect(breaches([...log, stored(told(1, 'b'))])).toEqual(['from nowhere: b 1/1']);
    expect(breaches([...log, stored(told(1, 'a', 2))])).toEqual(['from nowhere: a 2/1']);
  });

  it('counts a record that comes again, and tells when', () => {
    const log = [stored(A1, 0, 10), stored(A2, 0, 20), stored(A1, 0, 30), stored(A2, 0, 40), stored(A3, 0, 50)];
    expect(checked([A1, A2, A3], log)).toMatchObject({
      repeats: 2,
      breaches: [],
      told: [
        { event: 'a 1/1', beforeMs: 10, againMs: 30 },
        { event: 'a 1/2', beforeMs: 20, againMs: 40 },
      ],
    });
  });

  it('names a record with other bytes or another id, also where it comes again', () => {
    const altered = { ...stored(A2), payload: Buffer.from('{"equity":"2.0"}') };
    const renamed = { ...stored(A2), event_id: 'another' };
    expect(breaches([stored(A1), altered, stored(A3)])).toEqual(['other bytes than committed: a 1/2']);
    expect(breaches([stored(A1), renamed, stored(A3)])).toEqual(['other bytes than committed: a 1/2']);
    expect(breaches([stored(A1), stored(A2), altered, stored(A3)])).toEqual(['other bytes than committed: a 1/2']);
  });

  it('names a challenge that lies in two partitions, where no order holds', () => {
    expect(breaches([stored(A1), stored(A2, 5), stored(A3)])).toEqual(['in two partitions: a 1/2 in 5, before in 0']);
  });

  it('names an outbox that is itself out of sequence', () => {
    const all = [A1, A2, A3].map((event) => stored(event));
    expect(breaches(all, [A2, A1, A3])).toContain('the outbox itself is out of sequence: a 1/2 where 1 was due');
    expect(breaches([stored(A1), stored(A3)], [A1, A3])).toEqual([
      'the outbox itself is out of sequence: a 1/3 where 2 was due',
    ]);
  });

  it('shows the first of many, and says how many more', () => {
    const many = Array.from({ length: 25 }, (_, index) => told(index + 1));
    expect(breaches([], many)).toHaveLength(11);
    expect(breaches([], many).at(-1)).toBe('lost: 15 more');
    expect(breaches([], many)).toEqual(breaches([], many)); // asking changes nothing
  });
});
