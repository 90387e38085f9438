import { Fault } from '@tradesense/platform';

/** PostgreSQL can not be asked, or did not answer. `unknown`: COMMIT was sent, and what became of it was not heard (P12). */
export class DatabaseUnavailable extends Fault {
  constructor(
    readonly outcome: 'not_applied' | 'unknown',
    cause: unknown,
  ) {
    super('database-unavailable', 'wait', 'the database did not answer', { cause });
  }
}

/** Others were in the way: a deadlock, a lock held too long. The whole transaction may be tried again. */
export class Contended extends Fault {
  constructor(cause: unknown) {
    super('contended', 'wait', 'the transaction ran into another', { cause });
  }
}

/** More requests wait for a connection, or for one challenge, than can be served in time. */
export class Overloaded extends Fault {
  constructor(cause?: unknown) {
    super('overloaded', 'wait', 'too many requests wait for the database', { cause });
  }
}

const CONTENDED = ['40001', '40P01', '55P03'];
/** Classes: connection, resources, operator's hand, system; and: read-only, timed out in a transaction. */
const AWAY = /^(08|53|57|58)|^(25006|25P03|25P04)$/;

/**
 * What a rejection of the driver means. Without a severity it is not PostgreSQL's but the connection's or a time-out's (the
 * EPIPE of a socket that was closed has five letters, as an SQLSTATE has), and a FATAL error takes the session along. A plain
 * refusal (22*, 23*, 42*) is returned as it is: nobody expected it.
 */
export function faultOfDriver(error: unknown): unknown {
  const { code, severity } = error as { readonly code?: unknown; readonly severity?: unknown };
  if (typeof code !== 'string' || typeof severity !== 'string' || severity === 'FATAL' || severity === 'PANIC')
    return new DatabaseUnavailable('not_applied', error);
  if (CONTENDED.includes(code)) return new Contended(error);
  return AWAY.test(code) ? new DatabaseUnavailable('not_applied', error) : error;
}
