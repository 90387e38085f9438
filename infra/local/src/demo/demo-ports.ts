import { isFree } from '../ports.js';

/** Every port of the demo, by the variable that changes it. */
const DEFAULTS = {
  POSTGRES_PORT: 15432,
  KAFKA_PORT: 19092,
  TRADE_PORT: 3000,
  GATEWAY_PORT: 5000,
  DASHBOARD_PORT: 8080,
  TRADE_ADMIN_PORT: 9101,
  RELAY_ADMIN_PORT: 9102,
  GATEWAY_ADMIN_PORT: 9103,
  DASHBOARD_ADMIN_PORT: 9104,
} as const;
export type PortName = keyof typeof DEFAULTS;
export type Ports = Readonly<Record<PortName, number>>;

export type PortChoice =
  | { readonly ok: true; readonly ports: Ports; readonly moved: readonly string[] }
  | { readonly ok: false; readonly faults: readonly string[] };

const TRIES = 50;

/**
 * The demo's ports: from the environment, or as usual. One that is in use is named with its variable; only the gateway's usual
 * 5000, which other systems like too, gives way to the next free one.
 */
export async function choosePorts(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly PortName[] = Object.keys(DEFAULTS) as PortName[],
  free: (port: number) => Promise<boolean> = isFree,
): Promise<PortChoice> {
  const ports: Record<PortName, number> = { ...DEFAULTS };
  const faults: string[] = [];
  const moved: string[] = [];
  for (const name of names) {
    const given = env[name] ?? '';
    const port = given === '' ? DEFAULTS[name] : Number(given);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) faults.push(`${name} must be a port from 1 to 65535`);
    else if (await free(port)) ports[name] = port;
    else if (name === 'GATEWAY_PORT' && given === '') {
      const next = await nextFree(port + 1, free);
      if (next === undefined) faults.push(`Ports ${port} to ${port + TRIES} are in use: set ${name} to a free one`);
      else {
        ports[name] = next;
        moved.push(`Port ${port} is in use: the gateway takes ${next}`);
      }
    } else faults.push(`Port ${port} is in use: end what uses it, or set ${name} to a free one`);
  }
  return faults.length === 0 ? { ok: true, ports, moved } : { ok: false, faults };
}

async function nextFree(from: number, free: (port: number) => Promise<boolean>): Promise<number | undefined> {
  for (let port = from; port < from + TRIES; port += 1) if (await free(port)) return port;
  return undefined;
}
