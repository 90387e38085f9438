/**
 * What a message costs on its way from Kafka to a socket: this gateway, a bare forwarder (kafkajs's public consumer → ws), the same
 * forwarder on our reader, and plain socket.io, in one run on one stack; 1,000 clients in 1,000 rooms, 1,000 and then 10,000
 * messages a second. Clients and producers are processes of their own. Processor time is the server process's.
 *
 * A shared machine may be half as fast a minute later, which is more than what they differ by. So all four stand ready with topics,
 * producer and clients of their own, and are fed in turns of seconds: what slows one down slows the others down too. And two
 * processes of one program may differ by a fifth for as long as they live, so all four are started several times.
 *
 *   npm run bench -- gateway [--starts 3] [--rounds 2] [--seconds 5] [--clients 1000]
 *
 * The last line printed is JSON with medians. A turn in which messages were collapsed does not count.
 */
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';

import { topicsOf } from '@tradesense/contracts';

import { History } from '../support/facts.js';
import { Feed } from '../support/feed.js';
import { ServiceProcess } from '../support/processes.js';
import { groundOn, privateStack } from '../support/stack.js';
import { System, type Ground } from '../support/system.js';
import { until } from '../support/until.js';
import { Child } from './child.js';
import type { CrowdAsk, Fed, FeederAsk, Heard } from './fan-out/messages.js';
import { median, round, sum, table } from './figures.js';
import { processorSeconds } from './outbox/process-figures.js';
import { machine } from './scene.js';

const RATES = { slow: 1_000, fast: 10_000 } as const;
type Rate = keyof typeof RATES;
/** Before the first turn, until V8 has compiled what runs often; and at the beginning of each. */
const WARM_UP_MS = 8_000;
const SETTLE_MS = 1_000;
const PRELOAD = 'test/dist/bench/baseline/loop-delay-preload.js';
const LIMITS = { beyondSameReaderUs: 35, p99Ratio: 1.5, loopDelayMs: 20 };

const { values } = parseArgs({
  options: {
    starts: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '5' },
    clients: { type: 'string', default: '1000' },
  },
});
const starts = Number(values.starts);
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const clients = Number(values.clients);

type Name = 'gateway' | 'forwarder' | 'same_reader' | 'socketio';
const NAMES: readonly Name[] = ['gateway', 'forwarder', 'same_reader', 'socketio'];
const IN_WORDS: Readonly<Record<Name, string>> = {
  gateway: 'this gateway',
  forwarder: 'kafkajs -> ws',
  same_reader: 'our reader -> ws',
  socketio: 'kafkajs -> socket.io',
};

interface Figures extends Heard {
  readonly name: Name;
  readonly rate: Rate;
  readonly usPerMessage: number;
  readonly loopDelayMs: number;
  readonly lateMs: number;
}

/** One of the four. It idles, unless its producer is told to run. */
interface Contender {
  readonly name: Name;
  readonly service: ServiceProcess;
  readonly feeder: Child<FeederAsk>;
  readonly crowd: Child<CrowdAsk>;
  close(): Promise<void>;
}

async function contend(name: Name, started: number): Promise<Contender> {
  const topicPrefix = `${name}-${started}.`;
  await stack.makeTopics(topicPrefix);
  const ground = groundOn(stack, topicPrefix);
  const seats = Array.from({ length: clients }, () => new History());
  const ids = seats.map(({ userId, challengeId }) => ({ userId, challengeId }));
  const feed = new Feed(ground);
  const feeder = new Child<FeederAsk>('fan-out/feeder-process');
  const crowd = new Child<CrowdAsk>('fan-out/crowd-process');
  await feed.publish(...seats.map((history) => history.state()));
  feed.startWatermarks();
  await feeder.ask({ act: 'open', brokers: ground.brokers, topicPrefix, seats: ids });
  const { service, url } = await start(name, ground);
  const speaks = name === 'gateway' || name === 'socketio' ? 'socket.io' : 'websocket';
  await crowd.ask({ act: 'open', url, speaks, seats: ids });
  const close = async (): Promise<void> => {
    await service.kill();
    feeder.close();
    crowd.close();
    await feed.close();
  };
  return { name, service, feeder, crowd, close };
}

async function start(name: Name, ground: Ground): Promise<{ service: ServiceProcess; url: string }> {
  if (name === 'gateway') {
    const none = { ADMISSION_PER_S: '0', MAX_CONNECTIONS_PER_USER: '0', MAX_CONNECTIONS_PER_ADDRESS: '0' };
    const system = await System.start(ground, {
      services: ['gateway'],
      env: { gateway: none },
      preload: { gateway: PRELOAD },
    });
    return { service: system.service('gateway'), url: system.gatewayUrl };
  }
  const { events } = topicsOf(ground.topicPrefix);
  const service = await ServiceProcess.start({
    name: IN_WORDS[name],
    entry: `test/dist/bench/baseline/${name === 'socketio' ? 'plain-socket-io' : 'forwarder'}.js`,
    preload: PRELOAD,
    env: {
      NODE_ENV: 'production',
      BROKERS: ground.brokers.join(','),
      TOPIC: events.name,
      PARTITIONS: String(events.partitions),
      READER: name === 'same_reader' ? 'own' : 'kafkajs',
    },
  });
  await until(
    () => service.logged('listening').length,
    (count) => count > 0,
    { withinMs: 30_000, what: `${name} listens` },
  );
  return { service, url: `ws://127.0.0.1:${service.port}` };
}

/** Since it was last asked. */
async function loopDelayOf(service: ServiceProcess): Promise<number> {
  const before = service.logged('loop delay').length;
  process.kill(service.pid, 'SIGUSR2');
  const lines = await until(
    () => service.logged('loop delay'),
    (found) => found.length > before,
    { what: 'the delay of the event loop' },
  );
  return (lines.at(-1) as unknown as { p99_ms: number }).p99_ms;
}

async function takeTurn({ name, service, crowd, feeder }: Contender, rate: Rate): Promise<Figures> {
  await feeder.ask({ act: 'run', perSecond: RATES[rate] });
  await delay(SETTLE_MS);
  await loopDelayOf(service);
  await crowd.ask({ act: 'forget' });
  const before = processorSeconds(service.pid);
  await delay(seconds * 1_000);
  const took = processorSeconds(service.pid) - before;
  const heard = await crowd.ask<Heard>({ act: 'read' });
  const loopDelayMs = await loopDelayOf(service);
  const { lateMs } = await feeder.ask<Fed>({ act: 'rest' });
  return { name, rate, ...heard, usPerMessage: (took * 1e6) / heard.messages, loopDelayMs, lateMs };
}

/** Starts all four and feeds them in turns. */
async function compare(started: number): Promise<void> {
  const contenders: Contender[] = [];
  try {
    for (const name of NAMES) contenders.push(await contend(name, started));
    for (const { feeder } of contenders) {
      await feeder.ask({ act: 'run', perSecond: RATES.fast });
      await delay(WARM_UP_MS);
      await feeder.ask<Fed>({ act: 'rest' });
    }
    for (let turn = 0; turn < rounds; turn += 1) {
      const first = (started * rounds + turn) % NAMES.length; // nobody is always first
      for (const rate of Object.keys(RATES) as Rate[])
        for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)])
          keep(await takeTurn(contender, rate));
    }
  } finally {
    await Promise.allSettled(contenders.map((contender) => contender.close()));
  }
}

const turns: Figures[] = [];
function keep(figures: Figures): void {
  turns.push(figures);
  const { name, rate, usPerMessage, p50Ms, p99Ms, loopDelayMs, lateMs } = figures;
  process.stderr.write(
    `${IN_WORDS[name]}, ${RATES[rate]}/s: ${round(usPerMessage)} us, p50 ${round(p50Ms)}, p99 ${round(p99Ms)} ms, loop ${round(loopDelayMs)} ms, producer late ${round(lateMs)} ms\n`,
  );
}

const stack = await privateStack({ topicPrefix: null });
try {
  for (let started = 0; started < starts; started += 1) await compare(started);
} finally {
  await stack.stop();
}

const turnsOf = (name: Name, rate: Rate): readonly Figures[] =>
  turns.filter((turn) => turn.name === name && turn.rate === rate);
const of = (name: Name, rate: Rate, figure: Exclude<keyof Figures, 'name' | 'rate'>): number =>
  median(
    turnsOf(name, rate)
      .filter(({ collapsed }) => collapsed === 0)
      .map((figures) => figures[figure]),
  );
const collapsed = sum([...turnsOf('gateway', 'slow'), ...turnsOf('gateway', 'fast')].map((turn) => turn.collapsed));
const rows = (Object.keys(RATES) as Rate[]).flatMap((rate) =>
  NAMES.map((name) => [
    `${IN_WORDS[name]}, ${RATES[rate]}/s`,
    Math.round(of(name, rate, 'messages') / seconds),
    round(of(name, rate, 'usPerMessage')),
    round(of(name, rate, 'p50Ms')),
    round(of(name, rate, 'p99Ms')),
    round(of(name, rate, 'loopDelayMs')),
    round(of(name, rate, 'lateMs')),
  ]),
);
console.log(
  `gateway: ${clients} clients, one room each, ${starts} starts, ${rounds} turns of ${seconds} s each; limits per address, user and admission off; ${machine()}\n`,
);
console.log(table(['median', 'messages/s', 'us/message', 'p50 ms', 'p99 ms', 'loop p99 ms', 'late ms'], rows));
const figures = {
  us_per_message: round(of('gateway', 'fast', 'usPerMessage')),
  forwarder_us: round(of('forwarder', 'fast', 'usPerMessage')),
  same_reader_us: round(of('same_reader', 'fast', 'usPerMessage')),
  socketio_us: round(of('socketio', 'fast', 'usPerMessage')),
  p50_ms: round(of('gateway', 'fast', 'p50Ms')),
  p99_ms: round(of('gateway', 'fast', 'p99Ms')),
  forwarder_p99_ms: round(of('forwarder', 'fast', 'p99Ms')),
  p99_ms_1k: round(of('gateway', 'slow', 'p99Ms')),
  forwarder_p99_ms_1k: round(of('forwarder', 'slow', 'p99Ms')),
  loop_delay_p99_ms: round(of('gateway', 'fast', 'loopDelayMs')),
};
const faults = [
  [figures.us_per_message <= figures.forwarder_us, 'a message costs more than at the bare forwarder'],
  [
    figures.us_per_message <= figures.same_reader_us + LIMITS.beyondSameReaderUs,
    'more than 35 us beyond the same reader',
  ],
  [figures.p99_ms <= LIMITS.p99Ratio * figures.forwarder_p99_ms, 'p99 at 10,000/s beyond 1.5 times the forwarder'],
  [figures.p99_ms_1k <= figures.forwarder_p99_ms_1k, "p99 at 1,000/s beyond the forwarder's"],
  [figures.loop_delay_p99_ms <= LIMITS.loopDelayMs, 'the event loop is late'],
].flatMap(([holds, fault]) => (holds === true ? [] : [fault as string]));
for (const fault of faults) console.log(`\nNOT AS IT MUST BE: ${fault}`);
console.log(`\n${JSON.stringify({ bench: 'gateway', collapsed, ...figures })}`);
if (faults.length > 0) process.exitCode = 1;
