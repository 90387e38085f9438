import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';

import { TokenVerifier, keySetSignals, tokenRulesOf } from '@tradesense/auth';
import { topicsOf } from '@tradesense/contracts';
import { connectAdmin, connectPublisher, kafkaConnectionOf, openReader } from '@tradesense/kafka';
import {
  AdminListener,
  breakerReports,
  createMetrics,
  fullJitter,
  kafkaRelations,
  runService,
  systemClock,
  systemRandom,
} from '@tradesense/platform';

import { Housekeeper, housekeepingMetrics } from './housekeeping/index.js';
import { relayMetrics } from './metrics.js';
import { operatorActs } from './operator/index.js';
import { Relay } from './relay.js';
import { settings } from './settings.js';
import { Wake, WakeListener } from './wake/index.js';

// Rows live for two batches. What of them reaches the old generation would else lie there until it is four times its live size.
setFlagsFromString('--heap-growing-percent=75');

await runService({
  name: 'relay',
  settings,
  relations: kafkaRelations,
  parts({ config, log, health, fail }) {
    const metrics = createMetrics('relay');
    const kafka = kafkaConnectionOf(config, `tradesense-relay-${randomUUID()}`);
    const { events, state, watermarks } = topicsOf(config.TOPIC_PREFIX);
    const wake = new Wake();
    const retentionMs = config.RETENTION_HOURS * 3_600_000;
    const nextDelayMs = fullJitter(systemRandom, { minMs: 100, maxMs: 5_000 });
    const housekeeper: Housekeeper = new Housekeeper({
      url: config.DATABASE_URL,
      everyMs: config.HOUSEKEEPING_MS,
      retentionMs,
      diskBytes: config.OUTBOX_DISK_BYTES,
      metrics: housekeepingMetrics(metrics, () => housekeeper.ranges),
      clock: systemClock,
      log,
      nextDelayMs,
    });
    const relay: Relay = new Relay({
      databaseUrl: config.DATABASE_URL,
      topicPrefix: config.TOPIC_PREFIX,
      leaseMs: config.LEASE_MS,
      saveMs: config.SAVE_MS,
      watermarkMs: config.WATERMARK_MS,
      parkPerMinute: config.PARK_PER_MINUTE,
      retentionMs,
      stateGuardMs: config.STATE_GUARD_MS,
      stateSweepMs: config.STATE_SWEEP_MS,
      closedStateMs: config.CLOSED_STATE_MS,
      connectAdmin: () => connectAdmin(kafka, { log }),
      connectPublisher: () => connectPublisher(kafka, { topics: [events, state, watermarks], log }),
      openReader: (topics, handlers, options) => openReader(kafka, topics, handlers, { log, ...options }),
      wake,
      housekeeper,
      metrics: relayMetrics(metrics, () => relay.leadership),
      clock: systemClock,
      log,
      nextDelayMs,
      fail,
    });
    health.check('relay', () => relay.finding);
    const signals = keySetSignals(metrics, log, breakerReports(metrics, log)('key_set'));
    const verifier = new TokenVerifier(tokenRulesOf(config), { signals });
    return [
      new AdminListener({
        host: config.ADMIN_HOST,
        port: config.ADMIN_PORT,
        registry: metrics.registry,
        health,
        log,
        acts: operatorActs({ databaseUrl: config.DATABASE_URL, verifier }),
      }),
      new WakeListener({ url: config.DATABASE_URL, wake, clock: systemClock, log }),
      relay,
    ];
  },
});
