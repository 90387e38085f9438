/**
 * How far reading has come, as data and three steps: the reasoning of the relay's correctness, without a database.
 *
 * A position is drawn before its transaction commits, so a row may become visible below one that was read long ago. Who reads
 * `position > last` loses it for ever and sees no error (pitfall P1). What is authoritative: `nextval` takes a lock on the
 * sequence that is kept until the top transaction ends, and is given up only when the row is visible. So the transactions that
 * hold this lock are exactly those that may still fill a position missing below one we saw: a hole.
 *
 *   new ── look: somebody holds the lock ──▶ open ── look: none of them does any more ──▶ ended ── one more read ──▶ given up
 *    └──── look: nobody holds it ───────────────────────────────────────────────────────▲
 *   In any state a read that finds the row takes its position out of the hole: the row came late, and is published late.
 *
 * R1 The order is rows, then holders, then rows again, each a statement with a snapshot of its own. Holders asked before the
 *    rows, or in the same statement, miss the writer that commits in between; without the second read a row that was committed
 *    between the first read and the look is lost (pitfall P2).
 * R2 Rows of holes and new rows come from one snapshot and are published in order of position. Writers lock the challenge before
 *    they draw a position, so this is the order of sequence of each challenge (pitfall P6).
 * R3 Holders are compared by virtual transaction id. A backend that holds the lock again, for its next transaction, is another
 *    holder; a prepared transaction has no backend at all (pitfall P3).
 * R4 The set of holders is that of the first look. Whoever takes the lock later drew a later position, since the sequence's
 *    CACHE is 1 (pitfall P4), and must not keep the hole open.
 * R5 `floor` is below the oldest hole that is left, so that whoever starts from a floor meets every hole again. Holders are
 *    worth nothing on another connection: a prepared transaction has another id after the server's restart.
 * R6 A read that was cut gives up nothing behind the last row taken: it did not look there.
 *
 * Deliberately not done: `last_value` is never a limit (it runs ahead of writers that still hold rows), xmin horizons neither
 * (drawing a position assigns no transaction id), and holes are not saved.
 */
export interface Range {
  readonly lo: bigint;
  readonly hi: bigint;
}

/** A range, so that a hole costs the same whether one number is missing or a million. */
export type Hole = Range & {
  /** The database's time at the read that saw it first. */
  readonly seenAt: string;
} & (
    { readonly is: 'new' } | { readonly is: 'open'; readonly holders: ReadonlySet<string> } | { readonly is: 'ended' }
  );

export interface Progress {
  /** The highest position read. */
  readonly position: bigint;
  /** Below it, ascending, never touching. */
  readonly holes: readonly Hole[];
}

export interface Found {
  /** Of the rows taken, ascending: those in holes and those beyond the position, from one snapshot (R2). */
  readonly positions: readonly bigint[];
  /** Whether rows may be left behind the last one taken (R6). */
  readonly wasCut: boolean;
  /** The database's time when the read began. */
  readonly at: string;
}

export interface AfterRead {
  readonly progress: Progress;
  /** Rows that filled a hole. */
  readonly late: number;
  /** Positions that no row will ever have. */
  readonly givenUp: bigint;
}

export const startAt = (floor: bigint): Progress => ({ position: floor, holes: [] });

export const floorOf = ({ position, holes }: Progress): bigint =>
  holes[0] === undefined ? position : holes[0].lo - 1n;

/** Late rows leave their holes, ended holes that stayed empty are given up, and what is missing among the new rows is a new hole. */
export function afterRead({ position, holes }: Progress, { positions, wasCut, at }: Found): AfterRead {
  const firstNew = positions.findIndex((found) => found > position);
  const late = firstNew === -1 ? positions : positions.slice(0, firstNew);
  const fresh = firstNew === -1 ? [] : positions.slice(firstNew);
  const lookedUpTo = wasCut ? (positions.at(-1) ?? position) : undefined;

  const left: Hole[] = [];
  let givenUp = 0n;
  let next = 0;
  for (const hole of holes) {
    const from = next;
    while (next < late.length && late[next]! <= hole.hi) next += 1;
    for (const part of without(hole, late.slice(from, next))) {
      if (part.is === 'ended' && (lookedUpTo === undefined || part.hi <= lookedUpTo)) givenUp += part.hi - part.lo + 1n;
      else left.push(part);
    }
  }
  const last = fresh.at(-1) ?? position;
  const missing = without({ is: 'new', lo: position + 1n, hi: last, seenAt: at }, fresh);
  return { progress: { position: last, holes: [...left, ...missing] }, late: late.length, givenUp };
}

/** After a look at who holds the sequence's lock. The look must have begun after the read that saw the holes had ended (R1). */
export function afterLook({ position, holes }: Progress, holders: ReadonlySet<string>): Progress {
  return { position, holes: holes.map((hole) => judged(hole, holders)) };
}

function judged(hole: Hole, holders: ReadonlySet<string>): Hole {
  if (hole.is === 'ended') return hole;
  const { lo, hi, seenAt } = hole;
  const mayFill = hole.is === 'new' ? holders : new Set([...hole.holders].filter((holder) => holders.has(holder)));
  return mayFill.size === 0 ? { is: 'ended', lo, hi, seenAt } : { is: 'open', lo, hi, seenAt, holders: mayFill };
}

/** What is left of a hole without these positions, which lie in it and ascend. */
function without(hole: Hole, positions: readonly bigint[]): readonly Hole[] {
  if (positions.length === 0) return hole.lo <= hole.hi ? [hole] : [];
  const parts: Hole[] = [];
  let lo = hole.lo;
  for (const position of positions) {
    if (lo < position) parts.push({ ...hole, lo, hi: position - 1n });
    lo = position + 1n;
  }
  if (lo <= hole.hi) parts.push({ ...hole, lo });
  return parts;
}
