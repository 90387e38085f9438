/** Identifiers are branded: a ChallengeId is not a UserId, although both are strings on the wire. */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

export type ChallengeId = Branded<string, 'ChallengeId'>;
export type TradeId = Branded<string, 'TradeId'>;
export type EventId = Branded<string, 'EventId'>;
export type UserId = Branded<string, 'UserId'>;

/** Canonical form only: lower case, hyphenated. Upper case is another spelling of the same key and would be another room. */
export const UUID_PATTERN = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
export const USER_ID_MAX_LENGTH = 128;

const uuid = new RegExp(UUID_PATTERN);
export const isUuid = (value: unknown): value is string => typeof value === 'string' && uuid.test(value);
export const isChallengeId = (value: unknown): value is ChallengeId => isUuid(value);
