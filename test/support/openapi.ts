import { readFileSync } from 'node:fs';

import { Ajv2020, type SchemaObject } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

import { inRepository } from './repository.js';

interface Media {
  readonly schema: SchemaObject;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly $ref: string }>>;
}
interface Answer {
  readonly headers: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content: Readonly<Record<string, Media>>;
}
export interface DescribedOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly object[];
  readonly requestBody?: { readonly content: { readonly 'application/json': Media } };
  readonly responses: Readonly<Record<string, Answer>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: Readonly<
    Record<'schemas' | 'headers' | 'parameters' | 'examples', Record<string, SchemaObject>>
  >;
}

const ID = 'api';

/** The trade API as others read it. */
export class TradeDescription {
  readonly text = readFileSync(inRepository('docs/openapi.json'), 'utf8');
  readonly document = JSON.parse(this.text) as Document;
  readonly #ajv = formats.default(new Ajv2020({ strict: false, allErrors: true })).addSchema(this.document, ID);

  /** [`post /v1/challenges`, what is said of it]. */
  get operations(): readonly (readonly [at: string, DescribedOperation])[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation] as const),
    );
  }

  operation(at: string): DescribedOperation {
    const found = this.operations.find(([one]) => one === at);
    if (found === undefined) throw new Error(`${at} is not described`);
    return found[1];
  }

  /** What stands where a reference of the document leads. */
  at(reference: string): unknown {
    const steps = reference.slice('#/'.length).split('/');
    return steps.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], this.document);
  }

  /** What is wrong with a value; empty: nothing. */
  faults(schema: SchemaObject, value: unknown): readonly string[] {
    const { $ref } = schema as { readonly $ref?: string };
    const validate = this.#ajv.compile($ref === undefined ? this.#absolute(schema) : { $ref: `${ID}${$ref}` });
    return validate(value)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  }

  /** What a response is that the description does not allow. */
  async faultsOf(at: string, response: Response): Promise<readonly string[]> {
    const answer = this.operation(at).responses[String(response.status)];
    if (answer === undefined) return [`${response.status} is not described`];
    const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
    const media = answer.content[type];
    if (media === undefined) return [`${response.status} of type ${type} is not described`];
    const lacking = Object.entries(answer.headers).filter(
      ([name, { $ref }]) => (this.at($ref) as { required?: boolean }).required && !response.headers.has(name),
    );
    return [
      ...lacking.map(([name]) => `the header ${name} is not there`),
      ...this.faults(media.schema, await response.clone().json()),
    ];
  }

  #absolute(schema: SchemaObject): SchemaObject {
    return JSON.parse(JSON.stringify(schema).replaceAll('"#/', `"${ID}#/`)) as SchemaObject;
  }
}
