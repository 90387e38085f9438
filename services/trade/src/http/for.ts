import { RouteConfig } from '@nestjs/platform-fastify';

import type { Audience } from './callers.js';

/** The longest body of a list. */
const LIST_BYTES = 2 * 1024 * 1024;

export const For = (audience: Audience) => RouteConfig({ audience });
export const ForLists = (audience: Audience) => RouteConfig({ audience, bodyBytes: LIST_BYTES });
