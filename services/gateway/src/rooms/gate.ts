import { compareCursors, type Cursor } from '@tradesense/contracts';

export type Verdict = 'accept' | 'duplicate' | 'gap';

/**
 * What an event is to a room whose last accepted event was `head`. Kafka gives each event at least once and first occurrences
 * in order (design 6.3), so this is all that makes it exactly once:
 *
 *   not beyond head  duplicate: the relay repeated itself, or a zombie did
 *   head + 1         accept
 *   anything else    gap: events are missing, or history was rewound and began a new epoch
 *
 * The first event ever seen is accepted whatever its number: what was before it is not missing, it is unknown.
 */
export function gate(head: Cursor | undefined, event: Cursor): Verdict {
  if (head === undefined) return 'accept';
  if (compareCursors(event, head) <= 0) return 'duplicate';
  return event.epoch === head.epoch && event.sequence === head.sequence + 1 ? 'accept' : 'gap';
}
