import { CHALLENGE_PARTITIONS, EVENTS, STATE, topicsOf } from '@tradesense/contracts';

describe('topics', () => {
  it('are named by the outbox: prefix and aggregate type', () => {
    expect(topicsOf().events.name).toBe(`tradesense.${EVENTS}`);
    expect(topicsOf('test-7.').state.name).toBe(`test-7.${STATE}`);
  });

  it('have distinct names', () => {
    const names = Object.values(topicsOf()).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('keep a challenge in the same partition in all topics that carry challenges', () => {
    const { events, state, replay } = topicsOf();
    expect([events, state, replay].map(({ partitions }) => partitions)).toEqual(
      Array.from({ length: 3 }, () => CHALLENGE_PARTITIONS),
    );
  });

  it('keep events for seven days by the broker’s clock, and the latest state for ever', () => {
    const { events, state } = topicsOf();
    expect(events.settings).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': '604800000',
      'message.timestamp.type': 'LogAppendTime',
    });
    expect(state.settings).toMatchObject({ 'cleanup.policy': 'compact' });
    expect(state.settings).not.toHaveProperty('retention.ms');
  });
});
