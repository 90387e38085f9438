import { TokenVerifier, keySetSignals, tokenRulesOf } from '@tradesense/auth';
import { topicsOf } from '@tradesense/contracts';
import { connectPublisher, kafkaConnectionOf, type Publisher } from '@tradesense/kafka';
import { AdminListener, breakerReports, systemClock, type Part, type ServiceContext } from '@tradesense/platform';

import { TrustedProxies, localUserSeats } from './access/index.js';
import { FleetSeats, RedisRegister } from './fleet/index.js';
import { FreshnessStage } from './freshness/index.js';
import { Intake } from './intake/index.js';
import { gatewayMetrics } from './metrics.js';
import { Access, accessActs } from './revocation/index.js';
import { Rooms } from './rooms/index.js';
import type { settings } from './settings.js';
import { Sockets } from './sockets.js';
import { Connections } from './transport/index.js';

const SWEEP_ROOMS_MS = 1_000;
/** What is over bars nobody, it is only listed and counted. */
const SWEEP_ACCESS_MS = 10_000;
/** How long Kafka may take for what an operator decided. */
const ACT_MS = 5_000;

/** Intake makes frames, rooms accept them in order, delivery pulls from the rings, transport sends. */
export function partsOf({ config, log, health, fail }: ServiceContext<typeof settings>): readonly Part[] {
  const { metrics, signals, watch } = gatewayMetrics(systemClock);
  const breakerReport = breakerReports(metrics, log);
  const rooms = new Rooms({ signals, ringBytes: config.RINGS_BYTES });
  const freshness = new FreshnessStage(rooms, config.STALE_MS);
  const connection = kafkaConnectionOf(config, `tradesense-gateway-${process.pid}`);
  const access: Access = new Access(systemClock, () => intake.accessIdleMs, signals);
  const intake: Intake = new Intake({
    connection,
    topicPrefix: config.TOPIC_PREFIX,
    sink: rooms,
    progress: freshness,
    access,
    signals,
    log,
    fail,
  });
  const verifier = new TokenVerifier(tokenRulesOf(config), {
    signals: keySetSignals(metrics, log, breakerReport('key_set')),
  });
  const perUser = config.MAX_CONNECTIONS_PER_USER;
  const fleet =
    config.REDIS_URL === '' || perUser === 0
      ? undefined
      : new FleetSeats({
          register: new RedisRegister({ url: config.REDIS_URL, prefix: config.TOPIC_PREFIX }),
          limit: perUser,
          clock: systemClock,
          signals,
          breaker: breakerReport('redis'),
        });
  const connections = new Connections({
    rooms,
    access,
    users: fleet ?? localUserSeats(perUser),
    verifier,
    signals,
    log,
    allowedOrigins: config.ALLOWED_ORIGINS,
    proxies: new TrustedProxies(config.TRUSTED_PROXIES, config.PROXY_HEADER),
    allowQueryToken: config.ALLOW_QUERY_TOKEN,
    maxConnections: config.MAX_CONNECTIONS,
    maxConnectionsPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
    admissionPerSecond: config.ADMISSION_PER_S,
    packetsPerSecond: config.PACKETS_PER_S,
    bytesPerSecond: config.BYTES_PER_S,
    maxRooms: config.MAX_ROOMS_PER_CONNECTION,
  });
  watch({
    connections: () => connections.size,
    shut: () => connections.shut,
    rooms: () => rooms.size,
    awaited: () => rooms.awaited,
    ringBytes: () => rooms.ringBytes,
    ageMs: () => freshness.ageMs,
    blocks: () => access.blocks.size,
  });
  health.check('intake', () => intake.finding());
  if (config.ALLOW_QUERY_TOKEN && process.env['NODE_ENV'] === 'production')
    log.warn('tokens are taken from the query string, where logs of proxies may keep them (ALLOW_QUERY_TOKEN)');
  const topics = topicsOf(config.TOPIC_PREFIX);
  const publisher = connectPublisher(connection, { topics: [topics.access, topics.audit], deadlineMs: ACT_MS, log });
  const admin = new AdminListener({
    host: config.ADMIN_HOST,
    port: config.ADMIN_PORT,
    registry: metrics.registry,
    health,
    log,
    acts: accessActs({
      verifier,
      publisher,
      topics: { access: topics.access.name, audit: topics.audit.name },
      blocks: access.blocks,
      heads: (after, limit) => rooms.heads(after, limit),
      clock: systemClock,
    }),
  });
  const sockets = new Sockets({
    host: config.GATEWAY_HOST,
    port: config.GATEWAY_PORT,
    allowedOrigins: config.ALLOWED_ORIGINS,
    maxMessageBytes: config.MAX_MESSAGE_BYTES,
    drainMs: config.DRAIN_MS,
    connections,
    log,
  });
  return [
    closing(publisher),
    admin,
    freshness,
    intake,
    sweeping(SWEEP_ROOMS_MS, 'rooms', () => rooms.sweep(systemClock.now())),
    sweeping(SWEEP_ACCESS_MS, 'access', () => void access.sweep()),
    ...(fleet === undefined ? [] : [fleet]),
    sockets,
  ];
}

function sweeping(everyMs: number, name: string, sweep: () => void): Part {
  let timer: NodeJS.Timeout | undefined;
  return {
    name,
    start: () => void (timer = setInterval(sweep, everyMs)),
    stop: () => clearInterval(timer),
  };
}

const closing = (publisher: Publisher): Part => ({
  name: 'publisher',
  start: () => undefined,
  stop: () => publisher.close(),
});
