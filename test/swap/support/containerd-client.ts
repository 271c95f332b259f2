/** A gRPC client of any containerd, for what ctr is too slow to do a thousand times. */
import { connect } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { Containers } from '../../../src/proto/containerd/services/containers/v1/containers_pb.ts';
import { Content } from '../../../src/proto/containerd/services/content/v1/content_pb.ts';
import { Events } from '../../../src/proto/containerd/services/events/v1/events_pb.ts';
import { Images } from '../../../src/proto/containerd/services/images/v1/images_pb.ts';
import { Leases } from '../../../src/proto/containerd/services/leases/v1/leases_pb.ts';
import { Snapshots } from '../../../src/proto/containerd/services/snapshots/v1/snapshots_pb.ts';
import { Tasks } from '../../../src/proto/containerd/services/tasks/v1/tasks_pb.ts';
import type { OciSpec } from './oci-spec.ts';

export const NAMESPACE = 'default';
const SNAPSHOTTER = 'overlayfs';
/** A call that a killed daemon never answers must not hold a test up. */
const CALL_MS = 50_000;
/** The label of what no garbage collection may take away. */
const kept = () => ({ 'containerd.io/gc.root': new Date().toISOString() });

/** What all containers of a place are made from: a container's spec as ctr wrote it, and its image's snapshot. */
export interface Pattern {
  spec: OciSpec;
  typeUrl: string;
  parent: string;
}

export interface Stdio {
  stdin?: string;
  stdout?: string;
  stderr?: string;
}

export interface ContainerdClient {
  containers: Client<typeof Containers>;
  content: Client<typeof Content>;
  events: Client<typeof Events>;
  images: Client<typeof Images>;
  leases: Client<typeof Leases>;
  snapshots: Client<typeof Snapshots>;
  tasks: Client<typeof Tasks>;
  /** Reads how a container of the place looks. @param id one that `ctr container create` has made */
  patternOf(id: string): Promise<Pattern>;
  /** The container's record and its snapshot; no task. */
  make(id: string, pattern: Pattern, args: string[]): Promise<void>;
  /** A task, created and started. @returns the pid of its init */
  start(id: string, stdio?: Stdio): Promise<number>;
  /** Waits for the task's end and deletes it. @returns the exit status that Delete told */
  finish(id: string): Promise<number>;
  /** The record and the snapshot. */
  unmake(id: string): Promise<void>;
  /** Waits for a garbage collection: what was removed is gone from the disk. */
  collect(): Promise<void>;
}

/**
 * @param socket path of containerd's gRPC socket
 * @param runtime io.containerd.NAME.vN
 */
export function containerdClient(socket: string, runtime: string): ContainerdClient {
  const named: Interceptor = (next) => (request) => {
    request.header.set('containerd-namespace', NAMESPACE);
    return next(request);
  };
  const transport = createGrpcTransport({
    baseUrl: 'http://containerd',
    interceptors: [named],
    defaultTimeoutMs: CALL_MS,
    nodeOptions: { createConnection: () => connect(socket) },
  });
  const containers = createClient(Containers, transport);
  const snapshots = createClient(Snapshots, transport);
  const tasks = createClient(Tasks, transport);
  const leases = createClient(Leases, transport);
  return {
    containers,
    snapshots,
    tasks,
    content: createClient(Content, transport),
    events: createClient(Events, transport),
    images: createClient(Images, transport),
    leases,
    async patternOf(id) {
      const { container } = await containers.get({ id });
      if (!container?.spec) throw new Error(`container ${id} has no spec`);
      const { info } = await snapshots.stat({ snapshotter: SNAPSHOTTER, key: container.snapshotKey });
      return {
        spec: JSON.parse(Buffer.from(container.spec.value).toString()) as OciSpec,
        typeUrl: container.spec.typeUrl,
        parent: info?.parent ?? '',
      };
    },
    async make(id, { spec, typeUrl, parent }, args) {
      const own: OciSpec = {
        ...spec,
        process: { ...spec.process, args, terminal: false },
        linux: { ...spec.linux, cgroupsPath: `/${NAMESPACE}/${id}` },
      };
      await snapshots.prepare({ snapshotter: SNAPSHOTTER, key: id, parent, labels: kept() });
      await containers.create({
        container: {
          id,
          runtime: { name: runtime },
          spec: create(AnySchema, { typeUrl, value: Buffer.from(JSON.stringify(own)) }),
          snapshotter: SNAPSHOTTER,
          snapshotKey: id,
        },
      });
    },
    async start(id, stdio = {}) {
      const { mounts } = await snapshots.mounts({ snapshotter: SNAPSHOTTER, key: id });
      await tasks.create({ containerId: id, rootfs: mounts, ...stdio });
      return (await tasks.start({ containerId: id })).pid;
    },
    async finish(id) {
      await tasks.wait({ containerId: id });
      return (await tasks.delete({ containerId: id })).exitStatus;
    },
    async unmake(id) {
      await containers.delete({ id });
      await snapshots.remove({ snapshotter: SNAPSHOTTER, key: id });
    },
    async collect() {
      const id = `collect-${process.pid}-${performance.now()}`;
      // containerd looks at its snapshotter only when one was removed since its start.
      await snapshots.prepare({ snapshotter: SNAPSHOTTER, key: id, labels: kept() });
      await snapshots.remove({ snapshotter: SNAPSHOTTER, key: id });
      await leases.create({ id });
      await leases.delete({ id, sync: true });
    },
  };
}
