/** What the Task service needs of the process that serves it. */
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Observer } from '../../runc/engine/observer.ts';

export type ObservedCall = 'create' | 'start' | 'exec' | 'delete';

/** @param id of the container */
export type Observe = (call: ObservedCall, id: string) => Observer;

export interface ShimContext {
  /** containerd's namespace, to which all containers of this shim belong. */
  namespace: string;
  /** The folder below which the runc module keeps its state, one folder a namespace; a request's Options.root goes before it. */
  runtimeRoot: string;
  /** The version that Connect answers. */
  version?: string;
  /** Sends an event to containerd. Events go out in the order of the calls; nobody waits for their arrival. */
  publish<T extends DescMessage>(topic: string, schema: T, event: MessageShape<T>): void;
  /** Who is told of each step of the runc module in this process, if anybody. */
  observe?: Observe | undefined;
  /** One sentence for the shim's log. */
  log(sentence: string): void;
  /** Shutdown was asked for, and it may be: no container is left, or it was to be now. */
  onEmpty(): void;
}
