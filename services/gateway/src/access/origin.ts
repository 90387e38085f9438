/**
 * An exact list, because a pattern lets `evil-ours.com` in. No Origin at all is no browser: its token decides, as always.
 * `null` is what sandboxed frames and local files send: anybody could be behind it.
 */
export const isAllowedOrigin = (origin: string | undefined, allowed: readonly string[]): boolean =>
  origin === undefined || (origin !== 'null' && allowed.includes(origin));
