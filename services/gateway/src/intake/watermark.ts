import type { Watermark } from '@tradesense/contracts';

const offset = /^\d{1,18}$/;
const areOffsets = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === 'string' && offset.test(item));
const isInstant = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));

/** Undefined where it is not what the relay writes (design 6.5). */
export function readWatermark(value: Buffer | null): Watermark | undefined {
  let body: Partial<Watermark> | null;
  try {
    body = JSON.parse(value?.toString('utf8') ?? 'null') as Partial<Watermark> | null;
  } catch {
    return undefined;
  }
  if (typeof body !== 'object' || body === null) return undefined;
  const { at, as_of, parked, ends } = body;
  if (!isInstant(at) || !isInstant(as_of)) return undefined;
  if (parked !== 'many' && !Array.isArray(parked)) return undefined;
  if (!areOffsets(ends?.events) || !areOffsets(ends?.state)) return undefined;
  return body as Watermark;
}
