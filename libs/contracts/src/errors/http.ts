/**
 * Every problem the trade API answers with (RFC 9457): status, title, whether the same request may be repeated, who acts and
 * what to do first. `title` never changes per instance; `detail` is for people.
 */
interface ProblemEntry {
  readonly status: number;
  readonly title: string;
  /** Repeat the same request with the same ids? */
  readonly retry: boolean;
  readonly who: 'caller' | 'operator';
  readonly firstStep: string;
}

const entry = (status: number, title: string, firstStep: string, more: Partial<ProblemEntry> = {}): ProblemEntry => ({
  status,
  title,
  firstStep,
  retry: false,
  who: 'caller',
  ...more,
});

export const PROBLEMS = {
  'malformed-json': entry(400, 'The body is not JSON', 'Send one JSON document in UTF-8.'),
  'invalid-request': entry(400, 'The request is not of the agreed shape', 'Mend the fields listed in errors.'),
  unauthenticated: entry(401, 'No valid token', 'Send Authorization: Bearer with a token of this issuer and audience.'),
  'token-expired': entry(401, 'The token has expired', 'Fetch a new token and repeat.'),
  forbidden: entry(403, 'The token lacks the scope', 'Use a token whose scope allows this route.'),
  'not-found': entry(404, 'Not found', 'Check the address and id; a challenge of somebody else answers the same.'),
  'method-not-allowed': entry(405, 'This method is not offered here', 'Use one of the methods in Allow.'),
  'trade-conflict': entry(409, 'This trade_id is known with another meaning', 'Use a new trade_id for a new trade.'),
  'act-conflict': entry(409, 'This act_id is known with another meaning', 'Use a new act_id for a new act.'),
  'challenge-closed': entry(
    409,
    'The challenge has ended',
    'Do no more with it; support keeps trades that were posted.',
  ),
  'challenge-exists': entry(409, 'This challenge_id is known with another meaning', 'Use a new challenge_id.'),
  'too-large': entry(413, 'The body is too large', 'Send at most 64 KiB; lists at most 2 MiB.'),
  'unsupported-media-type': entry(415, 'The body is not application/json', 'Set Content-Type: application/json.'),
  'rule-violation': entry(422, 'The request breaks a rule', 'Mend the value named in errors.'),
  'rate-limited': entry(429, 'Too many requests of this caller', 'Repeat after Retry-After with the same ids.', {
    retry: true,
  }),
  'earlier-unknown': entry(
    503,
    'An earlier trade of this challenge has no known outcome',
    'Repeat the earlier one first, then this, with the same ids.',
    { retry: true },
  ),
  overloaded: entry(503, 'Too many requests are waiting', 'Repeat after Retry-After with the same ids.', {
    retry: true,
  }),
  'database-unavailable': entry(503, 'The database can not be reached', 'Repeat after Retry-After with the same ids.', {
    retry: true,
    who: 'operator',
  }),
  'keys-unavailable': entry(
    503,
    "The issuer's keys can not be fetched",
    'Repeat after Retry-After with the same ids.',
    {
      retry: true,
      who: 'operator',
    },
  ),
  'kafka-unavailable': entry(503, 'Kafka can not be reached', 'Repeat after Retry-After; it may have been done.', {
    retry: true,
    who: 'operator',
  }),
  internal: entry(500, 'Something unexpected happened', 'Repeat with the same ids; tell the operator the request_id.', {
    retry: true,
    who: 'operator',
  }),
} as const satisfies Record<string, ProblemEntry>;
export type ProblemCode = keyof typeof PROBLEMS;

export const problemType = (code: ProblemCode): string => `urn:tradesense:problem:${code}`;

export interface FieldError {
  /** JSON Pointer into the body. */
  readonly path: string;
  readonly message: string;
}

/** An `application/problem+json` document. */
export interface Problem {
  readonly type: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly request_id: string;
  /** `unknown`: the commit's answer was lost; repeat with the same id to learn it. */
  readonly outcome: 'not_applied' | 'unknown';
  readonly errors?: readonly FieldError[];
}
