export interface PageRequest {
  readonly limit: number;
  /** Null: from the first on. */
  readonly pageToken: string | null;
}

export const BAD_PAGE_TOKEN = 'bad page token';

/** Opaque to callers; carries its list, so that another list's is noticed. */
export const numberToken = (list: string, challengeId: string, after: number): string =>
  Buffer.from(`${list} ${challengeId} ${after}`).toString('base64url');

/** The number a list goes on after: 0 for its start, undefined when the token is not this list's. */
export function numberAfter(list: string, challengeId: string, pageToken: string | null): number | undefined {
  if (pageToken === null) return 0;
  const [name, id, after = ''] = Buffer.from(pageToken, 'base64url').toString().split(' ');
  return name === list && id === challengeId && /^\d{1,9}$/.test(after) ? Number(after) : undefined;
}
