/**
 * The right to publish, bounded in time (design 6.1). PostgreSQL alone is authoritative: the row `relay` names the owner, its
 * generation and `lease_until` by the database's clock, and one guarded UPDATE takes, extends or saves. What a process believes
 * about itself is only ever more careful than that row:
 *
 *   vacant ── take touched the row ──▶ held ── an update touched no row, or trust ran out ──▶ lost
 *                                       └───── handed over ──▶ released
 *
 * Trust is counted on the monotonic clock from when the UPDATE was *sent*, less a margin: PostgreSQL counts from when it ran,
 * which is later, so a slow answer can't stretch it, and a step of the wall clock can't either. A process that was stopped
 * (SIGSTOP, a long collection, a suspended host) finds its trust gone before it sends anything more; and if it sends all the
 * same, it can only repeat rows, and its saves touch nothing, since the generation has moved on (pitfall P21).
 *
 * An update that fails leaves the state alone: nobody knows whether it ran, and the old trust still holds. lost and released are
 * ends: whoever wants to lead again starts with a new lease.
 */
export type Lease =
  | { readonly is: 'vacant' }
  | { readonly is: 'held'; readonly generation: bigint; readonly trustedUntilMs: number }
  | { readonly is: 'lost'; readonly why: 'taken' | 'expired' }
  | { readonly is: 'released' };
export type Held = Extract<Lease, { is: 'held' }>;

/** A tenth is not trusted: 1 s of the usual 10. */
const trustedMs = (leaseMs: number): number => leaseMs - leaseMs / 10;

export const taken = (generation: bigint, sentAtMs: number, leaseMs: number): Held => ({
  is: 'held',
  generation,
  trustedUntilMs: sentAtMs + trustedMs(leaseMs),
});

/** After an update sent at `sentAtMs` that touched the row, or none. */
export const afterExtend = (held: Held, touched: boolean, sentAtMs: number, leaseMs: number): Lease =>
  touched ? { ...held, trustedUntilMs: sentAtMs + trustedMs(leaseMs) } : { is: 'lost', why: 'taken' };

export const isTrusted = (lease: Lease, nowMs: number): lease is Held =>
  lease.is === 'held' && nowMs < lease.trustedUntilMs;

/**
 * How long a standby sleeps before it asks again: until the end it read, at most a third of the lease, since a clean stop ends a
 * lease early; then at short steps.
 */
export const standbyMs = (remainingMs: number, leaseMs: number): number =>
  Math.min(remainingMs > 0 ? remainingMs : 250, leaseMs / 3);
