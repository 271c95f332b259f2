/**
 * Events for containerd, in the order in which they happened. They go to TTRPC_ADDRESS; what cannot be
 * sent while containerd is away (it may be restarted at any time) waits until it is back.
 */
import { spawn } from 'node:child_process';
import { create, type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { AnySchema, timestampNow } from '@bufbuild/protobuf/wkt';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { recorded } from '../messages/recorded.ts';
import { type Envelope, EnvelopeSchema, Events } from '../proto/containerd/services/events/ttrpc/v1/events_pb.ts';
import { connectTtrpc } from './ttrpc/client.ts';

export interface Publisher {
  publish<T extends DescMessage>(topic: string, schema: T, event: MessageShape<T>): void;
  /** Events that have not arrived yet. */
  readonly waiting: number;
  /** Waits until all have arrived, but not longer than this. */
  flush(ms: number): Promise<void>;
}

export interface PublisherOptions {
  namespace: string;
  /** The socket of containerd's Events service; empty where it has none. */
  address: string;
  /** The program that sends one event, where there is no such socket, and the gRPC socket for it. */
  binary: string;
  grpcAddress: string;
  log(sentence: string): void;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
const SEND_MS = 5000;
/** About 2 MB. Whoever is away that long asks for the state of the tasks anyway. */
const MOST_KEPT = 10_000;

export function openPublisher(options: PublisherOptions): Publisher {
  const kept: Envelope[] = [];
  let sending: Promise<void> | undefined;
  const send = options.address ? overTtrpc(options.address) : byProgram(options);

  /** One at a time, so that none overtakes another. */
  const drain = async () => {
    for (let pause = FIRST_PAUSE_MS; kept.length > 0; ) {
      const envelope = kept[0] as Envelope;
      try {
        await send(envelope);
        pause = FIRST_PAUSE_MS;
      } catch (error) {
        if (isAway(error)) {
          await new Promise((resolve) => setTimeout(resolve, pause));
          pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
          continue;
        }
        // It would be refused again, and hold up the others.
        options.log(`event ${envelope.topic} was refused: ${error instanceof Error ? error.message : error}`);
      }
      kept.shift();
    }
  };

  return {
    publish(topic, schema, event) {
      kept.push(
        create(EnvelopeSchema, {
          timestamp: timestampNow(),
          namespace: options.namespace,
          topic,
          // containerd's types have no host before their names.
          event: create(AnySchema, { typeUrl: schema.typeName, value: toBinary(schema, event) }),
        }),
      );
      if (kept.length > MOST_KEPT) {
        // Not the first one, which may be on its way.
        const [lost] = kept.splice(1, 1);
        options.log(`event ${lost?.topic} is lost: containerd has been away for ${MOST_KEPT} events`);
      }
      sending ??= drain().finally(() => {
        sending = undefined;
      });
    },
    get waiting() {
      return kept.length;
    },
    async flush(ms) {
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      await Promise.race([sending, over]);
      clearTimeout(timer);
    },
  };
}

/** Nobody there, or nobody who answers in time. */
const isAway = (error: unknown): boolean =>
  error instanceof ConnectError && (error.code === Code.Unavailable || error.code === Code.DeadlineExceeded);

function overTtrpc(address: string): (envelope: Envelope) => Promise<unknown> {
  let client: Client<typeof Events> | undefined;
  return (envelope) => {
    if (!client) {
      const connection = connectTtrpc(address);
      connection.unref();
      const mine = createClient(Events, recorded(connection.transport, { from: 'shim', to: 'containerd', protocol: 'ttrpc' }));
      client = mine;
      void connection.closed.then(() => {
        if (client === mine) client = undefined;
      });
    }
    return client.forward({ envelope }, { timeoutMs: SEND_MS });
  };
}

/** `containerd publish`, which takes the event on its standard input. */
function byProgram({ binary, grpcAddress, namespace }: PublisherOptions): (envelope: Envelope) => Promise<void> {
  return ({ topic, event }) =>
    new Promise((resolve, reject) => {
      if (!binary || !event) return reject(new Error('containerd gave neither TTRPC_ADDRESS nor -publish-binary'));
      const words = ['--address', grpcAddress, 'publish', '--topic', topic, '--namespace', namespace];
      const child = spawn(binary, words, { stdio: ['pipe', 'ignore', 'ignore'] });
      child.on('error', reject);
      child.on('close', (code) => {
        if (code === 0) resolve();
        else reject(new ConnectError(`${binary} publish: exit code ${code}`, Code.Unavailable));
      });
      child.stdin.on('error', () => undefined);
      child.stdin.end(toBinary(AnySchema, event));
    });
}
