/** The commands start and delete of minirun's shim, without containerd: which process holds what, and races. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OptionsSchema } from '../../src/proto/containerd/runc/options_pb.ts';
import { RuntimeInfoSchema } from '../../src/proto/containerd/types/introspection_pb.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, type Sandbox, sandboxWith } from './support/sandbox.ts';
import { SHIM } from './support/shim.ts';

const reason = noRuntime();
if (reason) console.log(`shim-start: skipped, ${reason}`);

/** The program as containerd starts it, and the way that is taken where the launcher could not be built. */
const WAYS = { launcher: [SHIM], node: ['node', SHIM] };
const FLAGS = ['-namespace', 'default', '-address', '/run/containerd/containerd.sock', '-publish-binary', 'false'];

describe.skipIf(reason)('shim start and delete', () => {
  let place: Sandbox;
  beforeAll(async () => {
    place = await sandboxWith(async (sandbox) => sandbox);
  });
  afterAll(async () => {
    await place?.end();
  });

  const bundleOf = (id: string, config: string): string => {
    const bundle = join(place.folder, 'bundles', id);
    mkdirSync(bundle, { recursive: true });
    writeFileSync(join(bundle, 'config.json'), config);
    return bundle;
  };
  const run = (bundle: string, words: string[], env: Record<string, string> = {}) =>
    place.run(['sh', '-c', 'cd "$1" && shift && exec "$@"', 'in', bundle, ...words], { env: { MINIRUN_SHIM_LINGER: '0', ...env } });
  const start = async (way: keyof typeof WAYS, id: string, bundle: string, env?: Record<string, string>): Promise<string> => {
    const answer = await run(bundle, [...WAYS[way], ...FLAGS, '-id', id, 'start'], env);
    if (answer.code !== 0) throw new Error(`start ${id}: ${answer.code}: ${answer.err}`);
    return answer.out;
  };
  const remove = (way: keyof typeof WAYS, id: string, bundle: string) =>
    run(bundle, [...WAYS[way], ...FLAGS, '-id', id, '-bundle', bundle, 'delete']);
  const shims = async (): Promise<number[]> =>
    (await place.run(['sh', '-c', `pgrep -f '^containerd-shim-minirun-v1 .*-- .*-socket' || true`])).out
      .split('\n')
      .filter(Boolean)
      .map(Number);
  const gone = () => eventually('all processes end', async () => (await shims()).length === 0);

  const plain = JSON.stringify({
    ociVersion: '1.0.2',
    annotations: { other: 'x' },
    root: { annotations: { 'io.containerd.runc.v2.group': 'no' } },
  });
  const labelled = (label: string, name: string) =>
    JSON.stringify({ process: { args: ['}', '"'] }, annotations: { a: '{', [label]: name }, b: [] }, null, 2);

  test('both ways come to the same address, and so to the same process', async () => {
    const cases: [string, string, Record<string, string>][] = [
      ['plain', plain, {}],
      ['none', '{"ociVersion":"1.0.2"}', {}],
      ['own', plain, { MINIRUN_SHIM_GROUP: 'container' }],
      ['label', labelled('io.containerd.runc.v2.group', 'pod'), {}],
      ['label-own', labelled('io.containerd.runc.v2.group', 'pod'), { MINIRUN_SHIM_GROUP: 'container' }],
      ['sandbox', labelled('io.kubernetes.cri.sandbox-id', 'abc'), {}],
      ['escapes', labelled('io.containerd.runc.v2.group', 'p"ö\\d'), {}],
    ];
    const addresses = new Map<string, string>();
    for (const [id, config, env] of cases) {
      const bundle = bundleOf(id, config);
      const address = await start('launcher', id, bundle, env);
      expect(address).toMatch(/^unix:\/\/\/run\/containerd\/s\/minirun-[0-9a-f]{16}$/);
      expect(await start('node', id, bundle, env)).toBe(address);
      expect((await place.run(['cat', join(bundle, 'address')])).out).toBe(address);
      addresses.set(id, address);
    }
    expect(addresses.get('plain')).toBe(addresses.get('none'));
    expect(addresses.get('label')).toBe(addresses.get('label-own'));
    expect(new Set(addresses.values()).size).toBe(5);
    expect(await shims()).toHaveLength(5);
    for (const [id] of cases) expect((await remove(id === 'own' ? 'node' : 'launcher', id, bundleOf(id, plain))).code).toBe(0);
    await gone();
    expect((await place.run(['ls', '-A', '/run/containerd/s'])).out).toBe('');
  });

  test.each(['launcher', 'node'] as const)('%s: starts at once end with one process', async (way) => {
    const ids = Array.from({ length: way === 'node' ? 6 : 20 }, (_, n) => `${way}-${n}`);
    const addresses = await Promise.all(ids.map((id) => start(way, id, bundleOf(id, plain))));
    expect(new Set(addresses).size).toBe(1);
    expect(await shims()).toHaveLength(1);
    for (const id of ids) expect((await remove('launcher', id, bundleOf(id, plain))).code).toBe(0);
    await gone();
  });

  test('-v and -info say what it is', async () => {
    expect((await place.run([SHIM, '-v'])).out).toMatch(/^containerd-shim-minirun-v1:\n {2}Version: {2}\d/);
    const answer = await place.run(['sh', '-c', `${SHIM} -info < /dev/null | base64 -w0`]);
    const info = fromBinary(RuntimeInfoSchema, Buffer.from(answer.out, 'base64'));
    expect(info.name).toBe('io.containerd.minirun.v1');
    expect(JSON.parse(Buffer.from(info.features?.value ?? '').toString())).toMatchObject({ ociVersionMin: '1.0.0' });
  });

  test('the socket is its owner’s alone', async () => {
    const bundle = bundleOf('modes', plain);
    const address = await start('launcher', 'modes', bundle);
    const stat = await place.run(['stat', '-c', '%a %u %F', address.replace('unix://', ''), '/run/containerd/s']);
    expect(stat.out).toBe('600 0 socket\n711 0 directory\n');
    await remove('launcher', 'modes', bundle);
    await gone();
  });

  test('ShimCgroup: the process goes where the options on its input say', async () => {
    const options = create(OptionsSchema, { shimCgroup: '/for-the-shim' });
    const any = create(AnySchema, { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) });
    const bundle = bundleOf('cgroup', plain);
    writeFileSync(join(bundle, 'options'), toBinary(AnySchema, any));
    const command = ['sh', '-c', `exec ${SHIM} ${FLAGS.join(' ')} -id cgroup start < options`];
    const refused = await run(bundle, command);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('there is no cgroup /for-the-shim for the shim');
    await place.run([
      'sh',
      '-c',
      'for d in /sys/fs/cgroup/*/; do [ -e $d/cgroup.procs ] && mkdir $d/for-the-shim; done; mkdir -p /sys/fs/cgroup/for-the-shim',
    ]);
    expect(await run(bundle, command)).toMatchObject({ code: 0, err: '' });
    const [pid] = await shims();
    expect((await place.run(['cat', `/proc/${pid}/cgroup`])).out).toContain(':/for-the-shim\n');
    await remove('launcher', 'cgroup', bundle);
    await gone();
  });

  test('what a killed process left does not stand in the way', async () => {
    const bundle = bundleOf('killed', plain);
    const address = await start('launcher', 'killed', bundle);
    const [first] = await shims();
    await place.run(['kill', '-9', String(first)]);
    await gone();
    expect(await start('launcher', 'killed', bundle)).toBe(address);
    const [second] = await shims();
    expect(second).not.toBe(first);
    // And nobody answers any more: delete does all by itself.
    await place.run(['kill', '-9', String(second)]);
    await gone();
    const answer = await remove('launcher', 'killed', bundle);
    expect(answer.code).toBe(0);
    // DeleteResponse { exit_status: 137, … }
    expect(Buffer.from(answer.out).toString('latin1')).toContain('\x10');
    expect((await place.run(['ls', '-A', '/run/containerd/s'])).out).toBe('');
  });

  test.each(['INT', 'TERM'])('SIG%s ends it, whatever it holds, and its socket goes with it', async (signal) => {
    const bundle = bundleOf('signal', plain);
    await start('launcher', 'signal', bundle);
    const [pid] = await shims();
    await place.run(['kill', `-${signal}`, String(pid)]);
    await gone();
    expect((await place.run(['ls', '-A', '/run/containerd/s'])).out).toBe('');
    expect((await remove('launcher', 'signal', bundle)).code).toBe(0);
  });

  test('a process that is about to end is never handed out', async () => {
    // Starts and deletes without a pause, so that the process is always about to end. What start
    // printed must answer, as it was promised a container.
    const script = `
      const { execFile } = require('node:child_process');
      const { connect } = require('node:net');
      const [shim, folder, ...flags] = process.argv.slice(1);
      const run = (id, ...words) => new Promise((resolve, reject) =>
        execFile(shim, [...flags, '-id', id, ...words], { cwd: folder + '/' + id, env: { ...process.env, MINIRUN_SHIM_LINGER: '0' } }, (error, out, err) => error ? reject(new Error(err)) : resolve(out)));
      const answers = (path) => new Promise((resolve, reject) => {
        const socket = connect(path, () => { socket.destroy(); resolve(); });
        socket.on('error', reject);
      });
      const worker = async (id) => {
        for (let n = 0; n < 15; n++) {
          const address = await run(id, 'start');
          await new Promise((r) => setTimeout(r, Math.random() * 40));
          await answers(address.replace('unix://', ''));
          await run(id, '-bundle', folder + '/' + id, 'delete');
          await new Promise((r) => setTimeout(r, Math.random() * 40));
        }
      };
      Promise.all(['race-0', 'race-1', 'race-2'].map(worker)).then(() => console.log('fine'), (error) => console.log(String(error)));
    `;
    for (const n of [0, 1, 2]) bundleOf(`race-${n}`, plain);
    const answer = await place.run(['node', '-e', script, SHIM, join(place.folder, 'bundles'), ...FLAGS]);
    expect(answer).toMatchObject({ out: 'fine\n', err: '' });
    await gone();
  });
});
