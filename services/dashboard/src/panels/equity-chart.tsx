import {
  AreaSeries,
  type AutoscaleInfo,
  ColorType,
  LineStyle,
  LineType,
  createChart,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type UTCTimestamp,
} from 'lightweight-charts';
import { useEffect, useRef } from 'react';

import { amountText, chartValue } from '../format/money.js';

export interface Point {
  readonly sequence: number;
  readonly atMs: number;
  readonly equity: string;
}

export interface Level {
  readonly name: string;
  readonly amount: string;
  readonly kind: 'floor' | 'target';
}

/** Few values fill the width; many scroll, and whoever scrolled back is left there. */
const FITTING_VALUES = 300;

interface Chart {
  readonly api: IChartApi;
  readonly series: ISeriesApi<'Area'>;
  lines: IPriceLine[];
  /** Prices that stay in view whatever equity does. */
  levels: readonly number[];
}

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function draw(host: HTMLElement): Chart {
  const api = createChart(host, {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: 'transparent' },
      textColor: colour('--muted'),
      attributionLogo: true,
      fontSize: 12,
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colour('--line') } },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.08 } },
    timeScale: { borderVisible: false, timeVisible: true, secondsVisible: true, rightOffset: 2 },
    handleScroll: { vertTouchDrag: false },
  });
  const series = api.addSeries(AreaSeries, {
    lineType: LineType.WithSteps,
    lineWidth: 2,
    lineColor: colour('--accent'),
    topColor: colour('--accent-soft'),
    bottomColor: 'transparent',
    priceFormat: { type: 'custom', minMove: 0.01, formatter: (value: number) => amountText(value.toFixed(2)) },
  });
  const chart: Chart = { api, series, lines: [], levels: [] };
  series.applyOptions({
    autoscaleInfoProvider: (own: () => AutoscaleInfo | null) => {
      const range = own()?.priceRange;
      const values = [...chart.levels, ...(range ? [range.minValue, range.maxValue] : [])];
      if (values.length === 0) return null;
      return { priceRange: { minValue: Math.min(...values), maxValue: Math.max(...values) } };
    },
  });
  return chart;
}

/**
 * One value per second: the chart's time axis knows no finer step, and the last one of a second is what stood. Times are the
 * traders', which need not ascend; the order of events does.
 */
function bySecond(points: readonly Point[]): { time: UTCTimestamp; value: number }[] {
  const values = new Map<number, number>();
  let second = 0;
  for (const { atMs, equity } of points) {
    second = Math.max(second, Math.floor(atMs / 1000));
    values.set(second, chartValue(equity));
  }
  return [...values].map(([time, value]) => ({ time: time as UTCTimestamp, value }));
}

/** Equity over time with floors and target as lines. `summary` says in words what it shows. */
export function EquityChart({
  points,
  levels,
  summary,
}: {
  readonly points: readonly Point[];
  readonly levels: readonly Level[];
  readonly summary: string;
}) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);

  useEffect(() => {
    if (host.current === null) return undefined;
    const drawn = draw(host.current);
    chart.current = drawn;
    return () => {
      chart.current = null;
      drawn.api.remove();
    };
  }, []);

  useEffect(() => {
    const drawn = chart.current;
    if (drawn === null) return;
    const values = bySecond(points);
    drawn.series.setData(values);
    if (values.length < FITTING_VALUES) drawn.api.timeScale().fitContent();
  }, [points]);

  const key = levels.map(({ name, amount }) => `${name} ${amount}`).join();
  useEffect(() => {
    const drawn = chart.current;
    if (drawn === null) return;
    for (const line of drawn.lines) drawn.series.removePriceLine(line);
    drawn.levels = levels.map(({ amount }) => chartValue(amount));
    drawn.lines = levels.map(({ name, amount, kind }) =>
      drawn.series.createPriceLine({
        price: chartValue(amount),
        title: name,
        color: colour(kind === 'floor' ? '--danger' : '--goal'),
        lineStyle: kind === 'floor' ? LineStyle.Dashed : LineStyle.Dotted,
        lineWidth: 1,
        axisLabelVisible: true,
        axisLabelTextColor: colour('--ground'),
      }),
    );
  }, [key]);

  return (
    <figure className="chart">
      <div ref={host} />
      <figcaption className="visually-hidden">{summary}</figcaption>
    </figure>
  );
}
