import { setTimeout as delay } from 'node:timers/promises';

import type { Exit } from '@tradesense/local';

import type { Outage } from '../../support/client.js';
import { Fleet } from '../../support/fleet.js';
import { Followers } from '../../support/followers.js';
import type { Ground } from '../../support/system.js';
import { until } from '../../support/until.js';

export interface TwoGatewaysOptions {
  /** Challenges, each with so many clients of its trader, on two gateways together. */
  readonly rooms: number;
  readonly perRoom: number;
  /** Events a second. */
  readonly rate: number;
  /** How the first of the two ends. */
  readonly how: 'SIGTERM' | 'SIGKILL';
  /** Whether a third is added before, under the same load. */
  readonly adds: boolean;
  /** Settings of the gateways beside those of the scenario. */
  readonly env?: Readonly<Record<string, string>>;
  readonly withinMs: number;
}

export interface TwoGatewaysReport {
  /** Undefined: it was killed. */
  readonly exit: Exit | undefined;
  /** Of each gateway, before anything happened to them. */
  readonly clients: readonly number[];
  /** Of each client that lost its connection, from there to the answer to its next join. */
  readonly blindMs: readonly number[];
  /** Who lost it more than once. */
  readonly restless: number;
  /** Handshakes that were refused, for whatever reason, and tried again. */
  readonly refused: number;
  readonly addedClients: number;
  readonly events: number;
  readonly duplicates: number;
  readonly gaps: number;
  readonly partial: number;
}

const CALM_MS = 2_000;
/** As socket.io-client has it where nobody says otherwise; it leaves when it is asked to, as our library does. */
const CLIENT = { reconnectionDelay: 1_000, reconnectionDelayMax: 5_000, randomizationFactor: 0.5 };

/** Two gateways behind HAProxy under load, and the end of one: its clients go to the others, and nobody misses an event for it. */
export async function twoGateways(ground: Ground, options: TwoGatewaysOptions): Promise<TwoGatewaysReport> {
  const { rooms, perRoom, rate, how, adds, env = {}, withinMs } = options;
  const fleet = await Fleet.start(ground, { gateways: 2, env: { MAX_CONNECTIONS_PER_ADDRESS: '0', ...env } });
  try {
    const followers = await Followers.open(ground, {
      url: fleet.url,
      rooms,
      perRoom,
      socket: CLIENT,
      leavesWhenAsked: true,
    });
    try {
      followers.trade(rate);
      const { clients } = followers;
      await until(() => clients.every(({ handled }) => handled.length > 0), Boolean, { withinMs, what: 'events come' });
      const before = [await fleet.connectionsOf(1), await fleet.connectionsOf(2)];
      if (adds) await fleet.add(3);
      await delay(CALM_MS);
      const disturbed = clients.filter(({ outages }) => outages.length > 0).length;
      if (disturbed > 0) throw new Error(`${disturbed} clients lost their connection before anything had happened`);
      const exit = await ended(fleet, how);
      const back = (): number => clients.filter(({ outages: [outage] }) => outage?.joinedMs !== undefined).length;
      await until(back, (count) => count === before[0], { withinMs, everyMs: 100, what: 'everybody has joined again' });
      await followers.settle(withinMs);
      const outages = clients.flatMap((client): readonly Outage[] => client.outages.slice(0, 1));
      return {
        exit,
        clients: before,
        blindMs: outages.map(({ lostMs, joinedMs = NaN }) => joinedMs - lostMs),
        restless: clients.filter((client) => client.outages.length > 1).length,
        refused: clients.reduce((sum, { refusals }) => sum + refusals.length, 0),
        addedClients: adds ? await fleet.connectionsOf(3) : 0,
        events: followers.events,
        ...followers.verdict(),
      };
    } finally {
      await followers.close();
    }
  } finally {
    await fleet.stop();
  }
}

async function ended(fleet: Fleet, how: TwoGatewaysOptions['how']): Promise<Exit | undefined> {
  if (how === 'SIGTERM') return fleet.gateway(1).stop();
  await fleet.gateway(1).kill();
  return undefined;
}
