const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** Hours, minutes, seconds until a moment, "05:12:33"; "00:00:00" once it has passed. */
export function countdown(untilMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
  return [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => twoDigits(Math.floor(part))).join(':');
}

/** "12 s", "3 min", "2 h". */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

/** Clock time where the reader is, "14:03:05". */
export const clockText = (instant: string | number): string =>
  new Date(instant).toLocaleTimeString('en-GB', { hour12: false });

export const utcText = (instant: string): string => `${instant.slice(11, 16)} UTC`;

/** "25 Nov". */
export const dayText = (instant: string): string =>
  new Date(instant).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
