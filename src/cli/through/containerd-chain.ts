/** `--through containerd`: a client of containerd's API, as ctr and dockerd are; containerd is in this process. */
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { type Client, createClient } from '@connectrpc/connect';
import { openEmbedded } from '../../containerd/embedded.ts';
import { recorded } from '../../messages/recorded.ts';
import { OptionsSchema } from '../../proto/containerd/runc/options_pb.ts';
import { Containers } from '../../proto/containerd/services/containers/v1/containers_pb.ts';
import { Tasks } from '../../proto/containerd/services/tasks/v1/tasks_pb.ts';
import { type Chain, type ChainRequest, NAMESPACE } from './chain.ts';
import { SHIM } from './programs.ts';

const RUNTIME = 'io.containerd.minirun.v1';
/** What ctr and dockerd call a config.json in a message. */
const SPEC = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
/** An empty shim goes in a moment; one that hangs must not hold up the command for ever. */
const LEAVE_MS = 5000;

export async function containerdChain({ id, name, config, folder }: ChainRequest): Promise<Chain> {
  // An empty shim is of no use to anybody else: it ends at once.
  process.env.MINIRUN_SHIM_LINGER = '0';
  const containerd = await openEmbedded({ root: join(folder, 'root'), state: join(folder, 'state'), shims: { [RUNTIME]: SHIM } });
  const transport = recorded(containerd.transport, { from: 'minirun', to: 'containerd', protocol: 'gRPC in memory' });
  const containers: Client<typeof Containers> = createClient(Containers, transport);
  const tasks: Client<typeof Tasks> = createClient(Tasks, transport);
  const call = { headers: { 'containerd-namespace': NAMESPACE } };
  const containerId = id;
  const options = create(OptionsSchema, { root: join(folder, 'runc') });
  let made: 'nothing' | 'container' | 'task' = 'nothing';

  return {
    async create(streams) {
      const spec = create(AnySchema, { typeUrl: SPEC, value: Buffer.from(JSON.stringify(config)) });
      const runtimeOptions = create(AnySchema, { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) });
      const container = { id, labels: { 'minirun/name': name }, runtime: { name: RUNTIME, options: runtimeOptions }, spec };
      await containers.create({ container }, call);
      made = 'container';
      await tasks.create({ containerId, ...streams }, call);
      made = 'task';
    },
    wait: async () => (await tasks.wait({ containerId }, call)).exitStatus,
    start: async () => void (await tasks.start({ containerId }, call)),
    kill: async (signal) => void (await tasks.kill({ containerId, signal }, call)),
    resize: async (width, height) => void (await tasks.resizePty({ containerId, width, height }, call)),
    closeStdin: async () => void (await tasks.closeIO({ containerId, stdin: true }, call)),
    async remove() {
      const state = made;
      made = 'nothing';
      if (state === 'task') await tasks.delete({ containerId }, call);
      if (state !== 'nothing') await containers.delete({ id }, call);
    },
    // No later daemon comes that the shim could tell its last event to.
    close: () => containerd.close(LEAVE_MS),
  };
}
