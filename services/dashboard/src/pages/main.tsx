import { StrictMode, createElement } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './app.js';
import { takeFromAddress } from './credentials.js';
import './style.css';

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no root');
const arrived = takeFromAddress();
const page =
  location.hash === '#gallery' ? createElement((await import('./gallery.js')).Gallery) : <App arrived={arrived} />;
createRoot(root).render(<StrictMode>{page}</StrictMode>);
