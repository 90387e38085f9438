import { EVENTS } from '@tradesense/contracts';
import type { StoredRow } from '@tradesense/outbox';

import type { Statement } from '../../services/relay/src/database/index.js';
import type { Numbered } from './invariants.js';

/** A row as the model knows it. Within one epoch. */
export interface ModelRow extends Numbered {
  readonly position: bigint;
}

/**
 * What PostgreSQL shows of an outbox, without one: positions are drawn before the commit, the sequence's lock is held to the end of the
 * transaction that drew, and a challenge's row lock is taken before. Statements that run at different moments see different rows.
 */
export class OutboxModel {
  readonly #transactions: ModelTransaction[] = [];
  #lastPosition = 0n;

  begin(): ModelTransaction {
    const transaction = new ModelTransaction(this, `3/${this.#transactions.length + 1}`);
    this.#transactions.push(transaction);
    return transaction;
  }

  /** Committed by now, in order of position. */
  get rows(): readonly ModelRow[] {
    return this.#transactions
      .flatMap(({ is, rows }) => (is === 'committed' ? rows : []))
      .sort((a, b) => Number(a.position - b.position));
  }

  /** What a reading statement of the relay (`new-rows`, `late-and-new-rows`) is answered at this moment. */
  answer({ values = [] }: Statement, read_at: string, facts: Partial<StoredRow> = {}): readonly object[] {
    const [above, limit, los = [], his = []] = values as [bigint, number, bigint[]?, bigint[]?];
    const isLate = ({ position }: ModelRow) => los.some((lo, index) => lo <= position && position <= his[index]!);
    const late = this.rows.filter(isLate).slice(0, limit);
    const fresh = this.rows.filter(({ position }) => position > above).slice(0, limit);
    const rows = [...late, ...fresh].map((row) => ({ read_at: null, ...storedRow(row), ...facts }));
    return [{ read_at, position: null }, ...rows];
  }

  /** As no writer would: by hand. */
  remove(position: bigint): void {
    for (const { rows } of this.#transactions) {
      const at = rows.findIndex((row) => row.position === position);
      if (at >= 0) rows.splice(at, 1);
    }
  }

  /** Who holds the sequence's lock. */
  get holders(): ReadonlySet<string> {
    return new Set(this.open.filter(({ rows }) => rows.length > 0).map(({ id }) => id));
  }

  get open(): readonly ModelTransaction[] {
    return this.#transactions.filter(({ is }) => is === 'open');
  }

  draw(): bigint {
    return (this.#lastPosition += 1n);
  }

  isLockedAgainst(challengeId: string, transaction: ModelTransaction): boolean {
    return this.open.some(
      (other) => other !== transaction && other.rows.some(({ challenge_id }) => challenge_id === challengeId),
    );
  }

  nextSequence(challengeId: string, transaction: ModelTransaction): number {
    return [...this.rows, ...transaction.rows].filter(({ challenge_id }) => challenge_id === challengeId).length + 1;
  }
}

export class ModelTransaction {
  is: 'open' | 'committed' | 'rolled back' = 'open';
  readonly rows: ModelRow[] = [];

  constructor(
    private readonly model: OutboxModel,
    /** Of virtual transactions. */
    readonly id: string,
  ) {}

  /** Appends a row; where PostgreSQL would make it wait for the challenge's lock it does nothing. */
  append(challengeId: string): this {
    if (this.is !== 'open' || this.model.isLockedAgainst(challengeId, this)) return this;
    const sequence = this.model.nextSequence(challengeId, this);
    this.rows.push({ position: this.model.draw(), challenge_id: challengeId, epoch: 1, sequence });
    return this;
  }

  commit(): void {
    if (this.is === 'open') this.is = 'committed';
  }

  rollBack(): void {
    if (this.is === 'open') this.is = 'rolled back';
  }
}

/** As PostgreSQL would hand it over. */
export const storedRow = ({ position, challenge_id, sequence }: ModelRow): StoredRow => ({
  position: String(position),
  id: `event-${position}`,
  aggregatetype: EVENTS,
  aggregateid: challenge_id,
  type: 'EQUITY_UPDATED',
  epoch: '1',
  sequence: String(sequence),
  user_id: 'trader',
  traceparent: null,
  payload: '{}',
  created_at: `2026-11-25T10:00:00.${String(position).padStart(6, '0')}Z`,
});
