import type { HeaderObject } from '@nestjs/swagger';

const text = (description: string, more: Partial<HeaderObject> = {}) => ({
  description,
  schema: { type: 'string' },
  ...more,
});

/** What answers carry besides their bodies. */
export const HEADERS = {
  'X-Request-Id': text("The request's, where it gave one, or else a new one.", { required: true }),
  'RateLimit-Policy': text('How many requests a second the caller may make; absent where they are not limited.', {
    example: '"caller";q=50;w=1',
  }),
  RateLimit: text('How many are left, and in how many seconds there will be more.', { example: '"caller";r=49;t=1' }),
  'Retry-After': text('In how many seconds to repeat the request, with the same ids.', {
    required: true,
    schema: { type: 'string', pattern: '^[0-9]+$' },
  }),
  'WWW-Authenticate': text('What is wrong with the token.', {
    required: true,
    example: 'Bearer realm="tradesense", error="invalid_token"',
  }),
  Location: text('Where the challenge is.', {
    required: true,
    example: '/v1/challenges/0199c2d4-7a10-7c3e-9f41-5b8e2d6a1c01',
  }),
  'Idempotent-Replayed': text('This is the first answer again: the id was known with the same meaning.', {
    schema: { type: 'string', enum: ['true'] },
  }),
} satisfies Record<string, HeaderObject>;
export type HeaderName = keyof typeof HEADERS;
