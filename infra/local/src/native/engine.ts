import type { Engine, Plan } from '../engine.js';
import { freePort } from '../ports.js';
import { KafkaServer } from './kafka.js';
import { PostgresServer } from './postgres.js';

/** PostgreSQL and Kafka as processes of this machine. */
export async function nativeEngine(plan: Plan): Promise<Engine> {
  const postgres = new PostgresServer(plan);
  const kafka = new KafkaServer({ ...plan, controllerPort: await freePort() });
  return {
    postgres,
    kafka,
    end: async () => {
      // An orderly end takes Kafka seconds, and nobody will read what it would write.
      await Promise.all([postgres, kafka].map((server) => (plan.isKept ? server.stop() : server.kill())));
    },
  };
}
