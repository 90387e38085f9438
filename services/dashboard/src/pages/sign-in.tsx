import { isChallengeId } from '@tradesense/contracts';
import { useState, type FormEvent } from 'react';

import type { Credentials } from './credentials.js';
import { Brand } from './brand.js';

/** For whoever comes without a link. */
export function SignIn({ onSignIn }: { readonly onSignIn: (credentials: Credentials) => void }) {
  const [fault, setFault] = useState<string | null>(null);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string): string => {
      const value = form.get(name);
      return typeof value === 'string' ? value.trim() : '';
    };
    const challengeId = field('challenge').toLowerCase();
    const token = field('token');
    if (!isChallengeId(challengeId)) setFault('A challenge id looks like 0b6f0a52-5a0e-4b8e-9f39-6a1b1a1d7c11.');
    else if (token === '') setFault('The token is missing.');
    else onSignIn({ challengeId, token });
  };
  return (
    <main className="sign-in">
      <Brand />
      <form className="card" onSubmit={submit}>
        <h1>Open your challenge</h1>
        <label>
          Challenge id
          <input name="challenge" autoComplete="off" spellCheck={false} />
        </label>
        <label>
          Token
          <input name="token" type="password" autoComplete="off" />
        </label>
        {fault !== null && <p role="alert">{fault}</p>}
        <button type="submit">Open</button>
      </form>
    </main>
  );
}
