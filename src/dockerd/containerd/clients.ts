/** containerd as dockerd sees it: clients of its services, over whatever transport, in one namespace. */
import { connect } from 'node:net';
import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { recorded } from '../../messages/recorded.ts';
import { Containers } from '../../proto/containerd/services/containers/v1/containers_pb.ts';
import { Content } from '../../proto/containerd/services/content/v1/content_pb.ts';
import { Diff } from '../../proto/containerd/services/diff/v1/diff_pb.ts';
import { Events } from '../../proto/containerd/services/events/v1/events_pb.ts';
import { Images } from '../../proto/containerd/services/images/v1/images_pb.ts';
import { Leases } from '../../proto/containerd/services/leases/v1/leases_pb.ts';
import { Snapshots } from '../../proto/containerd/services/snapshots/v1/snapshots_pb.ts';
import { Tasks } from '../../proto/containerd/services/tasks/v1/tasks_pb.ts';
import { Version } from '../../proto/containerd/services/version/v1/version_pb.ts';

export interface ContainerdClients {
  readonly namespace: string;
  readonly containers: Client<typeof Containers>;
  readonly content: Client<typeof Content>;
  readonly diff: Client<typeof Diff>;
  readonly events: Client<typeof Events>;
  readonly images: Client<typeof Images>;
  readonly leases: Client<typeof Leases>;
  readonly snapshots: Client<typeof Snapshots>;
  readonly tasks: Client<typeof Tasks>;
  readonly version: Client<typeof Version>;
}

/** Calls without these headers of their own get the daemon's namespace. */
const NAMESPACE = 'containerd-namespace';

/** @param transport of an embedded containerd, or of {@link socketTransport} */
export function containerdClients(transport: Transport, namespace: string, protocol: string): ContainerdClients {
  const told = recorded(transport, { from: 'dockerd', to: 'containerd', protocol });
  const scoped: Transport = {
    unary: (method, signal, timeout, header, ...rest) => told.unary(method, signal, timeout, withNamespace(header, namespace), ...rest),
    stream: (method, signal, timeout, header, ...rest) => told.stream(method, signal, timeout, withNamespace(header, namespace), ...rest),
  };
  return {
    namespace,
    containers: createClient(Containers, scoped),
    content: createClient(Content, scoped),
    diff: createClient(Diff, scoped),
    events: createClient(Events, scoped),
    images: createClient(Images, scoped),
    leases: createClient(Leases, scoped),
    snapshots: createClient(Snapshots, scoped),
    tasks: createClient(Tasks, scoped),
    version: createClient(Version, scoped),
  };
}

function withNamespace(header: ConstructorParameters<typeof Headers>[0], namespace: string): Headers {
  const headers = new Headers(header);
  if (!headers.has(NAMESPACE)) headers.set(NAMESPACE, namespace);
  return headers;
}

/** gRPC on a unix socket: a containerd of its own process, ours or the real one. */
export const socketTransport = (path: string, interceptors: Interceptor[] = []): Transport =>
  createGrpcTransport({ baseUrl: 'http://containerd', interceptors, nodeOptions: { createConnection: () => connect(path) } });
