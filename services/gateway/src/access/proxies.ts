import type { IncomingHttpHeaders } from 'node:http';

import { isIn, readAddress, readNetwork, type Address } from './address.js';

/** The header in which our proxies say whom they speak for. */
export const PROXY_HEADERS = ['x-forwarded-for', 'forwarded'] as const;
export type ProxyHeader = (typeof PROXY_HEADERS)[number];

/**
 * Who is behind our own proxies. Anybody can send such a header, and a proxy adds to what it was sent; so it is read from its
 * right end, and only as far as each that wrote to it is one of ours. Of the two headers one is read, which the configuration
 * names: a proxy that writes the one hands the other on as it came.
 */
export class TrustedProxies {
  readonly #ours: readonly ReturnType<typeof readNetwork>[];

  constructor(
    /** Addresses and networks, checked by the settings. */
    proxies: readonly string[],
    private readonly header: ProxyHeader,
  ) {
    this.#ours = proxies.map(readNetwork);
  }

  /** The right-most address that is none of ours; where a proxy of ours names nobody, or nobody readable, its own. */
  clientOf(peer: string | undefined, headers: IncomingHttpHeaders): Address | undefined {
    let client = readAddress(peer ?? '');
    if (client === undefined || !this.#isOurs(client)) return client;
    const named = String(headers[this.header] ?? '').split(',');
    while (this.#isOurs(client)) {
      const next = this.#read(named.pop() ?? '');
      if (next === undefined) return client;
      client = next;
    }
    return client;
  }

  #isOurs(address: Address): boolean {
    return this.#ours.some((network) => isIn(address, network));
  }

  /** Commas part elements inside quotes too: no address has one, and a quote that a client leaves open must hide nothing. */
  #read(element: string): Address | undefined {
    const text =
      this.header === 'forwarded' ? (/(?:^|;)\s?for="?([^";\s]*)/i.exec(element.trim())?.[1] ?? '') : element;
    return readAddress(withoutPort(text.trim()));
  }
}

/** `[2001:db8::1]:4711`, `[2001:db8::1]` and `203.0.113.9:4711` have a port or brackets to lose. */
const withoutPort = (text: string): string =>
  /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d+$/, '$1');
