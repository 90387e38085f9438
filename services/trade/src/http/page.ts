import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';

import type { PageRequest } from '../views/index.js';
import { ProblemError } from './problem.js';

export const LIMIT = { least: 1, most: 200, default: 50 };

/** Says in the API's description that a list is paged. */
export const Paged = (): MethodDecorator =>
  applyDecorators(
    ApiQuery({
      name: 'limit',
      required: false,
      schema: { type: 'integer', minimum: LIMIT.least, maximum: LIMIT.most, default: LIMIT.default },
    }),
    ApiQuery({
      name: 'cursor',
      required: false,
      description: 'The `next_cursor` of the page before; without it, the first page.',
      schema: { type: 'string', pattern: '^[A-Za-z0-9_-]+$' },
    }),
  );

export const badQuery = (name: string, message: string): ProblemError =>
  new ProblemError('invalid-request', { detail: `The query's ${name} ${message}.` });

/** A parameter that may stand once; text that PostgreSQL can carry (pitfall P22). */
export function parameterIn(query: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = query[name] ?? null;
  if (value !== null && typeof value !== 'string') throw badQuery(name, 'stands twice');
  if (value !== null && /\p{Cc}/u.test(value)) throw badQuery(name, 'must not contain control characters');
  return value;
}

export function pageRequest(query: Readonly<Record<string, unknown>>): PageRequest {
  const limit = parameterIn(query, 'limit') ?? String(LIMIT.default);
  const count = /^\d{1,3}$/.test(limit) ? Number(limit) : NaN;
  if (!(count >= LIMIT.least && count <= LIMIT.most))
    throw badQuery('limit', `must be a number from ${LIMIT.least} to ${LIMIT.most}`);
  return { limit: count, pageToken: parameterIn(query, 'cursor') };
}
