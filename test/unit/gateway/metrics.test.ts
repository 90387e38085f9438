import { gatewayMetrics } from '../../../services/gateway/src/metrics.js';

/** The table of what operators are promised, and a label's values where it has one. */
const PROMISED: readonly (readonly [string, RegExp])[] = [
  ['connections', /connections 3$/m],
  ['handshakes by result', /handshakes_total\{result="(ok|unauthorized|admission|per_user)"\} 0/],
  ['reconnects', /reconnects_total 0/],
  ['messages out', /messages_out_total 0/],
  ['bytes out', /out_bytes_total 0/],
  ['delivery latency', /delivery_latency_seconds_count 0/],
  ['delivery failures', /delivery_failures_total\{cause="(unread|unanswered|forged_pong|transport_error)"\} 0/],
  ['collapsed', /collapsed_total 0/],
  ['thinned', /thinned_total 0/],
  ['duplicates', /duplicates_total 0/],
  ['gaps', /gaps_total\{why="(sequence|epoch|doubt)"\} 0/],
  ['snapshots by reason', /snapshots_total\{reason="(no_cursor|too_old|epoch|gap|behind)"\} 0/],
  ['recoveries by result', /recoveries_total\{result="(recovered|no_cursor|too_old|epoch|gap|behind)"\} 0/],
  ['join refusals by reason', /join_refusals_total\{reason="(forbidden|unavailable|too_many_rooms)"\} 0/],
  ['windows shut', /windows_shut_total 0/],
  ['memory per connection', /connection_memory_bytes [\d.]+$/m],
  ['session duration', /session_seconds_count 0/],
  ['reconnection time', /reconnect_seconds_count 0/],
];
/** Node's own. */
const OF_THE_PROCESS: readonly (readonly [string, RegExp])[] = [
  ['event-loop delay', /^nodejs_eventloop_lag_p99_seconds /m],
  ['processor seconds', /^process_cpu_seconds_total /m],
  ['resident memory', /^process_resident_memory_bytes /m],
];

function metricsOf(connections = 3) {
  const { metrics, signals, watch } = gatewayMetrics({ now: () => 10_000 });
  watch({
    connections: () => connections,
    shut: () => 0,
    rooms: () => 5,
    awaited: () => 0,
    ringBytes: () => 0,
    ageMs: () => 0,
    blocks: () => 0,
  });
  return { signals, text: () => metrics.registry.metrics() };
}

describe('the metrics of the gateway', () => {
  it.each(PROMISED)('have %s from the start', async (_, series) => {
    const { text } = metricsOf();
    expect(await text()).toMatch(
      new RegExp(`^tradesense_gateway_${series.source}`, series.flags.replace('m', '') + 'm'),
    );
  });

  it.each(OF_THE_PROCESS)('have %s', async (_, series) => {
    expect(await metricsOf().text()).toMatch(series);
  });

  it('give every label a closed set of values, all there before anything happens', async () => {
    const { signals, text } = metricsOf();
    const seriesIn = (exposition: string): string[] =>
      exposition.split('\n').flatMap((line) => (line.startsWith('tradesense_') ? [line.replace(/ \S+$/, '')] : []));
    const before = new Set(seriesIn(await text()));
    const session = { lastedMs: 90_000, unackedBytes: 1 };
    signals.read('events', 1);
    signals.lost('watermarks', 'retention');
    signals.request('join_challenge', 'forbidden');
    signals.request('other', 'unknown_event');
    signals.handshake('admission');
    signals.turnedAway('per_address');
    signals.joined('too_old');
    signals.snapshot('gap');
    signals.returned(1_500);
    signals.ended('unread', session);
    signals.ended('going_away', session);
    const after = await text();
    expect(seriesIn(after).filter((series) => !before.has(series))).toEqual([]);
    expect(after).toMatch(/join_refusals_total\{reason="forbidden"\} 1/);
    expect(after).toMatch(/delivery_failures_total\{cause="unread"\} 1/);
    expect(after).toMatch(/session_seconds_bucket\{le="300"\} 2/);
    expect(after).toMatch(/reconnect_seconds_sum 1\.5/);
  });

  it('count no delivery as failed that was read, nor a session that never was', async () => {
    const { signals, text } = metricsOf();
    signals.ended('unread', { lastedMs: 1_000, unackedBytes: 0 });
    signals.ended('silent', { lastedMs: undefined, unackedBytes: 0 });
    signals.ended('client', { lastedMs: 1_000, unackedBytes: 500 });
    const exposition = await text();
    expect(exposition).not.toMatch(/delivery_failures_total\{[^}]*\} [^0]/);
    expect(exposition).toMatch(/session_seconds_count 2/);
  });

  it('say nothing of memory per connection while there is none', async () => {
    expect(await metricsOf(0).text()).toMatch(/connection_memory_bytes 0$/m);
  });
});
