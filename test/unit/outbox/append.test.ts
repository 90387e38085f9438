import { EVENTS, STATE, type ChallengeId, type EventId, type UserId } from '@tradesense/contracts';
import { append, EVENT_BYTES, lockAggregates, STATE_BYTES, type OutboxRow, type Transaction } from '@tradesense/outbox';

const A = 'aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa' as ChallengeId;
const B = 'bbbbbbbb-bbbb-7bbb-8bbb-bbbbbbbbbbbb' as ChallengeId;
const LOCK = 'select id from challenge where id = $1 for no key update';

/** Answers every statement with the rows it is given. */
class Recorder implements Transaction {
  isOpen = true;
  readonly texts: string[] = [];
  constructor(private readonly rows: readonly { readonly id: string }[] = [{ id: A }]) {}
  async query<Row>(text: string): Promise<readonly Row[]> {
    this.texts.push(text);
    return this.rows as unknown as readonly Row[];
  }
}

const row = (facts: Partial<OutboxRow> = {}): OutboxRow => ({
  id: 'eeeeeeee-eeee-7eee-8eee-eeeeeeeeeeee' as EventId,
  aggregateType: EVENTS,
  aggregateId: A,
  type: 'EQUITY_UPDATED',
  epoch: 1,
  sequence: 1,
  userId: 'u' as UserId,
  traceparent: null,
  payload: '{}',
  ...facts,
});

async function appending(rows: readonly OutboxRow[]): Promise<string> {
  const transaction = new Recorder();
  const { locked } = await lockAggregates(transaction, LOCK, [A]);
  const sentBefore = transaction.texts.length;
  try {
    await append(transaction, locked, rows);
  } catch (error) {
    expect(transaction.texts).toHaveLength(sentBefore); // nothing was sent
    return (error as { code: string }).code;
  }
  expect(transaction.texts).toHaveLength(sentBefore + 1);
  return 'appended';
}
const json = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;

describe('appending', () => {
  it('is one statement for any number of rows', async () => {
    const rows = [row(), row({ sequence: 2 }), row({ sequence: 2, aggregateType: STATE })];
    expect(await appending(rows)).toBe('appended');
  });

  it('demands the lock of each row’s aggregate', async () => {
    expect(await appending([row({ aggregateId: B })])).toBe('outbox-not-locked');
  });

  it('takes no proof of another transaction', async () => {
    const { locked } = await lockAggregates(new Recorder(), LOCK, [A]);
    await expect(append(new Recorder(), locked, [row()])).rejects.toMatchObject({ code: 'outbox-not-locked' });
  });

  it('proves nothing for an aggregate that was not there, or by a statement that locks nothing', async () => {
    const empty = new Recorder([]);
    const { locked } = await lockAggregates(empty, LOCK, [A]);
    await expect(append(empty, locked, [row()])).rejects.toMatchObject({ code: 'outbox-not-locked' });
    const plain = lockAggregates(new Recorder(), 'select id from challenge where id = $1', [A]);
    await expect(plain).rejects.toMatchObject({ code: 'outbox-not-a-lock' });
  });

  it('is refused outside a transaction', async () => {
    const transaction = new Recorder();
    const { locked } = await lockAggregates(transaction, LOCK, [A]);
    transaction.isOpen = false;
    await expect(append(transaction, locked, [row()])).rejects.toMatchObject({ code: 'outbox-outside-transaction' });
    await expect(lockAggregates(transaction, LOCK, [A])).rejects.toMatchObject({ code: 'outbox-outside-transaction' });
  });

  it.each([
    ['an event of 16 KiB', row({ payload: json(EVENT_BYTES) }), 'appended'],
    ['an event beyond', row({ payload: json(EVENT_BYTES + 1) }), 'outbox-row-too-large'],
    ['a state of 48 KiB', row({ aggregateType: STATE, payload: json(STATE_BYTES) }), 'appended'],
    ['a state beyond', row({ aggregateType: STATE, payload: json(STATE_BYTES + 1) }), 'outbox-row-too-large'],
    [
      'an event whose characters fit and bytes do not',
      row({ payload: `"${'é'.repeat(EVENT_BYTES / 2)}"` }),
      'outbox-row-too-large',
    ],
    ['NUL as an escape', row({ payload: '{"a":["\\u0000"]}' }), 'outbox-text-refused'],
    ['half a pair as an escape', row({ payload: '{"\\uD800":1}' }), 'outbox-text-refused'],
    ['half a pair', row({ payload: '"\ud800"' }), 'outbox-text-refused'],
    ['a whole pair as escapes', row({ payload: '"\\ud83d\\ude00"' }), 'appended'],
    ['an escaped backslash before u0000', row({ payload: '"\\\\u0000"' }), 'appended'],
    ['NUL in a user', row({ userId: 'a\0' as UserId }), 'outbox-text-refused'],
  ])('of %s', async (_, given, outcome) => {
    expect(await appending([given])).toBe(outcome);
  });

  it('keeps events in order of sequence', async () => {
    expect(await appending([row({ sequence: 2 }), row({ sequence: 1 })])).toBe('outbox-out-of-order');
    expect(await appending([row(), row()])).toBe('outbox-out-of-order');
  });
});
