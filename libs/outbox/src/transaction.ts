import type { EntityManager } from 'typeorm';

/** An open transaction: all that appending needs to know of a driver. */
export interface Transaction {
  /** False before BEGIN and from COMMIT or ROLLBACK on. */
  readonly isOpen: boolean;
  /** Sends at once; may be called again before it has answered. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

const known = new WeakMap<object, Transaction>();

/**
 * The transaction an EntityManager is in. A manager outside one, such as an injected repository's, writes on another
 * connection and its rows survive the rollback (pitfall P26): its `isOpen` is false, and nothing can be appended.
 */
export function transactionOf(manager: EntityManager): Transaction {
  const runner = manager.queryRunner;
  const before = known.get(runner ?? manager);
  if (before !== undefined) return before;
  const transaction: Transaction = {
    get isOpen() {
      return runner !== undefined && runner.isTransactionActive && !runner.isReleased;
    },
    query: async <Row>(text: string, values?: readonly unknown[]) =>
      (await manager.query(text, values === undefined ? undefined : [...values])) as readonly Row[],
  };
  known.set(runner ?? manager, transaction);
  return transaction;
}
