import { createMetrics, type Metrics } from '@tradesense/platform';

describe('metrics', () => {
  it('say whose they are', async () => {
    const metrics = createMetrics('relay');
    metrics.counter({ name: 'published_total', help: 'Published.', labels: ['stream'] }).inc({ stream: 'events' });
    metrics.gauge({ name: 'lag_seconds', help: 'Lag.', collect: (gauge) => gauge.set(1.5) });
    metrics.histogram({ name: 'send_seconds', help: 'Send.' }).observe(0.02);
    const text = await metrics.registry.metrics();
    expect(text).toContain('tradesense_relay_published_total{stream="events"} 1');
    expect(text).toContain('tradesense_relay_lag_seconds 1.5');
    expect(text).toContain('tradesense_relay_send_seconds_bucket{le="0.025"} 1');
    expect(text).toContain('process_cpu_user_seconds_total');
  });

  it('show a spread as they show a histogram', async () => {
    const [spread, histogram] = [createMetrics('gateway'), createMetrics('gateway')];
    const observe = spread.spread('delay_seconds', 'Delay.');
    const library = histogram.histogram({ name: 'delay_seconds', help: 'Delay.' });
    const shown = (metrics: Metrics) => metrics.registry.getSingleMetricAsString('tradesense_gateway_delay_seconds');
    library.observe(0);
    observe(0);
    expect(await shown(spread)).toBe(await shown(histogram));
    for (const seconds of [0.001, 0.0011, 0.2, 30, 30.1, 1_000]) {
      library.observe(seconds);
      observe(seconds);
    }
    expect(await shown(spread)).toBe(await shown(histogram));
  });

  it.each([
    'challenge',
    'challenge_id',
    'user',
    'user_id',
    'trade_id',
    'room',
    'socket_id',
    'address',
    'path',
    'url',
    'message',
  ])('refuse the label %s, whose values have no end', (label) => {
    const metrics = createMetrics('gateway');
    const named = { name: 'x_total', help: 'X.', labels: [label] };
    expect(() => metrics.counter(named)).toThrow(RangeError);
    expect(() => metrics.gauge(named)).toThrow(RangeError);
    expect(() => metrics.histogram(named)).toThrow(RangeError);
  });

  it.each(['topic', 'code', 'reason', 'stream', 'route', 'event', 'valid'])('take the label %s', (label) => {
    expect(() => createMetrics('gateway').counter({ name: 'x_total', help: 'X.', labels: [label] })).not.toThrow();
  });

  it('of two services in one process do not meet', async () => {
    const [one, other] = [createMetrics('one'), createMetrics('other')];
    one.counter({ name: 'x_total', help: 'X.' }).inc();
    other.counter({ name: 'x_total', help: 'X.' });
    expect(await other.registry.metrics()).not.toContain('tradesense_one_');
  });
});
