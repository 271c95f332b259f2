/** Who is told a story: message by message and step by step, in the order in which they happened. */
import type { StoryRecord } from '../messages/message.ts';

export interface Story {
  take(record: StoryRecord): void;
  /** Nothing more comes. */
  end(): void;
}
