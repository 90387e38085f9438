import type { Request } from './request.js';

export interface VersionRange {
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** What a broker understands, by API key. Version 0 is understood by every broker there is. */
export const apiVersionsRequest: Request<Readonly<Record<number, VersionRange>>> = {
  apiKey: 18,
  apiName: 'ApiVersions',
  version: 0,
  body: Buffer.alloc(0),
  decode(answer) {
    const code = answer.int16();
    if (code !== 0) throw new RangeError(`the broker refused ApiVersions with code ${code}`);
    const ranges = answer.array(() => {
      const apiKey = answer.int16();
      return [apiKey, { minVersion: answer.int16(), maxVersion: answer.int16() }] as const;
    });
    return Object.fromEntries(ranges);
  },
};
