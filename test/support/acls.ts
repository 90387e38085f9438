import kafkajs, { type Admin } from 'kafkajs';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, ResourcePatternTypes, logLevel } = kafkajs;

/** Whoever comes without a name: everybody, on the local stack. */
const ANYBODY = 'User:ANONYMOUS';

/** Who may write to a topic, on a broker that has an authorizer. */
export class Acls {
  readonly #admin: Admin;
  #connected: Promise<void> | undefined;

  constructor(brokers: readonly string[]) {
    this.#admin = new Kafka({ brokers: [...brokers], clientId: 'acls', logLevel: logLevel.NOTHING }).admin();
  }

  /** The topic is there and may be read and asked about, but not written to. */
  async denyWriting(topic: string): Promise<void> {
    await (this.#connected ??= this.#admin.connect());
    const common = {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: topic,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: ANYBODY,
      host: '*',
    };
    await this.#admin.createAcls({
      acl: [
        { ...common, operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW },
        { ...common, operation: AclOperationTypes.WRITE, permissionType: AclPermissionTypes.DENY },
      ],
    });
  }

  /** Takes back all that was said about the topic. */
  async allow(topic: string): Promise<void> {
    await this.#admin.deleteAcls({
      filters: [
        {
          resourceType: AclResourceTypes.TOPIC,
          resourceName: topic,
          resourcePatternType: ResourcePatternTypes.LITERAL,
          operation: AclOperationTypes.ANY,
          permissionType: AclPermissionTypes.ANY,
        },
      ],
    });
  }

  async close(): Promise<void> {
    if (this.#connected === undefined) return;
    await this.#connected;
    await this.#admin.disconnect();
  }
}
