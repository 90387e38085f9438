import { topicsOf, type TopicSpec } from '@tradesense/contracts';
import type { Stack } from '@tradesense/local';

import { Debezium } from '../../support/debezium.js';
import type { ServiceProcess } from '../../support/processes.js';
import { Relays } from '../../support/relays.js';
import { groundOn } from '../../support/stack.js';

/** Whoever publishes the outbox, to topics of its own. What it missed while it did not run it publishes first. */
export interface Contender {
  readonly name: 'ours' | 'debezium';
  readonly events: TopicSpec;
  readonly pid: number;
  start(): Promise<void>;
  stop(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** The relay with production's settings, or another lease. */
export function ours(stack: Stack, topicPrefix: string, leaseMs = 10_000): Contender {
  const relays = new Relays(groundOn(stack, topicPrefix));
  let relay: ServiceProcess | undefined;
  const running = (): ServiceProcess => {
    if (relay === undefined) throw new Error('the relay was not started');
    return relay;
  };
  return {
    name: 'ours',
    events: topicsOf(topicPrefix).events,
    get pid() {
      return running().pid;
    },
    async start() {
      const env = { LEASE_MS: String(leaseMs), SAVE_MS: '1000', WATERMARK_MS: '1000', LOG_LEVEL: 'info' };
      relay = await (await relays.start('relay', { env })).ready();
    },
    stop: () => relays.processes.stop(),
    freeze: () => running().freeze(),
    thaw: () => running().thaw(),
  };
}

/** What Kafka Connect's own script gives the JVM. */
const CONNECT_JVM = [
  '-Xms256M',
  '-Xmx2G',
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-Djava.awt.headless=true',
];

/** Debezium with the settings that docs/debezium.md names. */
export async function debezium(stack: Stack, topicPrefix: string): Promise<Contender & { close(): Promise<void> }> {
  const connect = await Debezium.prepare(stack, { topicPrefix, jvm: CONNECT_JVM });
  return {
    name: 'debezium',
    events: topicsOf(topicPrefix).events,
    get pid() {
      return connect.pid;
    },
    start: () => connect.start(),
    stop: () => connect.stop(),
    freeze: () => connect.freeze(),
    thaw: () => connect.thaw(),
    close: () => connect.close(),
  };
}
