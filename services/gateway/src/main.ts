import 'reflect-metadata';
import { runService } from '@tradesense/platform';

import { partsOf } from './parts.js';
import { relations, settings } from './settings.js';

await runService({ name: 'gateway', settings, relations, parts: partsOf });
