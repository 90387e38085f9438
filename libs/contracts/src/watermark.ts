import { Type, type Static } from 'typebox';

import { instant, offset } from './events/fields.js';

/**
 * Once a second the leading relay says: everything committed before `as_of` is in Kafka, below `ends` (design 6.5).
 * Both times are the database's clock. `parked`: challenges whose later events wait, or "many".
 */
export const Watermark = Type.Object({
  at: instant,
  as_of: instant,
  floor: offset,
  generation: Type.Integer({ minimum: 0 }),
  parked: Type.Union([Type.Array(Type.String(), { maxItems: 100 }), Type.Literal('many')]),
  ends: Type.Object({ events: Type.Array(offset), state: Type.Array(offset) }),
});
export type Watermark = Static<typeof Watermark>;
