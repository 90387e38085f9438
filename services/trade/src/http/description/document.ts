import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { PROBLEMS, UUID_PATTERN, type ProblemCode } from '@tradesense/contracts';

import { audienceInWords, waysIn, type Audience } from '../callers.js';
import { AUDIENCE } from '../for.js';
import { ProblemError, refusedWith } from '../problem.js';
import { ANSWERS } from './answers.js';
import { DESCRIPTION, type Description } from './described.js';
import { HEADERS, type HeaderName } from './headers.js';

export type ApiDescription = OpenAPIObject;

type Operation = NonNullable<OpenAPIObject['paths'][string]['post']>;
type Scanned = Operation & { readonly [AUDIENCE]?: Audience; readonly [DESCRIPTION]?: Description };
type Parameter = Extract<NonNullable<Operation['parameters']>[number], { readonly in: string }>;
type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

const ABOUT = `Trades in, events out. Whoever may post is a service; users read what is theirs, and of everything else they are
told that it was not found.

**Idempotency.** \`challenge_id\`, \`trade_id\` (of its challenge) and \`act_id\` name what is asked for. Known with the same
meaning, the first answer comes again byte for byte, with \`Idempotent-Replayed: true\`; with another meaning it is a 409.

**Problems** are RFC 9457 documents. Repeat 429 and 503 after \`Retry-After\` with the same ids, and no other 4xx. Any path
answers 405 with \`Allow\` to a method that is not described here. More than is described may be added to answers; a body
with a field that is not described is refused, and so are a JSON object with a key that stands twice, control characters and
halves of surrogate pairs in any string, and money as a JSON number.`;

const bearer = (description: string) =>
  ({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description }) satisfies Parameters<
    DocumentBuilder['addSecurity']
  >[1];

const FRAME = new DocumentBuilder()
  .setOpenAPIVersion('3.1.1')
  .setTitle('TradeSense Live: trade API')
  .setDescription(ABOUT)
  .setVersion('1')
  .setLicense('MIT', 'https://opensource.org/license/mit')
  .addServer('/')
  .addSecurity('user', bearer("A user's token: no scope, and the user in the configured claim."))
  .addSecurity('service', bearer("A service's token: scope `trades:write`."))
  .addSecurity('operator', bearer("An operator's token: scope `ops:read` or `ops:write`, and who they are in `sub`."))
  .build();

/**
 * The API as OpenAPI 3.1. Routes, bodies and parameters are those that Nest serves; `@For` brings the tokens and what refuses
 * them, a body and a path what else can be wrong, and `@Described` the rest.
 */
export function describeApi(app: INestApplication): ApiDescription {
  const scanned = SwaggerModule.createDocument(app, FRAME, { operationIdFactory: operationId });
  const paths = Object.entries(scanned.paths).map(([path, methods]) => {
    const operations = Object.entries(methods as Record<string, Scanned>).map(([method, operation]) => [
      method,
      described(path, method, operation),
    ]);
    return [path, Object.fromEntries(operations)] as const;
  });
  return plain({
    ...scanned,
    paths: Object.fromEntries(paths),
    components: {
      ...scanned.components,
      schemas: { ...closed(scanned.components?.schemas ?? {}), ...(ANSWERS as unknown as Schemas) },
      headers: HEADERS,
      parameters: PARAMETERS,
      examples: Object.fromEntries(CODES.map((code) => [code, exampleOf(code)])),
    },
  });
}

/** The same of a module that nobody has started: nothing in it is built, nothing listens. */
export async function describeModule(module: DynamicModule): Promise<ApiDescription> {
  const app = await NestFactory.create(module, new FastifyAdapter(), { preview: true, logger: false });
  return describeApi(app);
}

/** `ChallengesController.open` is `challengesOpen`. */
function operationId(controller: string, method: string): string {
  const name = controller.replace(/Controller$/, '');
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}${method.charAt(0).toUpperCase()}${method.slice(1)}`;
}

/** As it is served: without symbols and what is undefined. */
const plain = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

/** A body with a field that nobody described is refused. */
const closed = (schemas: Schemas): Schemas =>
  Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, { ...schema, additionalProperties: false }]),
  );

function described(path: string, method: string, scanned: Scanned): Operation {
  const { [AUDIENCE]: audience, [DESCRIPTION]: description = {}, parameters = [], ...operation } = scanned;
  if (audience === undefined) throw new RangeError(`${method} ${path} is for nobody: it lacks @For`);
  const isPost = method === 'post';
  const [status = '200'] = Object.keys(operation.responses);
  return {
    ...operation,
    summary: description.says ?? inWords(operation.operationId ?? ''),
    description: `For ${audienceInWords(audience)}.`,
    security: waysIn(audience).map((way) => ({ ...way })),
    parameters: [
      ...parameters.map((one) => ('in' in one ? exact(path, one) : one)),
      to('parameters', 'X-Request-Id'),
      ...(isPost ? [to('parameters', 'traceparent')] : []),
    ],
    ...(description.sends === undefined ? {} : { requestBody: withExample(operation.requestBody, description.sends) }),
    responses: {
      [status]: accepted(description, operation.requestBody !== undefined),
      ...refusals(problemsOf({ path, isPost, hasBody: operation.requestBody !== undefined }, description)),
    },
  };
}

const to = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

const inWords = (id: string): string => {
  const words = id.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
};

function withExample(body: Operation['requestBody'], example: object): NonNullable<Operation['requestBody']> {
  if (body === undefined || '$ref' in body) throw new RangeError('an example of a body that is not taken');
  return { ...body, content: { 'application/json': { ...body.content['application/json'], example } } };
}

const PATH_SCHEMAS: readonly (readonly [at: RegExp, name: string, schema: object])[] = [
  [/^\/v1\/challenges\/\{id\}/, 'id', { type: 'string', pattern: UUID_PATTERN }],
  [/^\/v1\/programs\/\{id\}/, 'id', ANSWERS.Program.properties.id],
  [/\/decisions\/\{number\}/, 'number', { type: 'integer', minimum: 1, maximum: 999_999_999 }],
];

/** Nest knows of a path's parameters that they are there. */
function exact(path: string, parameter: Parameter): Parameter {
  if (parameter.in !== 'path') return parameter;
  const found = PATH_SCHEMAS.find(([at, name]) => at.test(path) && name === parameter.name);
  return found === undefined ? parameter : { ...parameter, schema: found[2] };
}

const PARAMETERS: Record<string, Parameter> = {
  'X-Request-Id': {
    name: 'X-Request-Id',
    in: 'header',
    required: false,
    description:
      'Comes back in the answer, and stands in the log: 1 to 128 of `A-Z a-z 0-9 . _ -`. In the place of anything else comes a new one.',
    schema: { type: 'string' },
  },
  traceparent: {
    name: 'traceparent',
    in: 'header',
    required: false,
    description: 'W3C trace context; travels with the events. What is none is passed over.',
    schema: { type: 'string' },
    example: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  },
};

const LIMITED = ['RateLimit-Policy', 'RateLimit'] as const;

function accepted(
  { answers = 'ChallengeState', headers }: Description,
  hasBody: boolean,
): Operation['responses'][string] {
  const own = headers ?? (hasBody ? (['Idempotent-Replayed'] as const) : []);
  return {
    description: 'Done.',
    headers: headersOf(['X-Request-Id', ...LIMITED, ...own]),
    content: { 'application/json': { schema: to('schemas', answers) } },
  };
}

const headersOf = (names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, to('headers', name)]));

const CODES = Object.keys(PROBLEMS) as ProblemCode[];
const codesOf = (...statuses: readonly number[]) => CODES.filter((code) => statuses.includes(PROBLEMS[code].status));

/** What any route may answer: to what is no request, to a token, while something is away. */
const ANY: readonly ProblemCode[] = [
  'invalid-request',
  'unauthenticated',
  'token-expired',
  'forbidden',
  'rate-limited',
  'internal',
  'overloaded',
  'database-unavailable',
  'keys-unavailable',
];
const OF_POSTS: readonly ProblemCode[] = ['malformed-json', 'too-large', 'unsupported-media-type'];

function problemsOf(
  { path, isPost, hasBody }: { readonly path: string; readonly isPost: boolean; readonly hasBody: boolean },
  { problems }: Description,
): readonly ProblemCode[] {
  return [
    ...ANY,
    ...(isPost ? OF_POSTS : []),
    ...(path.includes('{') ? (['not-found'] as const) : []),
    ...(problems ?? (hasBody ? codesOf(409, 422) : [])),
  ];
}

const OF_STATUS: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ['WWW-Authenticate'],
  403: ['WWW-Authenticate'],
  429: [...LIMITED, 'Retry-After'],
  503: [...LIMITED, 'Retry-After'],
};

function refusals(codes: readonly ProblemCode[]): Operation['responses'] {
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].toSorted((a, b) => a - b);
  return Object.fromEntries(statuses.map((status) => [String(status), refusal(status, codes)]));
}

function refusal(status: number, codes: readonly ProblemCode[]): Operation['responses'][string] {
  const own = codes.filter((code) => PROBLEMS[code].status === status);
  return {
    description: own.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' '),
    headers: headersOf(['X-Request-Id', ...(OF_STATUS[status] ?? LIMITED)]),
    content: {
      'application/problem+json': {
        schema: to('schemas', 'Problem'),
        examples: Object.fromEntries(own.map((code) => [code, to('examples', code)])),
      },
    },
  };
}

const REQUEST_ID = '0199c2d4-7a10-7c3e-9f41-5b8e2d6a1c09';
const exampleOf = (code: ProblemCode) => ({
  summary: PROBLEMS[code].title,
  value: refusedWith(new ProblemError(code), REQUEST_ID).body,
});
