import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import {
  ChallengeState,
  ChallengeStatusChanged,
  ChallengeUpdated,
  EquityUpdated,
  EventSkipped,
  RiskAlert,
  SOCKET_CODES,
  SOCKET_EVENT,
  type Answer,
  type Bridge,
  type Cursor,
  type JoinChallenge,
  type LeaveChallenge,
  type RefreshToken,
  type Refusal,
  type ServerMessages,
  type SnapshotReason,
} from '@tradesense/contracts';
import { Ajv, type SchemaObject } from 'ajv';

import { SocketDescription } from '../../support/asyncapi.js';

const description = new SocketDescription();
const { messages, schemas } = description;
const schemaOf = (name: string): SchemaObject => description.whole(messages[name]!.payload);

it('the description is AsyncAPI 3.0', () => {
  const file = createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json');
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const isValid = ajv.validate(JSON.parse(readFileSync(file, 'utf8')) as SchemaObject, description.document);
  expect([isValid, ajv.errors]).toEqual([true, null]);
});

it('every reference leads to something', () => {
  const within = (reference: string): unknown =>
    reference
      .slice('#/'.length)
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], description.document);
  const references = [...JSON.stringify(description.document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to!);
  expect(references.length).toBeGreaterThan(50);
  expect(references.filter((reference) => within(reference) === undefined)).toEqual([]);
});

const EVENTS = {
  EQUITY_UPDATED: EquityUpdated,
  CHALLENGE_STATUS_CHANGED: ChallengeStatusChanged,
  RISK_ALERT: RiskAlert,
  CHALLENGE_UPDATED: ChallengeUpdated,
  EVENT_SKIPPED: EventSkipped,
} satisfies Record<keyof typeof SOCKET_EVENT, object>;
const plain = (schema: object): unknown => JSON.parse(JSON.stringify(schema));

it.each(Object.entries(EVENTS))('%s is described as the contract has it', (type, contract) => {
  expect(schemaOf(SOCKET_EVENT[type as keyof typeof EVENTS])).toEqual(plain(contract));
});
it('so is a state', () => expect(description.whole(schemas['ChallengeState']!)).toEqual(plain(ChallengeState)));

/** Each field of a message, and whether it must be there: what the compiler holds against the contract. */
type Fields<Body> = { readonly [Name in keyof Required<Body>]: object extends Pick<Body, Name> ? 'may' : 'must' };
const PLACE = { challenge_id: 'must', epoch: 'must', sequence: 'must' } as const;
const SENT: { readonly [Name in keyof ServerMessages]: Fields<ServerMessages[Name]> } = {
  joined_challenge: { ...PLACE, recovered: 'must', reason: 'may', snapshot: 'may' },
  left_challenge: { challenge_id: 'must' },
  snapshot: { ...PLACE, reason: 'must', state: 'must' },
  freshness: { challenge_id: 'must', state: 'must', as_of: 'must', reason: 'may' },
  access_revoked: { challenge_id: 'may' },
  going_away: { reconnect_in_ms: 'must' },
  token_expired: {},
  replayed: { replay_id: 'must', event: 'must' },
  error: { code: 'must', message: 'must', challenge_id: 'may' },
};
const TAKEN: {
  join_challenge: Fields<JoinChallenge>;
  leave_challenge: Fields<LeaveChallenge>;
  refresh_token: Fields<RefreshToken>;
} = {
  join_challenge: { challenge_id: 'must', cursor: 'may', history: 'may', reconnect_ms: 'may' },
  leave_challenge: { challenge_id: 'must' },
  refresh_token: { token: 'must' },
};
const REFUSAL: Fields<Refusal> = { code: 'must', message: 'must', retry_after_ms: 'may' };
const OTHERS: { Cursor: Fields<Cursor>; Bridge: Fields<Bridge> } = {
  Cursor: { epoch: 'must', sequence: 'must' },
  Bridge: { prev_sequence: 'must' },
};

const fieldsOf = ({ properties = {}, required = [] }: SchemaObject): object =>
  Object.fromEntries(Object.keys(properties as object).map((name) => [name, required.includes(name) ? 'must' : 'may']));

it.each(Object.entries({ ...SENT, ...TAKEN, connect_error: REFUSAL }))('%s has the fields it has', (name, fields) =>
  expect(fieldsOf(schemaOf(name))).toEqual(fields),
);
it.each(Object.entries(OTHERS))('%s has the fields it has', (name, fields) =>
  expect(fieldsOf(schemas[name]!)).toEqual(fields),
);

it('an acknowledgement says yes, or why not', () => {
  const answers: readonly Answer[] = [{ ok: true }, { ok: false, code: 'forbidden', message: 'Access denied' }];
  for (const answer of answers) expect(description.faults('answer', answer)).toEqual([]);
  for (const bad of [{}, { ok: false }, { ok: false, code: 'no_such', message: '' }, { ok: 'yes' }])
    expect(description.faults('answer', bad)).not.toEqual([]);
});

it('these are all messages there are, each way', () => {
  expect(new Set(description.named('send'))).toEqual(
    new Set([...Object.values(SOCKET_EVENT), ...Object.keys(SENT), 'connect_error']),
  );
  expect(new Set(description.named('receive'))).toEqual(new Set(Object.keys(TAKEN)));
  expect(new Set(Object.keys(messages))).toEqual(
    new Set([...description.named('send'), ...description.named('receive'), 'answer']),
  );
  for (const [name, message] of Object.entries(messages)) expect(message.name).toBe(name);
});

it('codes and reasons are those that there are', () => {
  const reasons: Record<SnapshotReason, true> = {
    no_cursor: true,
    too_old: true,
    epoch: true,
    gap: true,
    behind: true,
  };
  expect(new Set(schemas['SnapshotReason']!['enum'] as string[])).toEqual(new Set(Object.keys(reasons)));
  expect(new Set(schemas['Code']!['enum'] as string[])).toEqual(new Set(Object.keys(SOCKET_CODES)));
  const terminal = Object.entries(SOCKET_CODES).filter(([, code]) => code.terminal);
  expect(new Set(schemas['Code']!['x-terminal'] as string[])).toEqual(new Set(terminal.map(([code]) => code)));
});

const examples = Object.entries(messages).flatMap(([name, { examples: all = [] }]) =>
  all.map(({ payload }) => [name, payload] as const),
);
it.each(examples)('the example of %s is one', (name, payload) => expect(description.faults(name, payload)).toEqual([]));
