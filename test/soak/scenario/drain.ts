import type { Exit } from '@tradesense/local';

import { blindMs, Followers } from '../../support/followers.js';
import { System, type Ground } from '../../support/system.js';
import { until } from '../../support/until.js';

export interface DrainOptions {
  /** Challenges, each with so many stock clients of its trader. */
  readonly rooms: number;
  readonly perRoom: number;
  /** Events a second. */
  readonly rate: number;
  readonly drainMs: number;
  readonly withinMs: number;
}

export interface DrainReport {
  readonly exit: Exit;
  readonly clients: number;
  /** Of each client, when it was closed, from the first message that asked it to go. */
  readonly leftMs: readonly number[];
  readonly backMs: readonly number[];
  readonly blindMs: readonly number[];
  readonly events: number;
  readonly duplicates: number;
  readonly gaps: number;
  readonly partial: number;
}

const GATEWAY = { MAX_CONNECTIONS_PER_USER: '0', MAX_CONNECTIONS_PER_ADDRESS: '0', ADMISSION_PER_S: '500' };

/** SIGTERM under load, with the next gateway taking the port as soon as it is free: nobody may miss an event for it. */
export async function drain(ground: Ground, options: DrainOptions): Promise<DrainReport> {
  const { rooms, perRoom, rate, drainMs, withinMs } = options;
  const env = { gateway: { ...GATEWAY, DRAIN_MS: String(drainMs), STOP_MS: String(drainMs + 5_000) } };
  const system = await System.start(ground, { services: ['gateway'], env });
  try {
    const followers = await Followers.open(ground, { url: system.gatewayUrl, rooms, perRoom });
    try {
      followers.trade(rate);
      const { clients } = followers;
      await until(() => clients.every(({ handled }) => handled.length > 0), Boolean, { withinMs, what: 'events come' });
      const asked: number[] = [];
      for (const { socket } of clients) socket.once('going_away', () => asked.push(performance.now()));
      const leaving = system.service('gateway');
      const left = leaving.stop();
      await until(
        () => leaving.readiness(),
        ({ status }) => status === 503,
        { what: 'the gateway says that it goes' },
      );
      await system.start('gateway');
      const exit = await left;
      await until(
        () => clients.filter(({ outages }) => outages[0]?.backMs === undefined).length,
        (away) => away === 0,
        { withinMs, everyMs: 100, what: 'everybody is back' },
      );
      await followers.settle(withinMs);
      if (asked.length !== clients.length) throw new Error(`${asked.length} of ${clients.length} were asked to go`);
      const beganMs = Math.min(...asked);
      const outages = clients.map((client) => client.outages[0]!);
      return {
        exit,
        clients: clients.length,
        leftMs: outages.map(({ lostMs }) => lostMs - beganMs),
        backMs: outages.map(({ backMs }) => (backMs ?? NaN) - beganMs),
        blindMs: clients.map(blindMs),
        events: followers.events,
        ...followers.verdict(),
      };
    } finally {
      await followers.close();
    }
  } finally {
    await system.stop();
  }
}

const SLICES = 8;

/** Of all who left, the share that did in the fullest eighth of the time they had: an eighth, if they are spread evenly. */
export function crowding({ leftMs }: DrainReport): number {
  const spanMs = Math.max(...leftMs);
  const counts = new Map<number, number>();
  for (const ms of leftMs) {
    const slice = Math.min(SLICES - 1, Math.floor((ms / spanMs) * SLICES));
    counts.set(slice, (counts.get(slice) ?? 0) + 1);
  }
  return Math.max(...counts.values()) / leftMs.length;
}
