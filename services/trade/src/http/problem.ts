import { PROBLEMS, problemType, type FieldError, type Problem, type ProblemCode } from '@tradesense/contracts';
import { systemRandom } from '@tradesense/platform';

import { DatabaseUnavailable, Overloaded } from '../commit/index.js';

interface Details {
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly outcome?: Problem['outcome'];
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request ends with an entry of the error catalogue. */
export class ProblemError extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly details: Details = {},
    options?: ErrorOptions,
  ) {
    super(code, options);
  }
}

export interface Refused {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Problem;
}

/** Whole seconds, spread, so that callers do not come back all at once. */
const retryAfter = (): string => String(1 + Math.floor(systemRandom.below(3)));

const CHALLENGE = 'Bearer realm="tradesense"';
const HEADERS: Partial<Record<ProblemCode, () => Record<string, string>>> = {
  unauthenticated: () => ({ 'www-authenticate': `${CHALLENGE}, error="invalid_token"` }),
  'token-expired': () => ({ 'www-authenticate': `${CHALLENGE}, error="invalid_token", error_description="expired"` }),
  forbidden: () => ({ 'www-authenticate': `${CHALLENGE}, error="insufficient_scope"` }),
  'rate-limited': () => ({ 'retry-after': '1' }),
  overloaded: () => ({ 'retry-after': retryAfter() }),
  'database-unavailable': () => ({ 'retry-after': retryAfter() }),
  'keys-unavailable': () => ({ 'retry-after': retryAfter() }),
};

export function refusedWith({ code, details }: ProblemError, requestId: string): Refused {
  const { status, title, firstStep } = PROBLEMS[code];
  const body: Problem = {
    type: problemType(code),
    status,
    title,
    detail: details.detail ?? firstStep,
    request_id: requestId,
    outcome: details.outcome ?? 'not_applied',
    ...(details.errors === undefined ? {} : { errors: details.errors }),
  };
  const headers = { 'content-type': 'application/problem+json', ...HEADERS[code]?.(), ...details.headers };
  return { status, headers, body };
}

/** What Fastify itself refuses, before any route runs. */
const BY_FASTIFY: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid-request',
  FST_ERR_BAD_URL: 'not-found',
  FST_ERR_ASYNC_CONSTRAINT: 'not-found',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
};

/** Nest hands Fastify's errors on as its own, the first as their cause. */
function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  return String(code ?? cause?.code);
}

/** Total: whatever is thrown becomes a problem, and what nobody expected shows nothing of itself. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof DatabaseUnavailable)
    return new ProblemError('database-unavailable', { outcome: error.outcome }, { cause: error });
  if (error instanceof Overloaded) return new ProblemError('overloaded', {}, { cause: error });
  const known = BY_FASTIFY[codeOf(error)];
  return known === undefined
    ? new ProblemError('internal', { outcome: 'unknown' }, { cause: error })
    : new ProblemError(known, {}, { cause: error });
}
