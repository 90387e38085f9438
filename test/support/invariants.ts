/**
 * What must hold of every history of events, whoever recorded it: a socket, a topic, a page. Each answers with the breaches in
 * words, so that `expect(handledOnce(history)).toEqual([])` shows what went wrong; an empty list means it holds.
 */
export interface Numbered {
  readonly challenge_id: string;
  readonly epoch: number;
  readonly sequence: number;
}

const name = ({ challenge_id, epoch, sequence }: Numbered): string => `${challenge_id} ${epoch}/${sequence}`;

function byChallenge<Item extends Numbered>(history: readonly Item[]): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of history) {
    const group = groups.get(item.challenge_id);
    if (group === undefined) groups.set(item.challenge_id, [item]);
    else group.push(item);
  }
  return groups;
}

/** The first occurrence of each event, in the order of the history: what a consumer that drops what it has would see. */
export function firstOccurrences<Item extends Numbered>(history: readonly Item[]): readonly Item[] {
  const seen = new Set<string>();
  return history.filter((item) => {
    const known = seen.has(name(item));
    seen.add(name(item));
    return !known;
  });
}

/** No event occurs twice. */
export function handledOnce(history: readonly Numbered[]): readonly string[] {
  const once = new Set(firstOccurrences(history));
  return history.filter((item) => !once.has(item)).map((item) => `twice: ${name(item)}`);
}

/**
 * Of each challenge first occurrences come in sequence: from + 1, from + 2, … without a hole, in this order. Within one epoch.
 * @param from the sequence before the first one expected
 */
export function contiguousPerChallenge(history: readonly Numbered[], from = 0): readonly string[] {
  const breaches: string[] = [];
  for (const items of byChallenge(firstOccurrences(history)).values()) {
    let expected = from + 1;
    for (const item of items) {
      if (item.sequence !== expected) breaches.push(`${name(item)} where ${expected} was due`);
      expected = item.sequence + 1;
    }
  }
  return breaches;
}

/** Of each challenge first occurrences ascend by (epoch, sequence); holes may be. */
export function ascendingPerChallenge(history: readonly Numbered[]): readonly string[] {
  const breaches: string[] = [];
  for (const items of byChallenge(firstOccurrences(history)).values())
    for (const [index, item] of items.entries()) {
      const before = items[index - 1];
      if (before === undefined) continue;
      const step = item.epoch - before.epoch || item.sequence - before.sequence;
      if (step < 0) breaches.push(`${name(item)} after ${name(before)}`);
    }
  return breaches;
}

/**
 * Both histories hold the same set of events. Counts would not do: a loss beside a duplicate leaves them equal (pitfall X8).
 * @param expected what was accepted; @param actual what arrived
 */
export function sameSet(expected: readonly Numbered[], actual: readonly Numbered[]): readonly string[] {
  const arrived = new Set(actual.map(name));
  const accepted = new Set(expected.map(name));
  return [
    ...[...accepted].filter((item) => !arrived.has(item)).map((item) => `lost: ${item}`),
    ...[...arrived].filter((item) => !accepted.has(item)).map((item) => `from nowhere: ${item}`),
  ];
}
