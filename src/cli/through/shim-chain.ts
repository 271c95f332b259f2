/** `--through shim`: this process does containerd's part, as far as one container needs it. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { type Client, createClient } from '@connectrpc/connect';
import { crossing } from '../../messages/crossing.ts';
import { recorded } from '../../messages/recorded.ts';
import { OptionsSchema } from '../../proto/containerd/runc/options_pb.ts';
import { Events } from '../../proto/containerd/services/events/ttrpc/v1/events_pb.ts';
import { Task } from '../../proto/containerd/task/v2/task_pb.ts';
import { connectTtrpc, type TtrpcConnection } from '../../shim/ttrpc/client.ts';
import { serveTtrpc } from '../../shim/ttrpc/server.ts';
import { type Chain, type ChainRequest, NAMESPACE } from './chain.ts';
import { SHIM } from './programs.ts';

/**
 * How a shim begins, and how it is cleared away: `start` and `delete`, with the bundle as working
 * directory. What it leaves behind has the same standard error, and stays; so that is a file.
 */
function callShim(action: string, words: string[], bundle: string, env: NodeJS.ProcessEnv): Promise<Buffer> {
  const log = join(bundle, 'shim.log');
  const fd = openSync(log, 'a', 0o600);
  const child = spawn(SHIM, [...words, action], { cwd: bundle, env, stdio: ['ignore', 'pipe', fd] });
  closeSync(fd);
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    child.stdout?.on('data', (piece: Buffer) => out.push(piece));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out));
      else reject(new Error(`${SHIM} ${action}: exit code ${code}: ${readFileSync(log, 'utf8').trim()}`));
    });
  });
}

export async function shimChain({ id, config, folder }: ChainRequest): Promise<Chain> {
  const bundle = join(folder, 'bundle');
  mkdirSync(join(bundle, 'rootfs'), { recursive: true, mode: 0o700 });
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  const address = join(folder, 'minirun.sock');
  const events = createServer();
  serveTtrpc(events, (router) => router.service(Events, { forward: () => ({}) }));
  await new Promise<void>((resolve, reject) => {
    events.once('error', reject);
    events.listen(`${address}.ttrpc`, resolve);
  });
  events.unref();

  const env = { ...process.env, TTRPC_ADDRESS: `${address}.ttrpc`, MINIRUN_SHIM_LINGER: '0' };
  const words = ['-namespace', NAMESPACE, '-address', address, '-id', id];
  const call = (action: string) => callShim(action, action === 'delete' ? [...words, '-bundle', bundle] : words, bundle, env);
  const seam = { from: 'minirun', to: 'shim' };
  const socket = await crossing(
    () => ({ ...seam, protocol: 'a new process', name: 'start', carries: { id, namespace: NAMESPACE, bundle } }),
    async () => String(await call('start')).trim(),
    (printed) => ({ address: printed }),
  );
  const connection: TtrpcConnection = connectTtrpc(socket);
  const task: Client<typeof Task> = createClient(Task, recorded(connection.transport, { ...seam, protocol: 'ttrpc' }));
  const options = create(OptionsSchema, { root: join(folder, 'runc') });
  let isMade = false;
  let isRemoved = false;

  return {
    async create(streams) {
      await task.create({
        id,
        bundle,
        ...streams,
        options: create(AnySchema, { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) }),
      });
      isMade = true;
    },
    wait: async () => (await task.wait({ id })).exitStatus,
    start: async () => void (await task.start({ id })),
    kill: async (signal) => void (await task.kill({ id, signal })),
    resize: async (width, height) => void (await task.resizePty({ id, width, height })),
    closeStdin: async () => void (await task.closeIO({ id, stdin: true })),
    async remove() {
      if (isRemoved) return;
      isRemoved = true;
      if (isMade) await task.delete({ id });
      await crossing(
        () => ({ ...seam, protocol: 'a new process', name: 'delete', carries: { id, namespace: NAMESPACE, bundle } }),
        async () => void (await call('delete')),
      );
    },
    async close() {
      connection.close();
      await new Promise((resolve) => events.close(resolve));
    },
  };
}
