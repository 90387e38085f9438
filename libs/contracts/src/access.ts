import { Type, type Static } from 'typebox';

import { instant } from './events/fields.js';
import { USER_ID_MAX_LENGTH, isChallengeId } from './ids.js';

/** Who or what may be shut out: a user, a challenge's room, one token by its `jti`. */
export const ACCESS_KINDS = ['user', 'challenge', 'token'] as const;
export type AccessKind = (typeof ACCESS_KINDS)[number];
export interface AccessTarget {
  readonly kind: AccessKind;
  readonly id: string;
}

const TOKEN_ID_MAX_LENGTH = 256;
export const ACCESS_REASON_MAX_LENGTH = 500;

/** The key of its record in the access topic (design 8.5); a record without a value takes the block back. */
export const accessKeyOf = ({ kind, id }: AccessTarget): string => `${kind}:${id}`;

/** Undefined where the key names nobody. */
export function readAccessKey(key: string): AccessTarget | undefined {
  const kind = ACCESS_KINDS.find((one) => key.startsWith(`${one}:`));
  if (kind === undefined) return undefined;
  const id = key.slice(kind.length + 1);
  return isAccessId(kind, id) ? { kind, id } : undefined;
}

export function isAccessId(kind: AccessKind, id: unknown): id is string {
  if (kind === 'challenge') return isChallengeId(id);
  const longest = kind === 'user' ? USER_ID_MAX_LENGTH : TOKEN_ID_MAX_LENGTH;
  return typeof id === 'string' && id !== '' && id.length <= longest && !/[\p{Cc}\p{Cs}]/u.test(id); // no half of a surrogate pair
}

/**
 * Shuts out until `expires`; with `not_before` only those whose token was issued before then (by its `iat`, in whole seconds: a
 * token of the same second counts as earlier).
 */
export const AccessBlock = Type.Object({
  not_before: Type.Optional(instant),
  expires: instant,
  reason: Type.String({ minLength: 1, maxLength: ACCESS_REASON_MAX_LENGTH }),
  /** The operator. */
  by: Type.String({ minLength: 1, maxLength: 128 }),
});
export type AccessBlock = Static<typeof AccessBlock>;
