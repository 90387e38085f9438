import { Module, type DynamicModule } from '@nestjs/common';

import type { Writer } from './commit/index.js';
import type { Programs } from './domain/index.js';
import {
  ActsController,
  ChallengesController,
  ListsController,
  MARKS,
  PROGRAMS,
  ProgramsController,
  QUERIES,
  WRITER,
} from './http/index.js';
import type { MarkIntake } from './marks/index.js';
import type { Database } from './store/index.js';

export interface TradeParts {
  readonly writer: Writer;
  readonly marks: MarkIntake;
  readonly database: Database;
  readonly programs: Programs;
}

/** All of Nest's wiring; what it wires is built in main.ts. */
@Module({})
export class TradeModule {
  static of({ writer, marks, database, programs }: TradeParts): DynamicModule {
    return {
      module: TradeModule,
      controllers: [ChallengesController, ActsController, ListsController, ProgramsController],
      providers: [
        { provide: WRITER, useValue: writer },
        { provide: MARKS, useValue: marks },
        { provide: QUERIES, useValue: database },
        { provide: PROGRAMS, useValue: programs },
      ],
    };
  }
}
