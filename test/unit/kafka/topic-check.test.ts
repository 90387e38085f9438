import { topicsOf, type TopicSpec } from '@tradesense/contracts';

import { topicFaults } from '../../../libs/kafka/src/topic-check.js';

const { events, state, audit } = topicsOf();

/** As `topics create --replication 3` makes it, but for what is named. */
function faultsOf(
  spec: TopicSpec,
  {
    partitions = spec.partitions,
    copies = 3,
    ...settings
  }: { partitions?: number; copies?: number; [setting: string]: unknown } = {},
  wanted = 3,
) {
  const made = {
    'cleanup.policy': 'delete',
    'min.insync.replicas': '2',
    'unclean.leader.election.enable': 'false',
    'max.message.bytes': '1048588',
    'retention.ms': '604800000',
    'retention.bytes': '-1',
    ...spec.settings,
    ...settings,
  };
  return topicFaults(spec, { partitions, copies, settings: new Map(Object.entries(made)) }, wanted);
}

describe('a topic', () => {
  it.each([events, state, audit])('made for three brokers is well: $name', (spec) => {
    expect(faultsOf(spec)).toEqual([]);
  });

  it('that is missing is unfit', () => {
    expect(topicFaults(events, undefined, 3)).toMatchObject([
      { topic: events.name, grade: 'unfit', what: 'is missing', mend: 'npm run topics -- create --replication 3' },
    ]);
  });

  it.each<[grade: 'unfit' | 'unsafe', what: RegExp, spec: TopicSpec, found: Parameters<typeof faultsOf>[1]]>([
    ['unfit', /13 partitions, configured are 12/, events, { partitions: 13 }],
    ['unfit', /cleanup.policy=compact, expected is delete/, events, { 'cleanup.policy': 'compact' }],
    ['unfit', /cleanup.policy=delete, expected is compact/, state, { 'cleanup.policy': 'delete' }],
    ['unfit', /cleanup.policy=compact,delete/, state, { 'cleanup.policy': 'compact,delete' }],
    ['unfit', /message.timestamp.type=CreateTime/, events, { 'message.timestamp.type': 'CreateTime' }],
    ['unfit', /compression.type=zstd, expected is uncompressed/, events, { 'compression.type': 'zstd' }],
    ['unsafe', /compression.type=producer/, events, { 'compression.type': 'producer' }],
    ['unsafe', /has 2 copies, wanted are 3/, events, { copies: 2 }],
    ['unsafe', /has 1 copy, wanted are 3/, events, { copies: 1, 'min.insync.replicas': '1' }],
    ['unsafe', /min.insync.replicas=1, expected is 2/, events, { 'min.insync.replicas': '1' }],
    ['unsafe', /min.insync.replicas=3, expected is 2/, events, { 'min.insync.replicas': '3' }],
    ['unfit', /min.insync.replicas=4, expected is 2/, events, { 'min.insync.replicas': '4' }],
    ['unsafe', /unclean.leader.election.enable=true/, state, { 'unclean.leader.election.enable': 'true' }],
    ['unsafe', /takes batches of 100000 bytes at most/, state, { 'max.message.bytes': '100000' }],
    ['unsafe', /keeps records for 24 h, wanted are 168 h/, events, { 'retention.ms': '86400000' }],
    ['unsafe', /retention.bytes=1000000, expected is -1/, events, { 'retention.bytes': '1000000' }],
  ])('is %s when it %s', (grade, what, spec, found) => {
    const faults = faultsOf(spec, found);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ topic: spec.name, grade });
    expect(faults[0]?.what).toMatch(what);
    expect(faults[0]?.mend).not.toBe('');
  });

  it('may keep records longer, and needs no retention when it is compacted', () => {
    expect(faultsOf(events, { 'retention.ms': '-1' })).toEqual([]);
    expect(faultsOf(state, { 'retention.ms': '1000' })).toEqual([]);
  });

  it('of one broker is well where one copy is wanted', () => {
    expect(faultsOf(events, { copies: 1, 'min.insync.replicas': '1' }, 1)).toEqual([]);
  });

  it('says the command that mends it', () => {
    expect(faultsOf(state, { 'cleanup.policy': 'delete' })[0]?.mend).toBe(
      'kafka-configs.sh --bootstrap-server $KAFKA_BROKERS --alter --entity-type topics' +
        ' --entity-name tradesense.challenge-state --add-config cleanup.policy=compact',
    );
  });
});
