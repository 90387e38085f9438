/** Figures as the benches print them. */

/** The value below which `share` of the values lie; the nearest one that was measured, none in between. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort(); // a plain array takes ten times as long, in which a bench hears nothing
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] as number;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
export const round = (value: number, decimals = 1): number => Number(value.toFixed(decimals));

/** Columns as wide as their widest cell; the first one to the left, figures to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  const [first, ...rest] = cells.map(line);
  return [first, widths.map((width) => '-'.repeat(width)).join('  '), ...rest].join('\n');
}
