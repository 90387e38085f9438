import { channel } from 'node:diagnostics_channel';

/** Moments that tests wait for, free when nobody listens. */
export const signals = {
  leaseTaken: channel('relay:lease-taken'),
  leaseLost: channel('relay:lease-lost'),
  saved: channel('relay:saved'),
} as const;
