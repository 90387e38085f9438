/** Where gateway and trade API are, as the server that sent this page says. */
export interface PageConfig {
  readonly gatewayUrl: string;
  readonly tradeUrl: string;
}

const LIMIT_MS = 5_000;

export async function fetchConfig(): Promise<PageConfig> {
  const answer = await fetch('config.json', { signal: AbortSignal.timeout(LIMIT_MS) });
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  return (await answer.json()) as PageConfig;
}
