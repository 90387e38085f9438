/**
 * What it costs a gateway to read everything while nobody is connected: events of 690 bytes over 1,000 challenges, each with the
 * state after it as the relay writes them, at 1,000 and 10,000 events a second. Every gateway pays it, whatever it serves
 * (docs/scaling.md).
 *
 *   npm run bench -- intake [--rounds 3] [--seconds 8]
 *
 * The last line printed is JSON with medians. It fails when the gateway did not keep up.
 */
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';

import { History } from '../support/facts.js';
import { Feed } from '../support/feed.js';
import type { ServiceProcess } from '../support/processes.js';
import { groundOn, privateStack } from '../support/stack.js';
import { System } from '../support/system.js';
import { Child } from './child.js';
import type { Fed, FeederAsk } from './fan-out/messages.js';
import { median, round, table } from './figures.js';
import { bytesRead, processorSeconds } from './outbox/process-figures.js';
import { machine } from './scene.js';

const RATES = [0, 1_000, 10_000] as const;
type Rate = (typeof RATES)[number];
const CHALLENGES = 1_000;
const WARM_UP_MS = 3_000;
const KEPT_UP = 0.97;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '8' } },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

interface Figures {
  readonly eventsPerS: number;
  /** Of one processor. */
  readonly share: number;
  readonly mbitPerS: number;
  readonly lateMs: number;
}

const acceptedBy = async (service: ServiceProcess): Promise<number> =>
  (await service.metric('tradesense_gateway_events_accepted_total')) ?? NaN;

async function measure(service: ServiceProcess, feeder: Child<FeederAsk>, rate: Rate): Promise<Figures> {
  await feeder.ask({ act: 'run', perSecond: rate, states: true });
  await delay(WARM_UP_MS);
  const accepted = await acceptedBy(service);
  const [beganMs, processor, bytes] = [performance.now(), processorSeconds(service.pid), bytesRead(service.pid)];
  await delay(seconds * 1_000);
  const tookS = (performance.now() - beganMs) / 1_000;
  const share = (processorSeconds(service.pid) - processor) / tookS;
  const mbitPerS = ((bytesRead(service.pid) - bytes) * 8) / 1e6 / tookS;
  const eventsPerS = ((await acceptedBy(service)) - accepted) / tookS;
  const { lateMs } = await feeder.ask<Fed>({ act: 'rest' });
  return { eventsPerS, share, mbitPerS, lateMs };
}

const measured = new Map<Rate, Figures[]>(RATES.map((rate) => [rate, []]));
const stack = await privateStack();
const feeder = new Child<FeederAsk>('fan-out/feeder-process');
try {
  const ground = groundOn(stack);
  const feed = new Feed(ground);
  feed.startWatermarks();
  const seats = Array.from({ length: CHALLENGES }, () => new History());
  const { brokers, topicPrefix } = ground;
  await feeder.ask({
    act: 'open',
    brokers,
    topicPrefix,
    seats: seats.map(({ userId, challengeId }) => ({ userId, challengeId })),
  });
  const system = await System.start(ground, { services: ['gateway'] });
  for (let turn = 1; turn <= rounds; turn += 1)
    for (const [rate, figures] of measured) figures.push(await measure(system.service('gateway'), feeder, rate));
  await system.stop();
  await feed.close();
} finally {
  feeder.close();
  await stack.stop();
}

const of = (rate: Rate, figure: keyof Figures): number => median((measured.get(rate) ?? []).map((one) => one[figure]));
const usPerEvent = (rate: Rate): number => ((of(rate, 'share') - of(0, 'share')) * 1e6) / of(rate, 'eventsPerS');
console.log(`intake: nobody connected, ${rounds} rounds of ${seconds} s; ${machine()}\n`);
console.log(
  table(
    ['events/s, each with a state', 'accepted/s', '% of a processor', 'us/event', 'Mbit/s', 'producer late ms'],
    RATES.map((rate) => [
      String(rate),
      round(of(rate, 'eventsPerS'), 0),
      round(of(rate, 'share') * 100),
      rate === 0 ? '-' : round(usPerEvent(rate)),
      round(of(rate, 'mbitPerS')),
      round(of(rate, 'lateMs')),
    ]),
  ),
);
const faults = RATES.filter((rate) => of(rate, 'eventsPerS') < rate * KEPT_UP);
for (const rate of faults) console.log(`\nNOT AS IT MUST BE: it did not keep up with ${rate} events a second`);
console.log(
  `\n${JSON.stringify({
    bench: 'intake',
    idle_cpu: round(of(0, 'share'), 3),
    cpu_1k: round(of(1_000, 'share'), 3),
    cpu_10k: round(of(10_000, 'share'), 3),
    us_per_event_1k: round(usPerEvent(1_000)),
    us_per_event_10k: round(usPerEvent(10_000)),
    mbit_1k: round(of(1_000, 'mbitPerS')),
    mbit_10k: round(of(10_000, 'mbitPerS')),
  })}`,
);
if (faults.length > 0) process.exitCode = 1;
