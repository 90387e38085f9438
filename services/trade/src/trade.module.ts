import { Module, type DynamicModule } from '@nestjs/common';

import type { Writer } from './commit/index.js';
import { ChallengesController, QUERIES, WRITER } from './http/index.js';
import type { Database } from './store/index.js';

export interface TradeParts {
  readonly writer: Writer;
  readonly database: Database;
}

/** All of Nest's wiring; what it wires is built in main.ts. */
@Module({})
export class TradeModule {
  static of({ writer, database }: TradeParts): DynamicModule {
    return {
      module: TradeModule,
      controllers: [ChallengesController],
      providers: [
        { provide: WRITER, useValue: writer },
        { provide: QUERIES, useValue: database },
      ],
    };
  }
}
