import { HEADER, REQUIRED_HEADERS, headersOf, type RecordFacts } from '@tradesense/contracts';
import { CloudEvent, Kafka, type KafkaMessage } from 'cloudevents';

const facts: RecordFacts = {
  id: '01938a2e-7c4b-7def-8123-456789abcdef',
  type: 'EQUITY_UPDATED',
  time: '2026-11-25T14:46:18.123456Z',
  epoch: '1764081978',
  sequence: '12',
  position: '9007199254740993',
  userId: 'trader-1',
  traceparent: null,
};

describe('the headers of a record', () => {
  it('are all there, as text, and nothing else', () => {
    const headers = headersOf(facts);
    expect(Object.keys(headers).sort()).toEqual([...REQUIRED_HEADERS].sort());
    expect(Object.values(headers).every((value) => typeof value === 'string' && value !== '')).toBe(true);
  });

  it('carry a trace only where there is one', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    expect(headersOf(facts)).not.toHaveProperty(HEADER.traceparent);
    expect(headersOf({ ...facts, traceparent })).toHaveProperty(HEADER.traceparent, traceparent);
  });

  it('are read by the CloudEvents SDK as it is on npm', () => {
    const value = Buffer.from('{"current_equity":"10200.00"}');
    const message: KafkaMessage<Buffer> = { headers: headersOf(facts), body: value, key: 'k', value, timestamp: '0' };
    const event = Kafka.toEvent(message) as CloudEvent<Record<string, unknown>>;
    expect(event.validate()).toBe(true);
    expect(event).toMatchObject({
      specversion: '1.0',
      id: facts.id,
      source: '/tradesense/trade',
      type: 'EQUITY_UPDATED',
      datacontenttype: 'application/json',
      epoch: '1764081978',
      seq: '12',
      position: '9007199254740993',
      userid: 'trader-1',
      data: { current_equity: '10200.00' },
    });
    expect(Date.parse(event.time ?? '')).toBe(Date.parse(facts.time));
  });
});
