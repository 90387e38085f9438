import { WebSocketGateway, WebSocketServer, type OnGatewayConnection, type OnGatewayInit } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';

import { Connections } from './connections.js';

/**
 * The door that Nest knows. Guards and pipes do not run at a socket's connection, and what they do for messages is not what
 * clients need (pitfalls S1-S5); so identity is settled in the namespace's middleware and every event goes through one wrapper.
 */
@WebSocketGateway()
export class ChallengeGateway implements OnGatewayInit<Server>, OnGatewayConnection<Socket> {
  @WebSocketServer() readonly server!: Server;

  constructor(private readonly connections: Connections) {}

  afterInit(server: Server): void {
    this.connections.attach(server);
  }

  handleConnection(socket: Socket): void {
    this.connections.joined(socket);
  }
}
