import type { Status, StatusReason } from '@tradesense/contracts';

import type { ActCommand, Moment, OwnerCommand } from './command.js';
import { advance } from './phase.js';
import type { Program } from './program/program.js';
import { violation, type Refused } from './refusal.js';
import { tellStatus, tellUpdate, type Told } from './telling.js';

type Acted = ({ readonly is: 'accepted' } & Told) | Refused;

/** What an operator's act does to a challenge that is up to date. */
export function acted(program: Program, current: Told, command: ActCommand, moment: Moment): Acted {
  const { closedAt, status } = current.challenge;
  if (command.is === 'owner') return owned(program, current, command, moment);
  if (closedAt !== null) return { is: 'refused', refusal: { code: 'challenge-closed' } };
  if (command.is === 'close') return ended(current, 'CLOSED', 'OPERATOR', moment);
  if (status !== 'IN_REVIEW') return violation('/verdict', 'is about a challenge that is not in review');
  if (command.verdict === 'REJECTED') return ended(current, 'CLOSED', 'REVIEW', moment);
  return { is: 'accepted', ...advance(program, current, 'REVIEW', moment) };
}

/** Also of a challenge that has ended: somebody else may look at it then. Whoever owns it already is told nothing. */
function owned(program: Program, current: Told, { userId }: OwnerCommand, moment: Moment): Acted {
  const { challenge } = current;
  if (challenge.userId === userId) return { is: 'accepted', ...current };
  const openAlerts = challenge.openAlerts.map((open) => ({ ...open, alert: { ...open.alert, user_id: userId } }));
  const handed: Told = { ...current, challenge: { ...challenge, userId, openAlerts } };
  return { is: 'accepted', ...tellUpdate(program, handed, 'OWNER_CHANGED', moment) };
}

function ended(current: Told, status: Status, statusReason: StatusReason, moment: Moment): Acted {
  const challenge = { ...current.challenge, status, statusReason, closedAt: moment.at };
  return { is: 'accepted', ...tellStatus({ ...current, challenge }, current, moment) };
}
