import { EVENTS, type ChallengeId, type EventId, type UserId } from '@tradesense/contracts';
import { append, lockAggregates, transactionOf, type OutboxRow } from '@tradesense/outbox';
import type { DataSource } from 'typeorm';

const LOCK = 'select id, user_id, epoch, sequence from account where id = $1 for no key update';
type Account = { id: ChallengeId; user_id: UserId; epoch: string; sequence: number };

export const book = (dataSource: DataSource, id: ChallengeId, event: { id: EventId; type: string; fields: object }) =>
  dataSource.transaction(async (manager) => {
    const transaction = transactionOf(manager);
    const { locked, rows } = await lockAggregates<Account>(transaction, LOCK, [id]); // first, and alone in its statement
    const { user_id, ...last } = rows[0]!;
    const [stream] = await transaction.query<{ epoch: string }>('select epoch from stream');
    const epoch = Number(stream!.epoch); // when it is raised, sequences begin again
    const sequence = epoch > Number(last.epoch) ? 1 : last.sequence + 1;
    const payload = JSON.stringify({ ...event.fields, challenge_id: id, user_id, event_id: event.id, epoch, sequence });
    const facts = { id: event.id, type: event.type, userId: user_id, traceparent: null };
    const row: OutboxRow = { aggregateType: EVENTS, aggregateId: id, epoch, sequence, payload, ...facts };
    await append(transaction, locked, [row]);
    await transaction.query('update account set epoch = $2, sequence = $3 where id = $1', [id, epoch, sequence]);
  });
