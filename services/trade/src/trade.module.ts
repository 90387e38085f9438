import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import type { TokenVerifier } from '@tradesense/auth';

import type { Writer } from './commit/index.js';
import { CallerGuard, ChallengesController, QUERIES, WRITER } from './http/index.js';
import type { Database } from './store/index.js';

export interface TradeParts {
  readonly writer: Writer;
  readonly database: Database;
  readonly verifier: TokenVerifier;
}

/** All of Nest's wiring; what it wires is built in main.ts. */
@Module({})
export class TradeModule {
  static of({ writer, database, verifier }: TradeParts): DynamicModule {
    return {
      module: TradeModule,
      controllers: [ChallengesController],
      providers: [
        { provide: WRITER, useValue: writer },
        { provide: QUERIES, useValue: database },
        {
          provide: APP_GUARD,
          inject: [Reflector],
          useFactory: (reflector: Reflector) => new CallerGuard(verifier, reflector),
        },
      ],
    };
  }
}
