import { SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { bearerOf, type Identity, type TokenVerifier } from '@tradesense/auth';
import type { FastifyRequest } from 'fastify';

import type { Reader } from '../views/index.js';
import { ProblemError } from './problem.js';

const WRITES = 'trades:write';
const AUDIENCE = 'tradesense:for';

/** Who may call a route: the platform's services, or also the users who own what is asked for. */
export const For = (audience: 'services' | 'owners') => SetMetadata(AUDIENCE, audience);

const readers = new WeakMap<FastifyRequest, Reader>();

/** Whom the guard let in. */
export function readerOf(request: FastifyRequest): Reader {
  const reader = readers.get(request);
  if (reader === undefined) throw new Error('the route has no guard');
  return reader;
}

const REFUSALS = {
  unauthorized: 'unauthenticated',
  token_expired: 'token-expired',
  unavailable: 'keys-unavailable',
} as const;

/** Identity from the bearer token, then what its scope allows. A route that names no audience lets nobody in. */
export class CallerGuard implements CanActivate {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const verification = await this.verifier.verify(bearerOf(request.headers.authorization));
    if (!verification.ok) throw new ProblemError(REFUSALS[verification.code]);
    const audience = this.reflector.get<'services' | 'owners' | undefined>(AUDIENCE, context.getHandler());
    const reader = asReader(verification.identity);
    if (reader === undefined || audience === undefined || (audience === 'services' && reader.is === 'user'))
      throw new ProblemError('forbidden');
    readers.set(request, reader);
    return true;
  }
}

function asReader(identity: Identity): Reader | undefined {
  if (identity.is === 'user') return { is: 'user', userId: identity.userId };
  return identity.scopes.has(WRITES) ? { is: 'service' } : undefined;
}
