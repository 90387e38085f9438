import type { Engine, Plan } from '../engine.js';
import { clusterSettings } from '../kafka.js';
import { freePort } from '../ports.js';
import type { Server } from '../server.js';
import { ServerGroup } from '../server-group.js';
import { KafkaServer } from './kafka.js';
import { PostgresServer } from './postgres.js';

const CONTROLLER_ID = 100;

/** PostgreSQL and Kafka as processes of this machine. */
export async function nativeEngine(plan: Plan): Promise<Engine> {
  const postgres = new PostgresServer(plan);
  const { kafka, kafkas } = await kafkaOf(plan);
  return {
    postgres,
    kafka,
    kafkas,
    end: async () => {
      // An orderly end takes Kafka seconds, and nobody will read what it would write.
      await Promise.all([postgres, kafka].map((server) => (plan.isKept ? server.stop() : server.kill())));
    },
  };
}

/** One broker is its own controller. Several have one beside them, so that any two of them may be away and the third is told. */
async function kafkaOf(plan: Plan): Promise<Pick<Engine, 'kafka' | 'kafkas'>> {
  const { folder, brokers, kafkaUsers: users, kafkaSettings, onStart } = plan;
  const port = await freePort();
  const common = { folder, users, onStart };
  const [listeners, ...others] = brokers;
  if (others.length === 0) {
    const kafka = new KafkaServer({
      ...common,
      name: 'Kafka',
      files: 'kafka',
      nodeId: 1,
      role: { is: 'broker,controller', listeners },
      controller: { nodeId: 1, port },
      settings: kafkaSettings,
      heapMb: 512,
    });
    return { kafka, kafkas: [kafka] };
  }
  const shared = {
    ...common,
    controller: { nodeId: CONTROLLER_ID, port },
    settings: { ...clusterSettings, ...kafkaSettings },
    heapMb: 256,
  };
  const kafkas: readonly Server[] = brokers.map((ways, index) => {
    const nodeId = index + 1;
    const role = { is: 'broker', listeners: ways } as const;
    return new KafkaServer({ ...shared, name: `Kafka ${nodeId}`, files: `kafka-${nodeId}`, nodeId, role });
  });
  const controller = new KafkaServer({
    ...shared,
    name: "Kafka's controller",
    files: 'kafka-controller',
    nodeId: CONTROLLER_ID,
    role: { is: 'controller' },
  });
  return { kafka: new ServerGroup('Kafka', [controller, ...kafkas]), kafkas };
}
