/** The longest files first: one that starts last would be waited for alone. Without a cache of times Jest can't know. */
import Sequencer from '@jest/test-sequencer';

const LONGEST = [
  'integration/local/stack',
  'integration/local/docker',
  'integration/relay/servers-away',
  'integration/local/demo',
  'integration/debezium/switching',
  'integration/debezium/drop-in',
  'integration/kafka/three-brokers',
  'integration/kafka/broken-broker',
  'integration/kafka/secure',
  'integration/gateway/sockets',
  'e2e/nothing-is-lost',
];
const rank = ({ path }) => {
  const place = LONGEST.findIndex((name) => path.includes(`/test/${name}.test.`));
  return place < 0 ? LONGEST.length : place;
};

export default class extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}
