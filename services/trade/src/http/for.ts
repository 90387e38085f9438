import { applyDecorators } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension } from '@nestjs/swagger';

import type { Audience } from './callers.js';

/** The longest body of a list. */
const LIST_BYTES = 2 * 1024 * 1024;

/** Where the API's description finds whom a route is for. */
export const AUDIENCE = 'x-audience';

const admitting = (audience: Audience, config: { readonly bodyBytes?: number } = {}) =>
  applyDecorators(RouteConfig({ audience, ...config }), ApiExtension(AUDIENCE, audience as never));

export const For = (audience: Audience) => admitting(audience);
export const ForLists = (audience: Audience) => admitting(audience, { bodyBytes: LIST_BYTES });
