import { randomBytes } from 'node:crypto';

import { connectAdmin, connectPublisher, openReader } from '@tradesense/kafka';
import { deleteBefore, kafkaContract } from '@tradesense/kafka/testing';

import { sharedServers } from '../../support/stack.js';
import { until } from '../../support/until.js';

describe('A real broker keeps the contract:', () => {
  const connection = { brokers: sharedServers().kafkaBrokers, clientId: 'contract' };

  kafkaContract({ it, until }, `k${randomBytes(4).toString('hex')}.`, () => ({
    publisher: (topics) => connectPublisher(connection, { topics }),
    reader: (topics, handlers, options) => openReader(connection, topics, handlers, options),
    admin: () => connectAdmin(connection),
    deleteBefore: (topic, partition, offset) => deleteBefore(connection, topic, partition, offset),
  }));
});
