import { SOCKET_CODES, type SocketCode } from '@tradesense/contracts';

/** Codes of the gateway, and those that only a client can know. */
export type FaultCode = SocketCode | 'connection_failed' | 'connection_lost' | 'no_answer' | 'token_failed';

/** What went wrong, as a page may show it. Never thrown: being refused or cut off is a state. */
export interface ClientFault {
  readonly code: FaultCode;
  readonly message: string;
  /** Whether the client goes on trying by itself. */
  readonly retryable: boolean;
}

const OWN_MESSAGES = {
  connection_failed: 'The gateway can not be reached',
  connection_lost: 'The connection was lost',
  no_answer: 'The gateway does not answer',
  token_failed: 'No token could be had',
} as const;

export const ownFault = (code: keyof typeof OWN_MESSAGES): ClientFault => ({
  code,
  message: OWN_MESSAGES[code],
  retryable: true,
});

/** The gateway's word for it; a code of a later version may be unknown here, and then counts as one that may be retried. */
export const gatewayFault = (code: SocketCode, message: string): ClientFault => ({
  code,
  message,
  retryable: !isTerminal(code),
});

export const isTerminal = (code: SocketCode): boolean =>
  (SOCKET_CODES as Partial<typeof SOCKET_CODES>)[code]?.terminal === true;
