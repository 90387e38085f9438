import { RouteConfig } from '@nestjs/platform-fastify';

import type { Audience } from './callers.js';

export const For = (audience: Audience) => RouteConfig({ audience });
