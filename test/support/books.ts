import type pg from 'pg';

import { contiguousPerChallenge, handledOnce, type Numbered } from './invariants.js';

interface Book {
  readonly id: string;
  readonly sequence: number;
  readonly equity: string;
  readonly expected: string;
  readonly told: number;
  readonly trades: number;
  readonly numbers: readonly number[];
  readonly without_event: number;
}

/** What each challenge says of itself, beside what its trades and events say. */
const BOOKS = `
  select id, sequence::int, current_equity::text as equity, (initial_balance + coalesce(sum, 0))::text as expected, total_trades as told,
         coalesce(count, 0) as trades, coalesce(numbers, '{}') as numbers, coalesce(without_event, 0) as without_event
    from challenge
         left join (select challenge_id, sum(realized_pnl), count(*)::int, array_agg(number order by number) as numbers,
                           count(*) filter (where position is null)::int as without_event
                      from trade
                           left join outbox on aggregateid = challenge_id::text and type = 'EQUITY_UPDATED'
                                and outbox.sequence = trade.sequence
                     group by challenge_id) traded on challenge_id = id
   where id = any($1)`;

const EVENTS = `
  select aggregateid as challenge_id, epoch::int, sequence::int
    from outbox where aggregateid = any($1) and aggregatetype = 'challenge-events' order by position`;

/**
 * Breaches, in words, of what holds of challenges that are judged by their trades, whatever happened to those who posted them:
 * sequences 1..N in the order of positions, each once; one event for each trade; equity is where it began and all results.
 */
export async function unbalanced(database: pg.Client, challengeIds: readonly string[]): Promise<readonly string[]> {
  const { rows: books } = await database.query<Book>(BOOKS, [challengeIds]);
  const { rows: events } = await database.query<Numbered>(EVENTS, [challengeIds]);
  const last = new Map(events.map(({ challenge_id, sequence }) => [challenge_id, sequence]));
  return [
    ...challengeIds.filter((id) => !books.some((book) => book.id === id)).map((id) => `${id} is not there`),
    ...contiguousPerChallenge(events),
    ...handledOnce(events),
    ...books.flatMap(({ id, sequence, equity, expected, told, trades, numbers, without_event }) => [
      ...(equity === expected ? [] : [`${id} has ${equity} where its trades make ${expected}`]),
      ...(sequence === (last.get(id) ?? 0) ? [] : [`${id} is at ${sequence}, its last event at ${last.get(id)}`]),
      ...(told === trades ? [] : [`${id} counts ${told} trades and has ${trades}`]),
      ...(numbers.every((number, index) => number === index + 1) ? [] : [`${id} numbers its trades ${numbers.join()}`]),
      ...(without_event === 0 ? [] : [`${id} has ${without_event} trades without an event`]),
    ]),
  ];
}
