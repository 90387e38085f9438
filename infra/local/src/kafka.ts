import { connect } from 'node:net';

/** A way in: Kafka tells its clients to come back to the advertised port, so a proxy in front needs a listener of its own. */
export interface KafkaListener {
  /** Letters only. */
  readonly name: string;
  readonly port: number;
  readonly advertisedPort: number;
  /** Absent: plain. */
  readonly door?: KafkaDoor;
}

/** How a listener lets clients in. */
export interface KafkaDoor {
  readonly security: 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  /** The listener's own settings, without `listener.name.….` in front. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A broker's ways in; the first one is everybody's, the other brokers' too. */
export type KafkaListeners = readonly [KafkaListener, ...KafkaListener[]];

export const securityOf = ({ door }: KafkaListener): string => door?.security ?? 'PLAINTEXT';

/** What brokers on one machine need, however they are started. */
export const brokerSettings: Readonly<Record<string, string>> = {
  'controller.listener.names': 'CONTROLLER',
  'auto.create.topics.enable': 'false', // a service that misspells a topic must hear of it
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  'log.cleaner.backoff.ms': '1000',
  // A killed broker is let in again only when its earlier life has run out.
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
};

/** What several brokers need beside it: design 7's settings of production, and leaders that return to their places soon. */
export const clusterSettings: Readonly<Record<string, string>> = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'unclean.leader.election.enable': 'false',
  'leader.imbalance.check.interval.seconds': '1',
  'leader.imbalance.per.broker.percentage': '0',
};
export const CLUSTER_ID = 'TradeSenseLocalStack0w';

/**
 * Asks which requests the broker knows (ApiVersions 0): it answers only once its start is over. An open port says less: it is
 * open seconds before.
 */
export function answersKafka(port: number, host = '127.0.0.1'): Promise<true | undefined> {
  const body = Buffer.from([0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff]); // key 18, version 0, correlation 7, no client id
  const request = Buffer.concat([Buffer.from([0, 0, 0, body.length]), body]);
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 }, () => socket.write(request));
    const end = (answer: true | undefined) => {
      socket.destroy();
      resolve(answer);
    };
    let got = Buffer.alloc(0);
    socket.on('data', (data) => {
      got = Buffer.concat([got, data]);
      if (got.length >= 10) end(got.readInt32BE(4) === 7 && got.readInt16BE(8) === 0 ? true : undefined);
    });
    socket
      .on('timeout', () => end(undefined))
      .on('error', () => end(undefined))
      .on('close', () => end(undefined));
  });
}
