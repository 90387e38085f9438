import { OutboxWriter } from './outbox-writers.js';
import { RelayScene } from './relay-scene.js';
import { openStack, type OwnGround } from './stack.js';

/** A relay's scene whose database a test sets back, or takes rows from. */
export class HistoryScene {
  private constructor(
    readonly ground: OwnGround,
    readonly scene: RelayScene,
    public writer: OutboxWriter,
  ) {}

  static async open(): Promise<HistoryScene> {
    const ground = await openStack();
    const scene = await RelayScene.open(ground, { challenges: 30 });
    return new HistoryScene(ground, scene, await OutboxWriter.open(ground.databaseUrl('postgres')));
  }

  async close(): Promise<void> {
    await this.scene.processes.stop();
    await this.writer.close().catch(() => undefined); // lost already where the database was replaced
    await this.scene.close();
    await this.ground.close();
  }

  /** An event and a state of each challenge: enough of them that nearly every partition has one. */
  append = async (): Promise<void> => {
    for (const id of this.scene.challenges.ids) await this.writer.append(id);
  };

  /** Events in Kafka. */
  get published(): number {
    return this.scene.log.of(this.scene.topics.events).length;
  }
}
