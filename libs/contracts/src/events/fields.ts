import { Type } from 'typebox';

import { UUID_PATTERN } from '../ids.js';

/** Field kinds that all schemas share. */
export const uuid = Type.String({ pattern: UUID_PATTERN });
export const userId = Type.String({ minLength: 1, maxLength: 128 });
/** Account currency, two decimals: "10200.00". */
export const amount = Type.String({ pattern: '^-?\\d{1,12}\\.\\d{2}$' });
/** Percent, two decimals: "4.50". */
export const percent = Type.String({ pattern: '^-?\\d+\\.\\d{2}$' });
/** RFC 3339 in UTC. */
export const instant = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$' });
/** A Kafka offset or outbox position: decimal text, since it may pass 2^53. */
export const offset = Type.String({ pattern: '^\\d+$' });
export const count = Type.Integer({ minimum: 0 });

/** What every event carries besides its own fields. */
export const envelope = {
  event_id: uuid,
  epoch: count,
  sequence: Type.Integer({ minimum: 1 }),
};
