/**
 * What minirund makes of a command line, beside what dockerd makes of it. The real `docker run` is
 * sent to a listener that keeps its request, and to dockerd; then the two config.json are compared,
 * and the HostConfig that `inspect` shows. Requests that are wrong must be refused in dockerd's words.
 */
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ContainerConfig, createRequest, type HostConfig } from '../../src/dockerd/container/config.ts';
import type { ExecRequest } from '../../src/dockerd/container/execs.ts';
import { forVersion } from '../../src/dockerd/container/spec/api-version.ts';
import { checkCreate } from '../../src/dockerd/container/spec/check-create.ts';
import { readHostDevices } from '../../src/dockerd/container/spec/devices.ts';
import { execProcess } from '../../src/dockerd/container/spec/exec-process.ts';
import { hostnameOf } from '../../src/dockerd/container/spec/hostname.ts';
import { mergeImage } from '../../src/dockerd/container/spec/merge-image.ts';
import { ociConfig } from '../../src/dockerd/container/spec/oci-config.ts';
import { userOf } from '../../src/dockerd/container/spec/user.ts';
import type { MachineFacts } from '../../src/dockerd/host/facts.ts';
import { readMachineFacts } from '../../src/dockerd/host/read-facts.ts';
import type { Config, Process } from '../../src/runc/spec/config.ts';
import { MASKED_PATHS } from '../../src/runc/spec/default-config.ts';
import { configJson } from '../../src/runc/spec/json.ts';
import { comparable, inspected } from './support/comparable-config.ts';
import { docker } from './support/docker.ts';
import { client } from './support/engine.ts';
import { type KeptRequests, keptRequests } from './support/kept-requests.ts';
import { noRuntime } from './support/runtime.ts';
import { hasProgram } from './support/sandbox.ts';

const reason = noRuntime() ?? (hasProgram('docker') && hasProgram('dockerd') ? undefined : 'needs the programs docker and dockerd');
if (reason) console.log(`docker-config: skipped, ${reason}`);

const OPTIONS = {
  cgroupParent: '',
  defaultUlimits: [],
  init: false,
  defaultShmSize: 64 << 20,
  defaultRuntime: 'minirun-runc',
  logDriver: 'json-file',
  logOptions: {},
};

/** Command lines, by what they are about. */
// biome-ignore format: a table
const ASKED: Record<string, string[]> = {
  'nothing': [],
  'terminal, names, environment, folder': ['-it', '--hostname', 'h', '--domainname', 'example.org', '-w', '/tmp/x/../y', '-e', 'A=1', '-e', 'TERM=dumb'],
  'user, groups, capabilities': ['--user', '33:44', '--group-add', '7', '--cap-add', 'net_admin', '--cap-drop', 'MKNOD', '--security-opt', 'no-new-privileges'],
  'no capability but one, read-only, tmpfs': ['--cap-drop', 'ALL', '--cap-add', 'CAP_CHOWN', '--read-only', '--tmpfs', '/run:size=1m,exec'],
  'privileged': ['--privileged'],
  'memory': ['-m', '64m', '--memory-reservation', '32m', '--memory-swappiness', '10', '--oom-kill-disable', '--oom-score-adj', '100'],
  'CPUs, processes': ['-m', '64m', '--memory-swap', '-1', '--cpus', '0.5', '--cpu-shares', '100', '--cpuset-cpus', '0', '--cpuset-mems', '0', '--pids-limit', '50'],
  'quota, devices that are slowed down': ['--cpu-period', '50000', '--cpu-quota', '25000', '--device-read-bps', '/dev/loop0:1mb', '--pids-limit', '-1'],
  'devices, ulimits': ['--device', '/dev/fuse', '--device', '/dev/null:/dev/nix:r', '--device-cgroup-rule', 'c 7:* rmw', '--ulimit', 'nofile=100:200', '--ulimit', 'core=-1'],
  'network of the host': ['--network', 'host', '--sysctl', 'kernel.msgmax=9000'],
  'no network, no shared memory': ['--network', 'none', '--sysctl', 'net.ipv4.ip_forward=1', '--ipc', 'none'],
  'shared memory to be shared, processes of the host': ['--ipc', 'shareable', '--shm-size', '1m', '--init', '--pid', 'host'],
  'init, cgroups': ['--init', '--cgroupns', 'private', '--cgroup-parent', '/mine'],
  'all of the host, nothing masked': ['--ipc', 'host', '--uts', 'host', '--security-opt', 'systempaths=unconfined', '--security-opt', 'seccomp=unconfined', '--userns', 'host'],
  'what is not for the runtime': ['--restart', 'on-failure:3', '--stop-signal', 'SIGUSR1', '--label', 'a=b', '--health-cmd', 'true', '--expose', '80', '--add-host', 'a:1.2.3.4', '--dns', '1.1.1.1'],
};

/** Bodies that dockerd refuses, at create or at start. */
const host = (HostConfig: object) => ({ HostConfig });
const WRONG: object[] = [
  host({ Memory: 1000 }),
  host({ Memory: 64 << 20, MemorySwap: 32 << 20 }),
  host({ MemorySwap: 32 << 20 }),
  host({ MemorySwappiness: 101 }),
  host({ Memory: 64 << 20, MemoryReservation: 128 << 20 }),
  host({ MemoryReservation: 1 }),
  host({ NanoCpus: 1e9, CpuQuota: 5000 }),
  host({ NanoCpus: 1e9, CpuPeriod: 5000 }),
  host({ NanoCpus: 99e9 }),
  host({ CpuPeriod: 5 }),
  host({ CpuQuota: 5 }),
  host({ CpusetCpus: 'x' }),
  host({ CpusetCpus: '0-99' }),
  host({ CpusetCpus: '3-1' }),
  host({ CpusetMems: '9' }),
  host({ AutoRemove: true, RestartPolicy: { Name: 'always' } }),
  host({ RestartPolicy: { Name: 'x' } }),
  host({ RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } }),
  host({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: -3 } }),
  host({ CapAdd: ['x'] }),
  host({ CapDrop: ['CAP_Y'] }),
  host({ CgroupnsMode: 'x' }),
  host({ ShmSize: -1 }),
  host({ OomScoreAdj: 2000 }),
  host({ ExtraHosts: ['x'] }),
  host({ ExtraHosts: ['a:b'] }),
  host({ PortBindings: { 'x/tcp': [{ HostPort: '1' }] } }),
  host({ PortBindings: { '80/tcp': [{ HostPort: 'x' }] } }),
  host({ PortBindings: { '99999/tcp': [{ HostPort: '1' }] } }),
  host({ LogConfig: { Type: 'json-file', Config: { a: 'b' } } }),
  host({ SecurityOpt: ['x'] }),
  host({ SecurityOpt: ['x=y'] }),
  host({ SecurityOpt: ['no-new-privileges=maybe'] }),
  host({ NetworkMode: 'host', Links: ['a:b'] }),
  host({ Tmpfs: { rel: '' } }),
  host({ Tmpfs: { '/': '' } }),
  host({ DeviceCgroupRules: ['x'] }),
  host({ DeviceRequests: [{ Driver: '', Capabilities: [['gpu']], Count: -1 }] }),
  host({ StorageOpt: { size: '1g' } }),
  host({ Devices: [{ PathOnHost: '/dev/nope', PathInContainer: '/dev/x', CgroupPermissions: 'rwm' }] }),
  { Hostname: 'h', HostConfig: { UTSMode: 'host' } },
  { Hostname: 'h', HostConfig: { NetworkMode: 'container:x' } },
  { WorkingDir: 'rel' },
  { StopSignal: 'XX' },
  { Env: ['=x'] },
  { Env: [''] },
  { Healthcheck: { Interval: 5 } },
  { Healthcheck: { Retries: -5 } },
  { User: 'nobodyx' },
  { User: '0:nobodyx' },
  { Cmd: [], Entrypoint: [''] },
];

/** Sends bodies to dockerd, starts what it makes of them, and prints what it said about each. */
const SENDER = `
  const http = require('node:http');
  const post = (path, body) => new Promise((resolve) => {
    const options = { socketPath: '/run/docker.sock', path: '/v1.41' + path, method: 'POST', headers: { 'Content-Type': 'application/json' } };
    http.request(options, (answer) => {
      let text = '';
      answer.on('data', (piece) => (text += piece)).on('end', () => resolve(text ? JSON.parse(text) : {}));
    }).end(JSON.stringify(body));
  });
  (async () => {
    const said = [];
    for (const body of JSON.parse(require('node:fs').readFileSync(0, 'utf8'))) {
      const { Id, message } = await post('/containers/create', body);
      said.push(Id ? (await post('/containers/' + Id + '/start')).message : message);
    }
    console.log(JSON.stringify(said));
  })();`;

describe.skipIf(reason)('config.json beside dockerd', () => {
  const { engine, ok, cli } = client(docker);
  let kept: KeptRequests;
  let facts: MachineFacts;
  let image: ContainerConfig;
  let users: { passwd: string; group: string };

  beforeAll(async () => {
    kept = await keptRequests(join(engine().place.folder, 'kept.sock'), '1.41');
    facts = { ...readMachineFacts(), hostname: 'engine-host' };
    image = JSON.parse(await ok(['image', 'inspect', 'busybox']))[0].Config;
    const read = (path: string) => ok(['run', '--rm', '--network', 'none', 'busybox', 'cat', path]);
    users = { passwd: await read('/etc/passwd'), group: await read('/etc/group') };
  });
  afterAll(() => kept?.close());

  /** @throws ApiError */
  function ours(body: unknown, id: string): { config: Config; container: { Config: ContainerConfig; HostConfig: HostConfig } } {
    const { HostConfig: asked = {}, NetworkingConfig: _, ...rest } = v.parse(createRequest, body);
    const older = forVersion(rest, asked, [1, 41], facts);
    const { config: checked, hostConfig } = checkCreate(older.config, older.hostConfig, facts, OPTIONS);
    const merged = mergeImage(checked, image as Parameters<typeof mergeImage>[1]);
    const config = { ...merged, Hostname: hostnameOf(id, merged, hostConfig, facts) };
    const folder = `/var/lib/docker/containers/${id}`;
    const made = ociConfig({
      container: { Id: id, Config: config, HostConfig: hostConfig },
      rootfs: 'rootfs',
      user: userOf(config.User ?? '', hostConfig.GroupAdd ?? [], users),
      mounts: [],
      files: { hosts: `${folder}/hosts`, hostname: `${folder}/hostname`, resolvConf: `${folder}/resolv.conf` },
      shm: `${folder}/mounts/shm`,
      network: hostConfig.NetworkMode === 'host' ? 'host' : undefined,
      joined: {},
      devices: readHostDevices(hostConfig),
      facts,
      options: OPTIONS,
    });
    return { config: JSON.parse(configJson(made)), container: { Config: config, HostConfig: hostConfig } };
  }

  test.each(Object.entries(ASKED))('%s', async (_, words) => {
    const { place } = engine();
    const command = ['run', '-d', ...words, 'busybox', 'sleep', '1000'];
    kept.creates.length = 0;
    await place.run(['docker', '-H', `unix://${place.folder}/kept.sock`, ...command]);
    expect(kept.creates).toHaveLength(1);
    const id = await ok(command);
    try {
      const { config, container } = ours(kept.creates[0], id);
      const bundle = `/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/${id}`;
      const theirs = JSON.parse((await place.run(['cat', `${bundle}/config.json`])).out) as Config;
      expect(comparable(config)).toEqual(comparable(theirs));
      const shown = JSON.parse(await ok(['inspect', id]))[0];
      expect(inspected(container.Config)).toEqual(inspected(shown.Config));
      expect(inspected(container.HostConfig)).toEqual(inspected(shown.HostConfig));
      // What newer dockerds have added comes on top.
      const { maskedPaths = [] } = config.linux ?? {};
      expect(maskedPaths).toEqual(expect.arrayContaining(theirs.linux?.maskedPaths ?? []));
      for (const path of maskedPaths) expect(MASKED_PATHS).toContain(path);
    } finally {
      await cli(['rm', '-f', id]);
    }
  });

  // biome-ignore format: a table
  test.each<[string, string[], string[], ExecRequest]>([
    ['nothing', [], [], {}],
    ['of the container', ['-e', 'A=1', '-w', '/tmp', '--user', '33:44', '--group-add', '7', '--cap-drop', 'CHOWN', '--ulimit', 'nofile=100:200', '--security-opt', 'no-new-privileges'], [], {}],
    ['other environment, folder, user, privileges', ['-e', 'A=1', '-it'], ['-e', 'A=2', '-e', 'B=3', '-w', '/etc', '-u', '0:8', '--privileged'], { Env: ['A=2', 'B=3'], WorkingDir: '/etc', User: '0:8', Privileged: true }],
  ])('exec: %s', async (_, words, execWords, exec) => {
    const id = await ok(['run', '-d', ...words, 'busybox', 'sleep', '1000']);
    try {
      await ok(['exec', ...execWords, id, 'true']);
      const { Config: shown, HostConfig: limits } = JSON.parse(await ok(['inspect', id]))[0];
      const { HostConfig = {}, NetworkingConfig: __, ...Config } = v.parse(createRequest, { ...shown, HostConfig: limits });
      const user = userOf(exec.User || Config.User || '', HostConfig.GroupAdd ?? [], users);
      const process = execProcess({ container: { Id: id, Config, HostConfig }, exec: { ...exec, Cmd: ['true'] }, user, facts, options: OPTIONS });
      const theirs = engine().runtime.lastProcess() as Process;
      expect(comparable({ ociVersion: '', process })).toEqual(comparable({ ociVersion: '', process: theirs }));
    } finally {
      await cli(['rm', '-f', id]);
    }
  });

  test('what is wrong is refused in the same words', async () => {
    const bodies = WRONG.map((body) => ({ Image: 'busybox', Cmd: ['true'], ...body }));
    const answer = await engine().place.run(['node', '-e', SENDER], { input: JSON.stringify(bodies) });
    const words = bodies.map((body) => {
      try {
        ours(body, 'a'.repeat(64));
        return 'not refused';
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(words).toEqual(JSON.parse(answer.out));
  });
});
