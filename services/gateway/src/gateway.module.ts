import { Module, type DynamicModule } from '@nestjs/common';

import { ChallengeGateway, Connections } from './transport/index.js';

/** All that Nest knows of: one gateway class, and what it hands its sockets to. */
@Module({})
export class GatewayModule {
  static of(connections: Connections): DynamicModule {
    return {
      module: GatewayModule,
      providers: [ChallengeGateway, { provide: Connections, useValue: connections }],
    };
  }
}
