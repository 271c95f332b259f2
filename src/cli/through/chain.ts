/** A container behind other layers, as the command line sees it. Who answers is the chain's business. */

export interface ChainStreams {
  /** Paths of fifos; empty for none. */
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}

/** In the order in which they are called. */
export interface Chain {
  /** The container is made, and waits. */
  create(streams: ChainStreams): Promise<void>;
  /** Resolves when it has ended: with the exit code as a shell reports it. Asked before `start`, so that no end is missed. */
  wait(): Promise<number>;
  start(): Promise<void>;
  kill(signal: number): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** Nobody will write any more. */
  closeStdin(): Promise<void>;
  /** Takes it away, whatever state it is in. Does nothing the second time. */
  remove(): Promise<void>;
  /** Lets go of all that was opened. */
  close(): Promise<void>;
}

export interface ChainRequest {
  id: string;
  name: string;
  /** The OCI config.json. */
  config: object;
  /** Of this run alone; it is removed afterwards. */
  folder: string;
}

/** containerd's namespace: what keeps minirun's containers apart from those of Docker and Kubernetes. */
export const NAMESPACE = 'minirun';
