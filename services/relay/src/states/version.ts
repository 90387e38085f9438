import { HEADER } from '@tradesense/contracts';
import type { IncomingRecord } from '@tradesense/kafka';

/** Which of two states of a challenge is the newer one. */
export interface Version {
  readonly epoch: number;
  readonly sequence: number;
  readonly position: number;
}

/** Negative when `a` is older than `b`. */
export const compareVersions = (a: Version, b: Version): number =>
  a.epoch - b.epoch || a.sequence - b.sequence || a.position - b.position;

const DIGITS = /^\d{1,15}$/;

/** Undefined where the record was not made of a row. */
export function versionOf({ headers }: Pick<IncomingRecord, 'headers'>): Version | undefined {
  const number = (name: string): number => {
    const text = headers.get(name) ?? '';
    return DIGITS.test(text) ? Number(text) : NaN;
  };
  const version = {
    epoch: number(HEADER.epoch),
    sequence: number(HEADER.sequence),
    position: number(HEADER.position),
  };
  return Number.isNaN(version.epoch + version.sequence + version.position) ? undefined : version;
}
