import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

interface Named<Label extends string> {
  readonly name: string;
  readonly help: string;
  /** Closed sets only: never a challenge, a user, an address or a text (pitfall X6). */
  readonly labels?: readonly Label[];
}

/** One series per value lives as long as the process, so these would fill it (pitfall X6). */
const UNBOUNDED = /^(challenge|user|trade|room|socket|token|address|ip|path|url|message)$|(^|_)id$/i;

/** Seconds, around the objective of 1 s from commit to page. */
export const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Metrics of one service; names get the prefix `tradesense_<service>_`. A label that names an id or a text is refused. */
export interface Metrics {
  readonly registry: Registry;
  counter<Label extends string = never>(named: Named<Label>): Counter<Label>;
  /** A counter for what happens ten thousand times a second: a number that is added to, and read when somebody looks. */
  tally(name: string, help: string): (added: number) => void;
  /** A histogram of seconds likewise: counted by bound, and given prom-client's form when somebody looks. */
  spread(name: string, help: string): (seconds: number) => void;
  gauge<Label extends string = never>(
    named: Named<Label> & { readonly collect?: (gauge: Gauge<Label>) => void },
  ): Gauge<Label>;
  /** Asked whenever it is looked at; without a value there is no series, which a zero would pretend to be. */
  gaugeOf(name: string, help: string, read: () => number | undefined): void;
  histogram<Label extends string = never>(
    named: Named<Label> & { readonly buckets?: readonly number[] },
  ): Histogram<Label>;
}

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const common = <Label extends string>({ name, help, labels = [] }: Named<Label>) => {
    const unbounded = labels.find((label) => UNBOUNDED.test(label));
    if (unbounded !== undefined)
      throw new RangeError(`metric ${name}: the label ${unbounded} has no bounded set of values`);
    return { name: `tradesense_${service}_${name}`, help, labelNames: [...labels], registers: [registry] };
  };
  return {
    registry,
    counter: (named) => new Counter(common(named)),
    tally(name, help) {
      let since = 0;
      new Counter({
        ...common({ name, help }),
        collect() {
          this.inc(since);
          since = 0;
        },
      });
      return (added) => void (since += added);
    },
    gauge({ collect, ...named }) {
      return new Gauge({
        ...common(named),
        ...(collect === undefined
          ? {}
          : {
              collect() {
                collect(this as never);
              },
            }),
      });
    },
    gaugeOf(name, help, read) {
      this.gauge({
        name,
        help,
        collect(gauge) {
          const value = read();
          if (value === undefined) gauge.remove();
          else gauge.set(value);
        },
      });
    },
    spread(name, help) {
      const counts = [...LATENCY_BUCKETS, Infinity].map(() => 0);
      let sum = 0;
      const { name: full } = common({ name, help });
      const get = () => {
        let count = 0;
        const buckets = counts.map((here, index) => ({
          metricName: `${full}_bucket`,
          labels: { le: LATENCY_BUCKETS[index] ?? '+Inf' },
          value: (count += here),
        }));
        const totals = [
          { metricName: `${full}_sum`, labels: {}, value: sum },
          { metricName: `${full}_count`, labels: {}, value: count },
        ];
        return Promise.resolve({ name: full, help, type: 'histogram', values: [...buckets, ...totals] });
      };
      // All that a registry asks of a metric; its type names the library's own classes only.
      registry.registerMetric({ name: full, get } as unknown as Histogram);
      return (seconds) => {
        let index = 0;
        while (seconds > (LATENCY_BUCKETS[index] ?? Infinity)) index += 1;
        counts[index] = (counts[index] as number) + 1;
        sum += seconds;
      };
    },
    histogram: ({ buckets = LATENCY_BUCKETS, ...named }) => new Histogram({ ...common(named), buckets: [...buckets] }),
  };
}
