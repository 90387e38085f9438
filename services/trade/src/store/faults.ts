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

/** More requests wait for a connection than can be served in time. */
export class Overloaded extends Fault {
  constructor(cause?: unknown) {
    super('overloaded', 'wait', 'too many requests wait for the database', { cause });
  }
}

interface ServerError {
  readonly code?: unknown;
  readonly severity?: unknown;
}

const CONTENDED = ['40001', '40P01', '55P03'];
/** Classes: connection, resources, operator's hand, system; and: read-only, cancelled, timed out in a transaction. */
const AWAY = /^(08|53|57|58)|^(25006|25P03|25P04)$/;

const isSqlState = (code: unknown): code is string => typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);

/** Refused by the server in words, and the session goes on: what was asked has not happened. */
export const isAnswer = (error: unknown): boolean => {
  const { code, severity } = error as ServerError;
  return isSqlState(code) && severity !== 'FATAL' && severity !== 'PANIC';
};

/** What a driver's error means for whoever waits for the answer. Total: what is not known is returned as it is. */
export function meaningOf(error: unknown, outcome: DatabaseUnavailable['outcome'] = 'not_applied'): unknown {
  if (error instanceof Fault) return error;
  const { code } = error as ServerError;
  if (!isSqlState(code)) return isDriverError(error) ? new DatabaseUnavailable(outcome, error) : error;
  if (CONTENDED.includes(code)) return new Contended(error);
  return AWAY.test(code) ? new DatabaseUnavailable(outcome, error) : error;
}

/** A socket's error has a code such as ECONNRESET; the driver's own have none, and are plain errors. A bug's are not. */
const isDriverError = (error: unknown): boolean =>
  error instanceof Error &&
  !(error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError);
