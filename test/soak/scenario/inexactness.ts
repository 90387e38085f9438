import type { Client } from '../../support/client.js';

/** What breaks this: since sequence 0, each event once and in order, and each join recovered. */
export function inexactness({
  handled,
  joins,
  snapshots,
  duplicates,
  gaps,
  bridged,
  foreign,
}: Client): readonly string[] {
  const wrong = handled.findIndex(({ sequence }, index) => sequence !== index + 1);
  const { length: notRecovered } = joins.filter(({ recovered }) => !recovered);
  const faults = {
    [`event ${wrong + 1} is missing`]: wrong === -1 ? 0 : 1,
    'joins that were not recovered': notRecovered,
    snapshots: snapshots.length,
    duplicates: duplicates.length,
    gaps: gaps.length,
    'bridged events': bridged,
    "events of another's challenge": foreign,
  };
  return Object.entries(faults).flatMap(([what, count]) => (count === 0 ? [] : [`${what}: ${count}`]));
}
