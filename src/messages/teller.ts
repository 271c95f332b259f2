/** Where this process tells the messages that it sends. Nowhere, unless its program says so when it starts. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Fields, StoryRecord } from './message.ts';

export type Tell = (record: StoryRecord) => void;
/** What a protobuf message carries: carries.ts. It is handed in, so that a process that tells nothing does not load it. */
export type Describe = <T extends DescMessage>(schema: T, message: MessageShape<T>) => Fields;

let teller: Tell | undefined;
let describer: Describe | undefined;
/** The message that is being answered, in each chain of calls. Made when it is needed: it makes every promise dearer. */
let answering: AsyncLocalStorage<string> | undefined;

/** From now on all messages of this process are told to `tell`. */
export function tellTo(tell: Tell, describe: Describe): void {
  teller = tell;
  describer = describe;
  answering ??= new AsyncLocalStorage();
}

/** And from now on no more. */
export function tellNobody(): void {
  teller = undefined;
}

/** The fields of a protobuf message, for who is told of it. */
export const described: Describe = (schema, message) => describer?.(schema, message) ?? {};

export const isTold = (): boolean => teller !== undefined;

/** A story that cannot be told is no reason to fail what it is about. */
export function tell(record: StoryRecord): void {
  try {
    teller?.(record);
  } catch {
    teller = undefined;
  }
}

/** The message that is being answered here; undefined where something happens by itself. */
export const within = (): string | undefined => answering?.getStore();

/** What `act` sends, now and later, it sends in order to answer the message. */
export const answeringTo = <R>(message: string | undefined, act: () => R): R =>
  answering && message !== undefined ? answering.run(message, act) : act();

/** Nanoseconds of the monotonic clock. */
export const now = (): number => Number(process.hrtime.bigint());
