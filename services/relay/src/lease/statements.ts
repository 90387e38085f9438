import type { Statement } from '../database/index.js';

// clock_timestamp() throughout: now() stands still inside a transaction, and the client's clock is nobody's business (pitfall P21).
const RELAY = 'outbox';
/** The last position drawn by anybody: how much waits is told without a statement of its own. */
const DRAWN = `(select last_value from outbox_position)::text as drawn`;

/** By whoever finds the lease run out, or its own: a process that lost its connection need not wait for itself. */
export const takeLease = (owner: string, leaseMs: number): Statement => ({
  name: 'take-lease',
  text: `
    update relay
    set owner = $2, generation = generation + 1, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
    where name = $1 and (lease_until < clock_timestamp() or owner = $2)
    returning generation, floor, ${DRAWN}`,
  values: [RELAY, owner, leaseMs],
});
export interface DrawnRow {
  readonly drawn: string;
}
export interface TakenRow extends DrawnRow {
  readonly generation: string;
  readonly floor: string;
}

export const readLease: Statement = {
  name: 'read-lease',
  text: `
    select
      case when lease_until > clock_timestamp() then extract(epoch from lease_until - clock_timestamp()) * 1000 else 0 end::float8
        as remaining_ms,
      owner
    from relay
    where name = $1`,
  values: [RELAY],
};
export interface LeaseRow {
  readonly remaining_ms: number;
  readonly owner: string | null;
}

/** Who leads, as a condition of whatever only the leader may write. */
export interface Leader {
  readonly owner: string;
  readonly generation: bigint;
}

/** @param owner @param generation the numbers of the statement's parameters */
export const isLeader = (owner: number, generation: number): string =>
  `exists (select from relay where name = '${RELAY}' and owner = $${owner} and generation = $${generation}
           and lease_until > clock_timestamp())`;

export interface Mine extends Leader {
  readonly floor: bigint;
}

/** Extends and saves in one: no row, no lease. The floor never falls. */
export const extendLease = ({ owner, generation, floor }: Mine, leaseMs: number): Statement => ({
  name: 'extend-lease',
  text: `
    update relay
    set lease_until = clock_timestamp() + $5 * interval '1 millisecond', floor = greatest(floor, $4)
    where name = $1 and owner = $2 and generation = $3 and lease_until > clock_timestamp()
    returning ${DRAWN}`,
  values: [RELAY, owner, generation, floor, leaseMs],
});

/** Standbys listen to it; who misses it asks again soon enough. */
export const RELEASED = 'tradesense_lease';

/** Saves, and lets the next one in at once: told in the commit itself, since a standby that asked before it would find nothing. */
export const releaseLease = ({ owner, generation, floor }: Mine): Statement => ({
  name: 'release-lease',
  text: `
    with released as (
      update relay
      set lease_until = '-infinity', floor = greatest(floor, $4)
      where name = $1 and owner = $2 and generation = $3 and lease_until > clock_timestamp()
      returning floor)
    select floor, pg_notify('${RELEASED}', '') from released`,
  values: [RELAY, owner, generation, floor],
});
