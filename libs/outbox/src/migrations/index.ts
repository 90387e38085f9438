import { Outbox1700000000001 } from './1700000000001-outbox.js';
import { Failures1700000000003 } from './1700000000003-failures.js';
import { Ranges1700000000004 } from './1700000000004-ranges.js';

export { RANGE_ROWS } from './1700000000001-outbox.js';

/** The outbox and the relay's tables, in order. */
export const outboxMigrations = [Outbox1700000000001, Failures1700000000003, Ranges1700000000004] as const;
