/**
 * What a gateway remembers of a challenge, and what its rings hold: states and events are read as in a warm start, without Kafka,
 * and the memory is looked at once the garbage is collected. What one challenge costs decides how many a gateway has room for.
 *
 *   npm run bench -- warm [--challenges 100000] [--rings-mb 64]
 *
 * The last line printed is JSON. It fails when the rings ever hold more than they may, when objects are held for their frames, or when a
 * challenge costs more than its state and a kilobyte and a half.
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { topicsOf, type ChallengeId, type UserId } from '@tradesense/contracts';
import { turn } from '@tradesense/platform';

import { readRecord } from '../../services/gateway/src/intake/index.js';
import { Rooms } from '../../services/gateway/src/rooms/index.js';
import { History, recordOf, type Fact } from '../support/facts.js';
import { Counted, incoming } from '../support/gateway-facts.js';
import { round, table } from './figures.js';
import { machine } from './scene.js';

const MB = 1024 * 1024;
const LIMIT_BEYOND_STATE_BYTES = 1_536;
/** Of a challenge's ring; its frames lie in memory that was taken before. */
const LIMIT_HELD_BYTES = 256;
/** Of each challenge; the rings are to be full before the last event. */
const EVENTS = 4;
/** Records that a reader hands over before others have their turn. */
const PIECE = 64;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const { values } = parseArgs({
  options: { challenges: { type: 'string', default: '100000' }, 'rings-mb': { type: 'string', default: '64' } },
});
const challenges = Number(values.challenges);
const ringBytes = Number(values['rings-mb']) * MB;

/** Resident, and what of it JavaScript holds. */
function memory(): { readonly rss: number; readonly held: number } {
  for (let round = 0; round < 3; round += 1) collectGarbage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, held: heapUsed + external };
}

const { events, state } = topicsOf();
const rooms = new Rooms({ signals: new Counted(), ringBytes });
let recordBytes = 0;
let mostInRings = 0;

function take(fact: Fact, stream: 'events' | 'state', storedAtMs: number): void {
  const record = incoming(recordOf(fact), (stream === 'events' ? events : state).name, storedAtMs);
  const read = readRecord(record, stream);
  recordBytes += record.value?.length ?? 0;
  if (read.is === 'event') rooms.event(read.event);
  else if (read.is === 'state') rooms.state(read.state);
  else throw new Error(`a ${stream} record was taken for ${read.is}`);
  mostInRings = Math.max(mostInRings, rooms.ringBytes);
}

const before = memory();
const opened: { readonly id: ChallengeId; readonly userId: UserId }[] = [];
for (let count = 0; count < challenges; count += 1) {
  const history = new History();
  opened.push({ id: history.challengeId, userId: history.userId });
  take(history.state(), 'state', 0);
}
const stateBytes = recordBytes / challenges;
const withStates = memory();

recordBytes = 0;
for (let step = 1; step <= EVENTS; step += 1)
  for (const [index, { id, userId }] of opened.entries()) {
    if (index % PIECE === 0) await turn();
    const history = new History(id, userId);
    for (let sequence = 1; sequence < step; sequence += 1) history.alert();
    take(history.alert(), 'events', step * 60_000 + Math.floor((index / opened.length) * 60_000));
  }
const eventBytes = recordBytes / (EVENTS * challenges);
const withRings = memory();

const perChallenge = (withStates.rss - before.rss) / challenges;
const mbPer100k = ((withStates.rss - before.rss) / challenges / MB) * 100_000;
const ringsNow = rooms.ringBytes;
const ringsHeld = withRings.held - withStates.held;
const ringsResident = withRings.rss - withStates.rss;
console.log(`${challenges} challenges, rings of at most ${ringBytes / MB} MB; ${machine()}\n`);
console.log(
  table(
    ['', 'warm'],
    [
      ['state, bytes of JSON', round(stateBytes, 0)],
      ['event, bytes of JSON', round(eventBytes, 0)],
      ['per 100,000 challenges, MB resident', round(mbPer100k)],
      ['per 100,000 challenges, MB held', round(((withStates.held - before.held) / challenges / MB) * 100_000)],
      ['per challenge beyond its state, bytes', round(perChallenge - stateBytes, 0)],
      ['rings at most, MB counted', round(mostInRings / MB)],
      ['rings at the end, MB counted', round(ringsNow / MB)],
      ['rings at the end, MB of objects', round(ringsHeld / MB)],
      ['rings at the end, MB resident', round(ringsResident / MB)],
    ],
  ),
);
console.log(
  `\n${JSON.stringify({
    bench: 'warm',
    challenges,
    state_bytes: round(stateBytes, 0),
    mb_per_100k: round(mbPer100k),
    beyond_state_bytes: round(perChallenge - stateBytes, 0),
    rings_limit_mb: ringBytes / MB,
    rings_most_mb: round(mostInRings / MB),
    rings_counted_mb: round(ringsNow / MB),
    rings_objects_mb: round(ringsHeld / MB),
    rings_resident_mb: round(ringsResident / MB),
  })}`,
);
const faults = [
  ...(mostInRings > ringBytes ? [`the rings held ${mostInRings} bytes, their limit is ${ringBytes}`] : []),
  ...(ringsHeld > LIMIT_HELD_BYTES * challenges ? [`${ringsHeld} bytes of objects are held for rings`] : []),
  ...(mostInRings < ringBytes / 2 ? ['the rings were never full: it shows nothing about their limit'] : []),
  ...(perChallenge - stateBytes > LIMIT_BEYOND_STATE_BYTES ? ['a challenge costs too much beside its state'] : []),
];
for (const fault of faults) console.log(`NOT AS IT MUST BE: ${fault}`);
if (faults.length > 0) process.exitCode = 1;
