import { useEffect, useState } from 'react';

import { ChallengePage } from './challenge-page.js';
import { forget, keep, kept, takeFromAddress, type Credentials } from './credentials.js';
import { fetchConfig, type PageConfig } from './page-config.js';
import { SignIn } from './sign-in.js';

const RETRY_MS = 2_000;

/** The server's configuration, asked for until it answers. */
function useConfig(): PageConfig | null {
  const [config, setConfig] = useState<PageConfig | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const ask = (): void => {
      fetchConfig().then(setConfig, () => {
        timer = setTimeout(ask, RETRY_MS);
      });
    };
    ask();
    return () => clearTimeout(timer);
  }, []);
  return config;
}

/** Sign-in, or the challenge of whoever signed in. */
export function App({ arrived }: { readonly arrived: Credentials | null }) {
  const config = useConfig();
  const [credentials, setCredentials] = useState<Credentials | null>(() => arrived ?? kept());

  useEffect(() => {
    // A link opened in this very tab only changes the fragment: the page does not load again.
    const onLink = (): void => setCredentials((before) => takeFromAddress() ?? before);
    window.addEventListener('hashchange', onLink);
    return () => window.removeEventListener('hashchange', onLink);
  }, []);

  if (credentials === null)
    return (
      <SignIn
        onSignIn={(entered) => {
          keep(entered);
          setCredentials(entered);
        }}
      />
    );
  if (config === null) return <p className="loading">Loading…</p>;
  return (
    <main>
      <h1 className="visually-hidden">Your challenge</h1>
      <ChallengePage
        key={`${credentials.challengeId} ${credentials.token}`}
        config={config}
        credentials={credentials}
        onSignOut={() => {
          forget();
          setCredentials(null);
        }}
      />
    </main>
  );
}
