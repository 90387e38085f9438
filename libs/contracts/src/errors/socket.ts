/** Every code a socket is answered with: may the client try again, and what for. */
interface SocketCodeEntry {
  readonly message: string;
  readonly terminal: boolean;
  readonly firstStep: string;
}

export const SOCKET_CODES = {
  unauthorized: { message: 'No valid token', terminal: true, firstStep: 'Sign in again.' },
  token_expired: { message: 'The token has expired', terminal: false, firstStep: 'Connect with a new token.' },
  /** Terminal at the second refusal of a join: right after its creation a challenge may not have arrived yet. */
  forbidden: { message: 'Access denied', terminal: true, firstStep: 'Check challenge_id and whose token it is.' },
  invalid_request: {
    message: 'The payload is not of the agreed shape',
    terminal: false,
    firstStep: 'Compare it with the protocol.',
  },
  unknown_event: { message: 'No such event', terminal: false, firstStep: 'Compare its name with the protocol.' },
  too_many_connections: {
    message: 'Too many connections',
    terminal: false,
    firstStep: 'Close others, or wait and reconnect.',
  },
  too_many_rooms: { message: 'Too many challenges on one connection', terminal: false, firstStep: 'Leave one first.' },
  rate_limited: { message: 'Too many messages', terminal: false, firstStep: 'Wait and send less.' },
  unavailable: { message: 'Not available at the moment', terminal: false, firstStep: 'Wait and try again.' },
} as const satisfies Record<string, SocketCodeEntry>;
export type SocketCode = keyof typeof SOCKET_CODES;
