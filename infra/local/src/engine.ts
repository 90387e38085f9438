import type { ProcessIdentity } from './bootstrap/process-identity.mjs';
import type { KafkaListener } from './kafka.js';
import type { Server } from './server.js';

/** Both servers, not yet started. */
export interface Engine {
  readonly postgres: Server;
  readonly kafka: Server;
  /** Ends whatever of them runs. */
  end(): Promise<void>;
}

/** What both engines are told: processes of this machine and containers differ in nothing a client can see. */
export interface Plan {
  readonly folder: string;
  /** Whether somebody will want the data again. */
  readonly isKept: boolean;
  /** Where clients find the servers. */
  readonly host: string;
  readonly postgresPort: number;
  /** The first one is everybody's. */
  readonly listeners: readonly [KafkaListener, ...KafkaListener[]];
  readonly durable: boolean;
  readonly postgresSettings: Readonly<Record<string, string>>;
  readonly kafkaSettings: Readonly<Record<string, string>>;
  /** Told of each process that must not outlive us. */
  readonly onStart: (server: ProcessIdentity) => void;
}
