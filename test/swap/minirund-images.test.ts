/** Images by the real docker command line: minirund says and does what the real dockerd does. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GUARDED, noRegistries, OPEN, startRegistries, USER } from './support/registry.ts';
import { BUSYBOX_TAR, noRuntime } from './support/runtime.ts';
import { type Answer, hasProgram, type Sandbox, sandboxWith } from './support/sandbox.ts';
import { type DockerDaemon, noDockerd, noMinirund, startDockerd, startMinirund } from './support/two-daemons.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? noMinirund() ?? noRegistries();
if (reason) console.log(`minirund-images: skipped, ${reason}`);
const alone = noDockerd();
if (!reason && alone) console.log(`minirund-images: compared with nothing, ${alone}`);

/** Sizes are blocks on the disk here and bytes of files there; both count from when a command ran. */
const NAMES = '{{.Repository}}:{{.Tag}} {{.Digest}} {{.ID}}';
const TIMES = /(?:Less than a second|About a \w+|\d+ \w+) ago/g;
/** dockerd leaves out what comes too fast. */
const PASSING = /^\w{12}: Verifying Checksum\n/gm;

describe.skipIf(reason)('images', () => {
  let place: Sandbox;
  let ours: DockerDaemon;
  let real: DockerDaemon | undefined;
  undoFailed(() => [ours, real]);

  beforeAll(async () => {
    place = await sandboxWith(async (made) => {
      await startRegistries(made);
      [ours, real] = await Promise.all([startMinirund(made), alone ? undefined : startDockerd(made)]);
      // One image for both: what each makes itself has another time in it, and so another id.
      await ours.ok([
        'import',
        '-c',
        'CMD ["sh"]',
        '-c',
        'LABEL made=here',
        '-c',
        'EXPOSE 80',
        '-m',
        'a test',
        BUSYBOX_TAR,
        `${OPEN}/a/b:1`,
      ]);
      await ours.ok(['push', `${OPEN}/a/b:1`]);
      await ours.ok(['tag', `${OPEN}/a/b:1`, `${OPEN}/a/b:2`]);
      await ours.ok(['push', '-q', `${OPEN}/a/b:2`]);
      await ours.ok(['rmi', '-f', `${OPEN}/a/b:1`, `${OPEN}/a/b:2`]);
      return made;
    });
  });
  afterAll(() => place?.end());

  const plain = ({ code, out, err }: Answer): Answer => ({
    code,
    out: out.replace(TIMES, 'AGO').replace(PASSING, ''),
    err: err.replaceAll(/home-of-\w+/g, 'HOME'),
  });

  /** The same command to both must say the same. */
  const both = async (...args: string[]): Promise<Answer> => {
    const [own, theirs] = await Promise.all([ours.docker(args), real?.docker(args)]);
    if (theirs) expect({ args, ...plain(own) }).toEqual({ args, ...plain(theirs) });
    return own;
  };
  const said = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await both(...args);
    expect({ args, code, err }).toEqual({ args, code: 0, err: '' });
    return out.trimEnd();
  };
  const refused = async (...args: string[]): Promise<string> => {
    const { code, err } = await both(...args);
    expect({ args, code }).toEqual({ args, code: 1 });
    return err;
  };

  it('are pulled: new, up to date, by digest, all tags; or not, with the same words', async () => {
    expect(await said('pull', `${OPEN}/a/b:1`)).toContain(`Status: Downloaded newer image for ${OPEN}/a/b:1`);
    expect(await said('pull', `${OPEN}/a/b:1`)).toContain('Status: Image is up to date');
    const digest = (await said('inspect', '-f', '{{index .RepoDigests 0}}', `${OPEN}/a/b:1`)).split('@')[1];
    await said('pull', '-q', `${OPEN}/a/b@${digest}`);
    expect(await said('images', '--digests', '--format', NAMES)).toContain(`${OPEN}/a/b:1 ${digest}`);
    await said('pull', '-q', '-a', `${OPEN}/a/b`);
    await said('images', '--digests', '--no-trunc', '--format', NAMES);
    await refused('pull', `${OPEN}/a/b:9`);
    await refused('pull', `${OPEN}/none:9`);
    await refused('pull', '127.0.0.1:5009/none');
    await refused('pull', 'scratch');
    await refused('pull', `${OPEN}/A`);
    const foreign = await ours.ok(['pull', '--platform', 'linux/s390x', `${OPEN}/a/b:1`]);
    expect(foreign).toContain('does not match the specified platform (linux/s390x)');
  });

  it('are shown alike', async () => {
    const parts = ['.Id', '.RepoTags', '.RepoDigests', '.Comment', '.Config.Cmd', '.Config.ExposedPorts', '.Config.Labels', '.Created'];
    for (const part of [...parts, '.Architecture', '.Os', '.RootFS', '.Author', '.Parent'])
      await said('image', 'inspect', '-f', `{{json ${part}}}`, `${OPEN}/a/b:1`);
    await said('history', '--no-trunc', '--format', '{{.ID}} {{.CreatedAt}} {{.CreatedBy}} {{.Comment}}', `${OPEN}/a/b:1`);
    await refused('history', 'none');
    const filters = ['dangling=true', 'dangling=false', 'label=made', 'label=made=here', 'label=made=there', 'reference=*/a/*:2'];
    for (const filter of [...filters, `before=${OPEN}/a/b:1`, `since=${OPEN}/a/b:1`]) await said('images', '-f', filter, '--format', NAMES);
    await said('images', '-q', '--no-trunc');
    await said('images', `${OPEN}/a/b:2`, '--format', NAMES);
    await refused('images', '-f', 'before=none');
  });

  it('are tagged, and lose their names again', async () => {
    await said('tag', `${OPEN}/a/b:1`, 'own:1');
    await said('tag', 'own:1', 'own:2');
    await refused('tag', 'none', 'own:3');
    await refused('tag', 'own:1', 'own@sha256:0000000000000000000000000000000000000000000000000000000000000001');
    await refused('rmi', 'none');
    const id = await said('images', '-q', 'own:1');
    await refused('rmi', id);
    expect(await said('rmi', 'own:1', 'own:2')).toBe('Untagged: own:1\nUntagged: own:2');
    expect(await said('rmi', `${OPEN}/a/b:1`)).toBe(`Untagged: ${OPEN}/a/b:1`);
    expect(await said('rmi', `${OPEN}/a/b:2`)).toMatch(
      /^Untagged: \S+:2\nUntagged: \S+@sha256:\w+\nDeleted: sha256:\w+\nDeleted: sha256:\w+$/,
    );
    expect(await said('images', '-a', '-q')).toBe('');
    await said('pull', '-q', `${OPEN}/a/b:1`);
    expect(await said('rmi', id)).toContain(`Deleted: sha256:${id}`);
  });

  it('are kept for containers, or not, as Docker does', async () => {
    await said('pull', '-q', `${OPEN}/a/b:1`);
    const id = await said('images', '-q', `${OPEN}/a/b:1`);
    const names = await Promise.all([ours, ...(real ? [real] : [])].map((daemon) => daemon.ok(['create', '--name', 'user', id, 'true'])));
    const masked = (text: string) => names.reduce((whole, name) => whole.replaceAll(name.slice(0, 12), 'USER'), text);
    for (const args of [
      ['rmi', `${OPEN}/a/b:1`],
      ['rmi', id],
    ]) {
      const answers = await Promise.all([ours.docker(args), real?.docker(args)]);
      const [own = '', theirs = own] = answers.map((answer) => answer && masked(answer.err));
      expect(own).toBe(theirs);
      expect(own).toContain('USER');
    }
    expect(await said('image', 'prune', '-a', '-f')).toBe('Total reclaimed space: 0B');
    await said('rm', 'user');
    await said('rmi', `${OPEN}/a/b:1`);
  });

  it('stay without a name when it is given to another, until they are pruned', async () => {
    await said('pull', '-q', `${OPEN}/a/b:1`);
    await said('tag', `${OPEN}/a/b:1`, 'own');
    await said('rmi', `${OPEN}/a/b:1`);
    for (const daemon of [ours, real]) await daemon?.ok(['import', BUSYBOX_TAR, 'own']);
    expect(await said('images', '-f', 'dangling=true', '--format', NAMES)).toMatch(/^<none>:<none> <none> \w{12}$/);
    expect(await said('image', 'prune', '-f')).toMatch(/^Deleted Images:\ndeleted: sha256:\w{64}\n\nTotal reclaimed space: 0B$/);
    for (const daemon of [ours, ...(real ? [real] : [])]) {
      for (const filter of ['label=none', 'until=1h'])
        expect(await daemon.ok(['image', 'prune', '-a', '-f', '--filter', filter])).toBe('Total reclaimed space: 0B');
      expect(await daemon.ok(['image', 'prune', '-a', '-f', '--filter', 'label!=none=x'])).toContain('untagged: own:latest\ndeleted: ');
    }
    expect(await said('images', '-q')).toBe('');
    await refused('image', 'prune', '-f', '--filter', 'until=nonsense');
  });

  it('go from one to the other: in archives, and through a registry', async () => {
    await said('pull', '-q', `${OPEN}/a/b:1`);
    const id = await said('images', '-q', '--no-trunc');
    const daemons = [ours, ...(real ? [real] : [])];
    for (const daemon of daemons) {
      const archive = join(place.folder, `${daemon.name}.tar`);
      expect((await daemon.shell(`docker save ${OPEN}/a/b > ${archive}`)).code).toBe(0);
      await said('rmi', `${OPEN}/a/b:1`);
      expect(await said('load', '-i', archive)).toBe(`Loaded image: ${OPEN}/a/b:1`);
      expect(await said('images', '-q', '--no-trunc')).toBe(id);
    }
    for (const daemon of daemons) {
      await daemon.ok(['tag', `${OPEN}/a/b:1`, `${OPEN}/${daemon.name}:x`]);
      expect(await daemon.ok(['push', `${OPEN}/${daemon.name}:x`])).toMatch(/\nx: digest: sha256:\w{64} size: \d+$/);
      await daemon.ok(['rmi', `${OPEN}/${daemon.name}:x`]);
      await said('pull', '-q', `${OPEN}/${daemon.name}:x`);
      expect(await said('images', '-q', '--no-trunc', `${OPEN}/${daemon.name}`)).toBe(id);
    }
    await refused('push', `${OPEN}/nowhere`);
    await refused('push', `${OPEN}/a/b:9`);
    const wrong = join(place.folder, 'wrong.tar');
    writeFileSync(wrong, 'no tar\n'.repeat(1000));
    for (const args of [
      ['load', '-i', wrong],
      ['import', wrong],
    ])
      expect((await ours.docker(args)).err).toContain('no tar archive');
    // Short: it is refused before it is read, and a client that is still sending then may not read the answer.
    const short = join(place.folder, 'short.tar');
    spawnSync('tar', ['-cf', short, '-C', place.folder, 'wrong.tar']);
    const changed = await both('import', '-c', 'FROM x', short);
    expect(changed.err).toContain('from is not a valid change command');
  });

  it('are let in and out by who logs in', async () => {
    const login = ['login', '-u', USER.name, '--password-stdin', GUARDED];
    const wrong = await Promise.all([ours.docker(login, { input: 'no' }), real?.docker(login, { input: 'no' })]);
    expect(wrong[0]?.err).toContain(`login attempt to http://${GUARDED}/v2/ failed with status: 401 Unauthorized`);
    if (wrong[1]) expect(wrong[0]).toEqual(wrong[1]);
    expect((await ours.docker(['pull', `${GUARDED}/a/b:1`])).err).toContain("may require 'docker login'");
    expect(await ours.ok(login, { input: USER.password })).toContain('Login Succeeded');
    expect(readFileSync(join(ours.home, '.docker/config.json'), 'utf8')).toContain(GUARDED);
    await ours.ok(['pull', `${GUARDED}/a/b:1`]);
    await ours.ok(['tag', `${GUARDED}/a/b:1`, `${GUARDED}/mine:1`]);
    expect(await ours.ok(['push', `${GUARDED}/mine:1`])).toContain('Mounted from');
    await ours.ok(['logout', GUARDED]);
    expect((await ours.docker(['push', `${GUARDED}/mine:1`])).err).toContain('push access denied');
    expect((await ours.docker(['search', `${OPEN}/a`])).err).toContain(`search: ${OPEN} offers none`);
    expect((await ours.docker(['search', '--limit', '101', 'a'])).err).toContain('limit 101 is outside the range of [1, 100]');
  });

  it('are told of in events', async () => {
    const until = String(Math.ceil(Date.now() / 1000) + 1);
    const told = await ours.ok(['events', '--since', '0', '--until', until, '--filter', 'type=image', '--format', '{{.Action}}']);
    const actions = new Set(told.split('\n'));
    for (const action of ['pull', 'push', 'tag', 'untag', 'delete', 'save', 'load', 'import', 'prune']) expect(actions).toContain(action);
  });

  it.each(['containerd', 'minirun-containerd'] as const)('live in %s as well, in a process of its own', async (name) => {
    if (!hasProgram(name === 'containerd' ? name : 'ctr')) return;
    const at = (folder: string) => `/run/${name}-alone/${folder}`;
    const socket = at('containerd.sock');
    const config = join(place.folder, `${name}.toml`);
    writeFileSync(config, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
    const program = name === 'containerd' ? name : join(import.meta.dirname, '../../bin', name);
    const flags = ['--address', socket, '--root', `/var/lib/${name}-alone`, '--state', at('state'), '--config', config];
    await place.daemon(name, [program, ...flags], ['ctr', '-a', socket, 'version']);
    const other = await startMinirund(place, ['--containerd', socket], `minirun-over-${name}`);
    expect(await other.ok(['pull', `${OPEN}/a/b:1`])).toContain('Downloaded newer image');
    const id = await other.ok(['images', '-q', '--no-trunc']);
    const ctr = async (...args: string[]) => (await place.run(['ctr', '-a', socket, '-n', 'moby', ...args])).out;
    expect(await ctr('images', 'check')).toMatch(new RegExp(`${OPEN}/a/b:1 .* complete .* true`));
    const archive = join(place.folder, `${name}.tar`);
    await other.ok(['save', '-o', archive, `${OPEN}/a/b:1`]);
    expect(existsSync(archive)).toBe(true);
    await other.ok(['rmi', `${OPEN}/a/b:1`]);
    expect(await other.ok(['images', '-q'])).toBe('');
    expect(await other.ok(['load', '-i', archive])).toBe(`Loaded image: ${OPEN}/a/b:1`);
    expect(await other.ok(['images', '-q', '--no-trunc'])).toBe(id);
    await other.ok(['tag', `${OPEN}/a/b:1`, `${OPEN}/${name}:1`]);
    expect(await other.ok(['push', `${OPEN}/${name}:1`])).toContain('1: digest: sha256:');
    await other.ok(['import', '-c', 'LABEL a=b', BUSYBOX_TAR, 'own']);
    expect(await other.ok(['images', '-q', '-f', 'label=a=b'])).toMatch(/^\w{12}$/);
    expect(await ctr('leases', 'ls', '-q')).toBe('');
    expect(await other.ok(['image', 'prune', '-a', '-f'])).toContain('untagged: own:latest');
  });
});
