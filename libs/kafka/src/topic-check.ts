import type { TopicSpec } from '@tradesense/contracts';
import type { TopicFault } from './port.js';

/** A topic as the brokers have it. */
export interface TopicFound {
  readonly partitions: number;
  /** Of the partition that has fewest. */
  readonly copies: number;
  /** In effect, whoever set them. */
  readonly settings: ReadonlyMap<string, string>;
}

/** All that is looked at; the other settings are the operator's. */
export const CHECKED_SETTINGS = [
  'cleanup.policy',
  'message.timestamp.type',
  'compression.type',
  'min.insync.replicas',
  'unclean.leader.election.enable',
  'max.message.bytes',
  'retention.ms',
  'retention.bytes',
] as const;
type CheckedSetting = (typeof CHECKED_SETTINGS)[number];

/** Copies in production: one broker may be down for maintenance and another one fail. */
export const COPIES = 3;
/** How many must have a record before it counts as stored. */
export const insyncOf = (copies: number): number => Math.min(2, copies);

/** A batch of 512 KiB, the relay's largest, with what goes around it. A state, the largest record, has 48 KiB. */
const LEAST_MESSAGE_BYTES = 640 * 1024;
const READABLE = new Set(['uncompressed', 'producer', 'gzip']);
const HOUR_MS = 3_600_000;

/**
 * What is wrong with a topic, each thing with the command that mends it. Unfit: records are lost, misread or put elsewhere while
 * everything works. Unsafe: it takes a failure, or a rarer record, to lose one.
 * @param copies how many are wanted
 */
export function topicFaults(spec: TopicSpec, found: TopicFound | undefined, copies: number): readonly TopicFault[] {
  const topic = spec.name;
  if (found === undefined)
    return [{ topic, grade: 'unfit', what: 'is missing', mend: `npm run topics -- create --replication ${copies}` }];
  const faults = new Faults(spec, found);
  if (found.partitions !== spec.partitions)
    faults.add(
      'unfit',
      `has ${found.partitions} partitions, configured are ${spec.partitions}`,
      'keys would move: make topics under another TOPIC_PREFIX, or delete this one while it is empty and create it anew',
    );
  faults.expect('unfit', 'cleanup.policy');
  faults.expect('unfit', 'message.timestamp.type');
  checkCompression(faults);
  checkCopies(faults, found, copies);
  faults.expect('unsafe', 'unclean.leader.election.enable', 'false');
  faults.expectAtLeast('max.message.bytes', LEAST_MESSAGE_BYTES, (bytes) => `takes batches of ${bytes} bytes at most`);
  if (spec.settings['cleanup.policy'] === 'delete') checkRetention(faults, spec);
  return faults.found;
}

function checkCompression(faults: Faults): void {
  const wanted = 'uncompressed';
  const codec = faults.value('compression.type');
  if (!READABLE.has(codec)) faults.expect('unfit', 'compression.type', wanted);
  else if (codec === 'producer') faults.expect('unsafe', 'compression.type', wanted); // what others send may be unreadable
}

function checkCopies(faults: Faults, found: TopicFound, copies: number): void {
  const insync = Number(faults.value('min.insync.replicas'));
  const wanted = String(insyncOf(copies));
  if (found.copies < copies)
    faults.add(
      'unsafe',
      `has ${found.copies} ${found.copies === 1 ? 'copy' : 'copies'}, wanted are ${copies}`,
      'kafka-reassign-partitions.sh (docs/production.md)',
    );
  if (insync > found.copies)
    faults.expect('unfit', 'min.insync.replicas', String(insyncOf(found.copies))); // stores nothing
  else if (found.copies >= Number(wanted)) faults.expect('unsafe', 'min.insync.replicas', wanted);
}

function checkRetention(faults: Faults, { settings }: TopicSpec): void {
  const hours = (ms: number): string => `${Math.floor(ms / HOUR_MS)} h`;
  const wantedMs = Number(settings['retention.ms']);
  faults.expectAtLeast(
    'retention.ms',
    wantedMs,
    (ms) => `keeps records for ${hours(ms)}, wanted are ${hours(wantedMs)}`,
  );
  if (Number(faults.value('retention.bytes')) >= 0) faults.expect('unsafe', 'retention.bytes', '-1');
}

class Faults {
  readonly found: TopicFault[] = [];

  constructor(
    private readonly spec: TopicSpec,
    private readonly topic: TopicFound,
  ) {}

  value(setting: CheckedSetting): string {
    return this.topic.settings.get(setting) ?? '';
  }

  add(grade: TopicFault['grade'], what: string, mend: string): void {
    this.found.push({ topic: this.spec.name, grade, what, mend });
  }

  /** @param wanted absent: what the topic's specification says, if anything */
  expect(grade: TopicFault['grade'], setting: CheckedSetting, wanted = this.spec.settings[setting]): void {
    const value = this.value(setting);
    if (wanted === undefined || value === wanted) return;
    this.add(grade, `has ${setting}=${value}, expected is ${wanted}`, this.#alter(setting, wanted));
  }

  /** Minus one is no limit. */
  expectAtLeast(setting: CheckedSetting, least: number, say: (value: number) => string): void {
    const value = Number(this.value(setting));
    if (value >= 0 && value < least) this.add('unsafe', say(value), this.#alter(setting, String(least)));
  }

  #alter(setting: string, value: string): string {
    const change = `--alter --entity-type topics --entity-name ${this.spec.name} --add-config ${setting}=${value}`;
    return `kafka-configs.sh --bootstrap-server $KAFKA_BROKERS ${change}`;
  }
}
