import { isIP } from 'node:net';

import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** An address as sockets and proxies write it. IPv4 written as IPv6 (`::ffff:203.0.113.9`) is IPv4. Undefined: it is none. */
export const readAddress = (text: string): Address | undefined => (isIP(text) === 0 ? undefined : ipaddr.process(text)); // ipaddr alone would also take 0x7f.1

/** What counts as one address: an IPv4 address, or the /64 that an IPv6 host is free to move in. */
export function addressKey(address: Address | undefined): string {
  if (address === undefined) return 'unknown';
  if (!('parts' in address)) return address.toString();
  const network = address.parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}

/** `10.0.0.0/8`, or an address alone. */
export function readNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

export const isIn = (address: Address, network: Network): boolean =>
  address.kind() === network[0].kind() && address.match(network);
