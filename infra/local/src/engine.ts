import type { ProcessIdentity } from './bootstrap/process-identity.mjs';
import type { KafkaListeners } from './kafka.js';
import type { Server } from './server.js';

/** The servers, not yet started. */
export interface Engine {
  readonly postgres: Server;
  /** All of it. */
  readonly kafka: Server;
  /** Each broker by itself. */
  readonly kafkas: readonly Server[];
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
  readonly brokers: readonly [KafkaListeners, ...KafkaListeners[]];
  /** Passwords of those who log in by SCRAM, by their names. */
  readonly kafkaUsers: Readonly<Record<string, string>>;
  readonly durable: boolean;
  readonly postgresSettings: Readonly<Record<string, string>>;
  readonly kafkaSettings: Readonly<Record<string, string>>;
  /** Told of each process that must not outlive us. */
  readonly onStart: (server: ProcessIdentity) => void;
}
