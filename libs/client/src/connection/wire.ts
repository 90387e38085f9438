import type { Answer, Refusal } from '@tradesense/contracts';

/** One attempt at a socket, and the socket it becomes. A wire that is closed, by whomever, says nothing more. */
export interface Wire {
  /** Only on an open wire; the acknowledgement may never come. */
  send(name: string, payload: object, answered: (answer: Answer) => void): void;
  close(): void;
}

export interface WireListener {
  opened(): void;
  /** The gateway's middleware said no; without a refusal it could not be reached. Either ends the wire. */
  failed(refusal: Refusal | undefined): void;
  /** An open wire has ended. */
  closed(): void;
  message(name: string, args: readonly unknown[]): void;
  /** Something arrived, be it only a heartbeat. */
  heard(): void;
}

/** The listener hears nothing before the wire has been returned. */
export type Dial = (url: string, token: string, listener: WireListener) => Wire;
