import { readFileSync } from 'node:fs';

import { Ajv, type SchemaObject, type ValidateFunction } from 'ajv';
import { parse } from 'yaml';

import { inRepository } from './repository.js';

export interface Message {
  readonly name: string;
  readonly payload: { readonly $ref: string };
  readonly examples?: readonly { readonly payload: unknown }[];
}
interface Operation {
  readonly action: 'send' | 'receive';
  readonly messages: readonly { readonly $ref: string }[];
}

const REFERENCE = '#/components/schemas/';

/** The description of the socket that others read, and what it says of a message. */
export class SocketDescription {
  readonly document: object;
  readonly messages: Readonly<Record<string, Message>>;
  readonly schemas: Readonly<Record<string, SchemaObject>>;
  readonly #operations: readonly Operation[];
  readonly #ajv: Ajv;

  constructor(file = inRepository('docs/asyncapi.yaml')) {
    this.document = parse(readFileSync(file, 'utf8')) as object;
    const { components, operations } = this.document as {
      components: { messages: Record<string, Message>; schemas: Record<string, SchemaObject> };
      operations: Record<string, Operation>;
    };
    this.messages = components.messages;
    this.schemas = components.schemas;
    this.#operations = Object.values(operations);
    this.#ajv = new Ajv({ strict: false, allErrors: true }).addSchema(this.document, 'description');
  }

  /** Names of what the gateway sends, or takes. */
  named(action: Operation['action']): readonly string[] {
    const messages = this.#operations.filter((operation) => operation.action === action).flatMap((one) => one.messages);
    return messages.map(({ $ref }) => $ref.slice($ref.lastIndexOf('/') + 1));
  }

  /** With all that it refers to in its place. */
  whole(schema: SchemaObject): SchemaObject {
    const put = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(put);
      if (typeof value !== 'object' || value === null) return value;
      const { $ref } = value as { $ref?: string };
      if ($ref !== undefined) return put(this.#at($ref));
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, put(inner)]));
    };
    return put(schema) as SchemaObject;
  }

  /** What is wrong with a message; its fields may be the described ones only. Empty: nothing. */
  faults(name: string, payload: unknown): readonly string[] {
    const message = this.messages[name];
    return message === undefined ? [`${name} is not described`] : this.#faults(message.payload, payload);
  }

  #faults(reference: { readonly $ref: string }, value: unknown): readonly string[] {
    const validate = this.#ajv.getSchema(`description${reference.$ref}`) as ValidateFunction;
    if (!validate(value))
      return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
    const { properties, oneOf = [] } = this.#at(reference.$ref);
    const known = Object.assign({}, properties, ...oneOf.map((one: SchemaObject) => one['properties'])) as object;
    return Object.keys(value as object)
      .filter((key) => !Object.hasOwn(known, key))
      .map((key) => `${key} is not described`);
  }

  #at(reference: string): SchemaObject {
    const schema = reference.startsWith(REFERENCE) ? this.schemas[reference.slice(REFERENCE.length)] : undefined;
    if (schema === undefined) throw new Error(`${reference} leads to nothing`);
    return schema;
  }
}
