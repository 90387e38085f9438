import { systemRandom, type Clock } from '@tradesense/platform';
import { Brokers } from '../brokers.js';
import type { OutgoingPartition } from '../outgoing.js';
import { RecordRefused, type Ends, type KafkaConnection, type OutgoingRecord } from '../port.js';
import { PRODUCE, produceRequest, type ProduceAnswer, type Produced } from '../protocol/produce.js';
import { ERROR, REFUSALS, errorName, type Request } from '../protocol/request.js';

export interface SessionOptions {
  readonly topics: readonly { readonly topic: string; readonly partitions: number }[];
  readonly deadlineMs: number;
  readonly clock: Clock;
}

interface Leading {
  /** Broker by partition's name. */
  readonly nodes: ReadonlyMap<string, number>;
  readonly missing: readonly string[];
}

/** Connections that were opened together and end together, and what was learned once over them: who leads what. */
export class Session {
  readonly #brokers: Brokers;
  #leading: Leading | undefined;

  constructor(
    connection: KafkaConnection,
    private readonly options: SessionOptions,
  ) {
    this.#brokers = new Brokers(connection, {
      answerMs: Math.ceil(options.deadlineMs / 3), // one broker that is dumb leaves time to ask another
      needed: [PRODUCE],
      random: systemRandom,
    });
  }

  /** @throws RecordRefused when all have answered; otherwise Error as soon as one thing is unclear */
  async publish(outgoing: readonly OutgoingPartition[]): Promise<{ readonly ends: Ends; readonly throttleMs: number }> {
    const { nodes, missing } = (this.#leading ??= await this.#findLeaders());
    const requests: [nodeId: number, partitions: OutgoingPartition[]][] = [];
    for (const one of outgoing) {
      const nodeId = nodes.get(nameOf(one));
      if (nodeId === undefined) throw new Error([`${nameOf(one)} has no leader`, ...missing].join(', '));
      const known = requests.find(([node]) => node === nodeId);
      if (known === undefined) requests.push([nodeId, [one]]);
      else known[1].push(one);
    }
    // All are written before the first leaves: what can't be written leaves nothing under way (P5).
    const terms = { nowMs: this.options.clock.now(), timeoutMs: this.options.deadlineMs };
    const written = requests.map(([nodeId, partitions]) => ({
      nodeId,
      partitions,
      request: produceRequest(partitions, terms),
    }));
    const outcomes = await Promise.all(written.map((one) => this.#produce(one)));
    const ends = new Map<string, Map<number, bigint>>();
    for (const { topic, partition, end } of outcomes.flatMap(({ stored }) => stored)) {
      const ofTopic = ends.get(topic);
      if (ofTopic === undefined) ends.set(topic, new Map([[partition, end]]));
      else ofTopic.set(partition, end);
    }
    const refusals = outcomes.flatMap(({ refused }) => refused);
    if (refusals[0] !== undefined)
      throw new RecordRefused(refusals[0].why, new Set(refusals.flatMap(({ records }) => records)), ends);
    return { ends, throttleMs: Math.max(...outcomes.map(({ throttleMs }) => throttleMs)) };
  }

  cut(): void {
    this.#brokers.close();
  }

  async #findLeaders(): Promise<Leading> {
    const { leaders, missing } = await this.#brokers.leaders(this.options.topics);
    return { nodes: new Map(leaders.map((one) => [nameOf(one), one.nodeId])), missing };
  }

  async #produce({ nodeId, partitions, request }: Written): Promise<Outcome> {
    const link = await this.#brokers.link(nodeId);
    const { answers, throttleMs } = await link.request(request, this.options.deadlineMs);
    return { throttleMs, ...outcomeOf(partitions, answers) };
  }
}

interface Written {
  readonly nodeId: number;
  readonly partitions: readonly OutgoingPartition[];
  readonly request: Request<Produced>;
}

interface Outcome {
  readonly throttleMs: number;
  readonly stored: readonly { readonly topic: string; readonly partition: number; readonly end: bigint }[];
  /** Records of partitions in which one was refused, and what the broker has against it. */
  readonly refused: readonly { readonly records: readonly OutgoingRecord[]; readonly why: string }[];
}

/** What was sent, compared with what was answered (P3). @throws Error where a partition's outcome is unclear */
function outcomeOf(
  partitions: readonly OutgoingPartition[],
  answers: readonly ProduceAnswer[],
): Pick<Outcome, 'stored' | 'refused'> {
  const refused: Outcome['refused'][number][] = [];
  const stored = partitions.flatMap(({ topic, partition, records }) => {
    const name = nameOf({ topic, partition });
    const answer = answers.find((one) => one.topic === topic && one.partition === partition);
    if (answer === undefined) throw new Error(`${name} is missing among the acknowledged`);
    const { errorCode, baseOffset, reason } = answer;
    const said = [errorName(errorCode), ...(reason === null ? [] : [reason])].join(', ');
    if (REFUSALS.has(errorCode)) {
      refused.push({ records, why: `${said} (${name})` });
      return [];
    }
    if (errorCode !== ERROR.none) throw new Error(`${name}: ${said}`);
    if (baseOffset < 0n) throw new Error(`${name} is acknowledged without an offset`);
    return [{ topic, partition, end: baseOffset + BigInt(records.length) }];
  });
  return { stored, refused };
}

const nameOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}[${partition}]`;
