/**
 * Who looks at which challenge. They arrive in the address's fragment, which no server sees, and leave the address bar at once.
 * They are kept for this tab only (`sessionStorage`), so that a reload works and a closed tab forgets.
 */
export interface Credentials {
  readonly token: string;
  readonly challengeId: string;
}

const KEY = 'tradesense.credentials';

export function takeFromAddress(): Credentials | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  const challengeId = fragment.get('challenge');
  if (token === null || challengeId === null) return null;
  history.replaceState(null, '', location.pathname + location.search);
  const credentials = { token, challengeId };
  keep(credentials);
  return credentials;
}

export function keep(credentials: Credentials): void {
  sessionStorage.setItem(KEY, JSON.stringify(credentials));
}

export function forget(): void {
  sessionStorage.removeItem(KEY);
}

export function kept(): Credentials | null {
  try {
    const { token, challengeId } = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Partial<Credentials>;
    return typeof token === 'string' && typeof challengeId === 'string' ? { token, challengeId } : null;
  } catch {
    return null;
  }
}
