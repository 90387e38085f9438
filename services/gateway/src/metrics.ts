import { SOCKET_CODES, type SnapshotReason, type SocketCode } from '@tradesense/contracts';
import { createMetrics, type Counter, type Metrics } from '@tradesense/platform';

import type { DeliverySignals } from './delivery/index.js';
import type { FleetSignals } from './fleet/index.js';
import { committedAtMs } from './frame/index.js';
import type { IntakeSignals } from './intake/index.js';
import type { AccessSignals } from './revocation/index.js';
import type { RoomSignals } from './rooms/index.js';
import { HANDSHAKE_REFUSALS, TURNED_AWAY, type EndCause, type TransportSignals } from './transport/index.js';

export interface Gauges {
  readonly connections: () => number;
  readonly shut: () => number;
  readonly rooms: () => number;
  readonly awaited: () => number;
  readonly ringBytes: () => number;
  readonly ageMs: () => number;
  readonly blocks: () => number;
}

export interface GatewayMetrics {
  readonly metrics: Metrics;
  readonly signals: IntakeSignals & AccessSignals & RoomSignals & FleetSignals & DeliverySignals & TransportSignals;
  /** What is looked up when somebody asks. */
  watch(gauges: Gauges): void;
}

const REASONS: readonly SnapshotReason[] = ['no_cursor', 'too_old', 'epoch', 'gap', 'behind'];
const REQUESTS = ['join_challenge', 'leave_challenge', 'refresh_token', 'other'];
const CODES = Object.keys(SOCKET_CODES) as SocketCode[];
const STREAMS = ['events', 'state', 'watermarks', 'access'];
const LOSSES = ['retention', 'truncation', 'unreadable'];
/** Ends that leave in doubt whether the last messages were read; of an orderly leave nobody complains. */
const FAILURES: readonly EndCause[] = ['unread', 'unanswered', 'forged_pong', 'transport_error'];
/** From a page that is looked at to a working day. */
const SESSION_S = [1, 10, 60, 300, 900, 3_600, 4 * 3_600, 12 * 3_600];

/** Everything the gateway counts, as Prometheus sees it. Every series exists from the start, so that rates do. */
export function gatewayMetrics(clock: { now(): number }): GatewayMetrics {
  const metrics = createMetrics('gateway');
  const counter = <Label extends string>(
    name: string,
    help: string,
    label: Label,
    values: readonly string[],
  ): Counter<Label> => {
    const made = metrics.counter<Label>({ name, help, labels: [label] });
    for (const value of values) made.inc({ [label]: value } as Record<Label, string>, 0);
    return made;
  };
  const plain = (name: string, help: string): Counter => metrics.counter({ name, help });

  const records = counter('records_total', 'Records read from Kafka.', 'stream', ['events', 'state']);
  const spoilt = counter('records_spoilt_total', 'Records that could not be passed on.', 'why', [
    'key',
    'headers',
    'size',
    'body',
    'watermark',
  ]);
  const access = counter('access_records_total', 'Records of the access topic, by what they did.', 'result', [
    'blocked',
    'restored',
    'spoilt',
    'nobody',
  ]);
  const losses = metrics.counter({
    name: 'losses_total',
    help: 'Ranges of records that were gone or unreadable.',
    labels: ['stream', 'why'],
  });
  for (const stream of STREAMS) for (const why of LOSSES) losses.inc({ stream, why }, 0);
  const accepted = metrics.tally('events_accepted_total', 'Events that rooms accepted.');
  const duplicates = plain('duplicates_total', 'Events that rooms already had.');
  const gaps = counter('gaps_total', 'Rings that began anew because events were missing.', 'why', [
    'sequence',
    'epoch',
    'doubt',
  ]);
  const messages = metrics.tally('messages_out_total', 'Messages written to sockets, answers apart.');
  const bytes = metrics.tally('out_bytes_total', 'Bytes of these messages.');
  const latency = metrics.spread(
    'delivery_latency_seconds',
    "From the event's creation by the database's clock to the write to a socket; never below 0.",
  );
  const recoveries = counter('recoveries_total', 'Joins answered, by how.', 'result', ['recovered', ...REASONS]);
  const snapshots = counter('snapshots_total', 'Snapshots sent.', 'reason', REASONS);
  const collapsed = plain('collapsed_total', 'Equity updates that a later one stood in for, per socket.');
  const shut = plain('windows_shut_total', 'Times a window shut because its peer did not read.');
  const turnedAway = counter(
    'turned_away_total',
    'Requests refused before there was a connection.',
    'reason',
    TURNED_AWAY,
  );
  const handshakes = counter('handshakes_total', 'Handshakes by result.', 'result', [
    'ok',
    ...Object.keys(HANDSHAKE_REFUSALS),
  ]);
  const seats = counter(
    'user_seats_total',
    'Connections of users counted, by where: on all gateways, or here alone.',
    'looked',
    ['everywhere', 'here'],
  );
  const requests = metrics.counter({
    name: 'requests_total',
    help: 'Messages from clients, by result.',
    labels: ['request', 'result'],
  });
  for (const request of REQUESTS) for (const result of ['ok', ...CODES]) requests.inc({ request, result }, 0);
  const refusedJoins = counter('join_refusals_total', 'Joins refused, by the code that was answered.', 'reason', CODES);
  const reconnects = plain('reconnects_total', 'Joins of clients that had been here or elsewhere before.');
  const away = metrics.histogram({
    name: 'reconnect_seconds',
    help: 'How long clients say they were away when they join again.',
  });
  const failures = counter(
    'delivery_failures_total',
    'Connections that ended with messages on their way which nobody knows to have been read, by cause.',
    'cause',
    FAILURES,
  );
  const thinned = plain('thinned_total', 'Frames that full rings gave up, conflated or dropped.');
  const sessions = metrics.histogram({
    name: 'session_seconds',
    help: 'From the handshake of a connection to its end.',
    buckets: SESSION_S,
  });
  const ends = counter('connections_ended_total', 'Connections that ended, by cause.', 'cause', [
    'client',
    'transport_error',
    'unread',
    'unanswered',
    'forged_pong',
    'rate_limited',
    'too_many_bytes',
    'message_too_big',
    'silent',
    'token_expired',
    'forbidden',
    'revoked',
    'refused',
    'protocol',
    'going_away',
  ]);

  return {
    metrics,
    signals: {
      read: (stream, count) => records.inc({ stream }, count),
      spoilt: (why) => spoilt.inc({ why }),
      lost: (stream, why) => losses.inc({ stream, why }),
      access: (taken) => access.inc({ result: taken }),
      accepted: () => accepted(1),
      duplicate: () => duplicates.inc(),
      gap: (why) => gaps.inc({ why }),
      thinned: (frames) => thinned.inc(frames),
      wrote: (count, length) => {
        messages(count);
        bytes(length);
      },
      frame: (frame) => latency(Math.max(0, clock.now() - committedAtMs(frame)) / 1000),
      joined: (result) => recoveries.inc({ result }),
      snapshot: (reason) => snapshots.inc({ reason }),
      collapsed: (frames) => collapsed.inc(frames),
      shut: () => shut.inc(),
      turnedAway: (reason) => turnedAway.inc({ reason }),
      seat: (looked) => seats.inc({ looked }),
      handshake: (result) => handshakes.inc({ result }),
      request: (request, result) => {
        requests.inc({ request, result });
        if (request === 'join_challenge' && result !== 'ok') refusedJoins.inc({ reason: result });
      },
      returned: (awayMs) => {
        reconnects.inc();
        away.observe(awayMs / 1000);
      },
      ended: (cause, { lastedMs, unackedBytes }) => {
        ends.inc({ cause });
        if (lastedMs !== undefined) sessions.observe(lastedMs / 1000);
        if (unackedBytes > 0 && FAILURES.includes(cause)) failures.inc({ cause });
      },
    },
    watch(gauges) {
      const gauge = (name: string, help: string, read: () => number): void => {
        metrics.gauge({ name, help, collect: (made) => made.set(read()) });
      };
      gauge('connections', 'Connections now.', gauges.connections);
      gauge('windows_shut', 'Connections whose peer has to read before it is sent more.', gauges.shut);
      gauge('rooms', 'Challenges known.', gauges.rooms);
      gauge(
        'rooms_awaited',
        'Challenges that somebody wants to join and that are not known to be theirs.',
        gauges.awaited,
      );
      gauge('blocks', 'Users, challenges and tokens that are shut out.', gauges.blocks);
      gauge('rings_bytes', 'Bytes held in the rings of all rooms.', gauges.ringBytes);
      gauge(
        'connection_memory_bytes',
        'Resident memory per connection: what came since nobody was connected, rings apart.',
        perConnection(gauges),
      );
      gauge('age_seconds', 'Age of what is known, of the partition where it is oldest.', () => gauges.ageMs() / 1000);
    },
  };
}

/** Compared with the last look at which there was no connection, so it is as good as that look is late. */
function perConnection({ connections, ringBytes }: Gauges): () => number {
  let rings = 0; // they keep what they once had (decision 016)
  const held = (): number => process.memoryUsage.rss() - (rings = Math.max(rings, ringBytes()));
  let base = held();
  return () => {
    if (connections() > 0) return Math.max(0, held() - base) / connections();
    base = held();
    return 0;
  };
}
