/** Volumes, mounts and the files of containers by the real docker command line: minirund does what the real dockerd does. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byteString } from '../../src/containerd/layers/tar-header.ts';
import { END_OF_ARCHIVE, encodeHeader, paddingOf, type TarWritten } from '../../src/containerd/layers/tar-writer.ts';
import { newestApi } from './support/docker-client.ts';
import { BUSYBOX_TAR, noRuntime } from './support/runtime.ts';
import { type Answer, eventually, type Sandbox, sandboxWith } from './support/sandbox.ts';
import { type DockerDaemon, noDockerd, noMinirund, startDockerd, startMinirund } from './support/two-daemons.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? noMinirund();
if (reason) console.log(`minirund-files: skipped, ${reason}`);
const alone = noDockerd();
if (!reason && alone) console.log(`minirund-files: compared with nothing, ${alone}`);

/** What dockerd 20.10 speaks: both mean the same by the same words. */
const SAME_VERSION = { DOCKER_API_VERSION: '1.41' };
const PIDFILE = ['--pidfile', '/run/minirun.pid'];
const RUN = ['run', '--rm', '--network', 'none'];

/** A tar of these entries; of a file, its text. */
function tarOf(...entries: (TarWritten & { text?: string })[]): Buffer {
  const pieces = entries.flatMap(({ text = '', ...entry }) => {
    const bytes = Buffer.from(text);
    return [encodeHeader({ mode: 0o644, ...entry, name: byteString(entry.name), size: bytes.length }), bytes, paddingOf(bytes.length)];
  });
  return Buffer.concat([...pieces, END_OF_ARCHIVE]);
}

describe.skipIf(reason)('volumes and files', () => {
  let place: Sandbox;
  let ours: DockerDaemon;
  let real: DockerDaemon | undefined;
  undoFailed(() => [ours, real]);
  let host: string;

  beforeAll(async () => {
    place = await sandboxWith(async (made) => {
      host = join(made.folder, 'host');
      mkdirSync(join(host, 'dir/deep'), { recursive: true });
      writeFileSync(join(host, 'file'), 'of the host\n');
      await made.run([
        'sh',
        '-c',
        `cd ${host} && ln -s ../file dir/link && chown -R 1234:1235 dir file && chmod 4750 file && mkdir shared`,
      ]);
      [ours, real] = await Promise.all([startMinirund(made, PIDFILE), alone ? undefined : startDockerd(made)]);
      for (const daemon of [ours, real]) await daemon?.ok(['import', '-c', 'CMD ["sh"]', '-c', 'VOLUME /volume', BUSYBOX_TAR, 'busybox']);
      return made;
    });
  });
  afterAll(() => place?.end());

  /** Ids, times and the daemons' own folders are not the same. */
  const plain = ({ code, out, err }: Answer): Answer => {
    const text = (given: string): string =>
      given
        .replaceAll(/\/var\/lib\/(docker|minirun)\b/g, 'ROOT')
        .replaceAll(/\b[0-9a-f]{64}\b/g, 'ID')
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z?(?:[+-]\d\d:\d\d)?/g, 'TIME')
        .replaceAll(/ROOT\/overlay2\/ID\/merged|(?<=unlinkat )\/(?=\/)/g, '')
        .replaceAll('Error processing tar file(exit status 1): ', '')
        // An older docker says so when the answer to its start comes before the one to its wait.
        .replaceAll(/^.*error waiting for container: context canceled.*\n/gm, '');
    return { code, out: text(out), err: text(err) };
  };

  /** The same command to both must say the same. */
  const both = async (...args: string[]): Promise<Answer> => {
    const [mine, theirs] = await Promise.all([ours, real].map((daemon) => daemon?.docker(args, { env: SAME_VERSION })));
    const answer = plain(mine as Answer);
    if (theirs) expect(answer, `docker ${args.join(' ')}`).toEqual(plain(theirs));
    return answer;
  };
  /** One line of a shell, for both. */
  const bothShell = async (line: string): Promise<string> => {
    const [mine, theirs] = await Promise.all(
      [ours, real].map((daemon) => daemon?.shell(`export DOCKER_API_VERSION=1.41; HOST=${host}; ${line}`)),
    );
    const answer = plain(mine as Answer);
    if (theirs) expect(answer, line).toEqual(plain(theirs));
    return answer.out + answer.err;
  };
  const inside = (options: string[], line: string): Promise<Answer> => both(...RUN, ...options, 'busybox', 'sh', '-c', line);

  it('volumes are made, listed, looked at and removed', async () => {
    await both('volume', 'create', 'data');
    await both('volume', 'create', 'data');
    await both('volume', 'create', '--label', 'a=b', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m,mode=1777', 'memory');
    await both('volume', 'ls');
    await both('volume', 'ls', '-q', '-f', 'name=mem', '-f', 'dangling=true');
    await both('volume', 'ls', '-q', '-f', 'label=a=b', '-f', 'driver=local');
    await both('volume', 'inspect', '-f', '{{.Name}} {{.Driver}} {{.Mountpoint}} {{.Labels}} {{.Options}} {{.Scope}}', 'data', 'memory');
    for (const wrong of [['x'], ['a/b'], ['-o', 'foo=bar', 'other'], ['-o', 'type=tmpfs', 'other']])
      expect((await both('volume', 'create', ...wrong)).code).toBe(1);
    // dockerd looks for another driver for 15 seconds.
    expect((await ours.docker(['volume', 'create', '-d', 'nfs', 'other'])).err).toContain(
      'create other: error looking up volume plugin nfs: plugin "nfs" not found',
    );
    expect((await both('volume', 'inspect', 'nothing')).code).toBe(1);
    expect((await both('volume', 'rm', 'nothing')).code).toBe(1);
    await both('volume', 'rm', '-f', 'nothing');
    await both('volume', 'rm', 'data', 'memory');
    expect((await both('volume', 'ls', '-q')).out).toBe('');
  });

  it('a volume that is used stays, and prune takes the others', async () => {
    await both('create', '--network', 'none', '--name', 'user', '-v', 'used:/used', 'busybox');
    await both('volume', 'create', 'unused');
    expect((await both('volume', 'rm', 'used')).err).toMatch(/remove used: volume is in use - \[ID\]/);
    await both('volume', 'ls', '-f', 'dangling=true');
    await both('volume', 'prune', '-f');
    // The volume of the image, without a name, goes with its container.
    expect((await both('volume', 'ls', '-q')).out.split('\n')).toHaveLength(3);
    await both('rm', '-v', 'user');
    expect((await both('volume', 'ls', '-q')).out).toBe('used\n');
    await both('volume', 'rm', 'used');
  });

  it('from version 1.42 on, prune leaves volumes with names', async (ctx) => {
    if (newestApi() < 42) ctx.skip('needs a docker command line that speaks API 1.42');
    await ours.ok(['volume', 'create', 'named']);
    await ours.ok(['volume', 'create']);
    expect(await ours.ok(['volume', 'prune', '-f'])).toMatch(/^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B$/);
    expect(await ours.ok(['volume', 'prune', '-a', '-f'])).toContain('Deleted Volumes:\nnamed\n');
  });

  it('-v in all its forms', async () => {
    expect(
      (
        await inside(
          ['-v', 'data:/data', '-v', `${host}:/host:ro`, '-v', '/alone'],
          'echo x > /data/x && ls -a /alone && cat /host/file && touch /host/y',
        )
      ).err,
    ).toContain('Read-only file system');
    await inside(['-v', 'data:/data:ro'], 'cat /data/x; touch /data/y');
    await inside(['-v', `${host}/file:/etc/file:ro,z`, '-v', `${host}/dir:/a/b/c:rslave,cached`], 'cat /etc/file; ls -ln /a/b/c');
    await inside(['-v', `${host}/made-PLACE:/x`.replace('PLACE', 'here')], 'ls -ld /x | cut -c1-10');
    await inside(['-v', 'data:/etc/resolv.conf.d', '-v', 'etc:/etc'], 'ls /etc | grep -v mtab');
    await inside(['-v', 'empty:/home:nocopy'], 'ls -A /home');
    for (const wrong of ['a:b:c:d', 'rel/path:/x', 'data:x', 'data:/', 'data:/x:bad', 'data:/x:ro,rw', `${host}:/x:nocopy`, 'data:ro'])
      expect((await inside(['-v', wrong], 'true')).code, wrong).toBe(125);
    expect((await inside(['-v', 'data:/x', '-v', `${host}:/x`], 'true')).err).toContain('Duplicate mount point: /x');
    expect((await inside(['-v', 'data:/x', '--tmpfs', '/x'], 'true')).err).toContain('Duplicate mount point: /x');
    await both('volume', 'rm', 'data', 'etc', 'empty');
    // What failed has left no volume behind.
    expect((await both('volume', 'ls', '-q')).out).toBe('');
  });

  it('--mount in all its forms', async () => {
    const mount = (...asked: string[]): string[] => asked.flatMap((one) => ['--mount', one]);
    await inside(
      mount('type=volume,source=one,target=/one,volume-label=a=b', 'type=volume,target=/two'),
      'touch /one/f /two/f; ls /one /two',
    );
    await both('volume', 'inspect', '-f', '{{.Labels}}', 'one');
    await inside(
      mount('type=volume,source=one,target=/one,readonly', 'type=volume,source=etc,target=/etc,volume-nocopy'),
      'ls /one; touch /one/g; ls /etc | grep -v mtab',
    );
    await inside(
      mount(`type=bind,source=${host},target=/host,readonly`, `type=bind,source=${host}/file,target=/f`),
      'ls /host; touch /host/x; cat /f',
    );
    await inside(
      mount('type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770'),
      "ls -ld /t | cut -c1-10; grep ' /t ' /proc/mounts | tr , '\\n' | grep -E 'size|noexec|nosuid|nodev'",
    );
    await inside(
      mount('type=volume,source=mem,target=/m,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m'),
      'df -k /m | tail -1 | tr -s " " | cut -d" " -f1,2',
    );
    for (const wrong of [
      `type=bind,source=${host}/nothing,target=/x`,
      `type=bind,source=${host},target=x`,
      `type=bind,source=${host},target=/`,
      'type=bind,source=rel,target=/x',
      'type=volume,source=a/b,target=/x',
      'type=volume,source=new,target=/x,volume-opt=foo=bar',
    ])
      expect((await inside(mount(wrong), 'true')).code, wrong).toBe(125);
    expect((await inside(mount('type=volume,source=one,target=/x', 'type=tmpfs,target=/x'), 'true')).err).toContain(
      'Duplicate mount point',
    );
    await both('volume', 'rm', 'one', 'etc', 'mem');
    expect((await both('volume', 'ls', '-q')).out).toBe('');
  });

  it('inspect shows the mounts as they were asked for', async () => {
    await both('create', '--network', 'none', '--name', 'source', '-v', 'theirs:/theirs', '-v', `${host}:/theirs2:ro`, 'busybox');
    // prettier-ignore
    const options = [
      '-v',
      'named:/n',
      '-v',
      `${host}:/t`,
      '-v',
      `${host}:/t2:ro,z`,
      '-v',
      'named:/n3:nocopy',
      '-v',
      '/:/all',
      '--tmpfs',
      '/tm:size=1m',
      '--volumes-from',
      'source:ro',
      '--mount',
      'type=tmpfs,target=/mt,readonly',
      '--mount',
      'type=volume,target=/mv',
      '--mount',
      'type=volume,source=x2,target=/mv2,readonly',
      '--mount',
      `type=bind,source=${host},target=/mb/,bind-propagation=shared`,
    ];
    await both('create', '--network', 'none', '--name', 'inspected', ...options, 'busybox');
    const mounts = async (daemon: DockerDaemon): Promise<unknown[]> =>
      JSON.parse(
        plain({ code: 0, out: await daemon.ok(['inspect', '-f', '{{json .Mounts}}', 'inspected'], { env: SAME_VERSION }), err: '' }).out,
      ).sort((a: { Destination: string }, b: { Destination: string }) => a.Destination.localeCompare(b.Destination));
    const found = await mounts(ours);
    expect(found).toHaveLength(12);
    if (real) expect(found).toEqual(await mounts(real));
    await both('rm', '-v', 'inspected', 'source');
    await both('volume', 'rm', 'named', 'theirs', 'x2');
  });

  it('volumes of another container, and what an image has where a new volume is', async () => {
    await both(
      'run',
      '--name',
      'source',
      '--network',
      'none',
      '-v',
      'shared:/etc',
      '-v',
      '/nobody',
      'busybox',
      'sh',
      '-c',
      'ls -ln /etc/passwd; echo a > /nobody/a; echo b > /volume/b',
    );
    await inside(['--volumes-from', 'source'], 'cat /nobody/a /volume/b; ls /etc | head -3; touch /nobody/c');
    await inside(['--volumes-from', 'source:ro'], 'ls /nobody; touch /nobody/d');
    await inside(['--volumes-from', 'source', '-v', `${host}:/nobody`], 'ls /nobody');
    expect((await inside(['--volumes-from', 'nobody'], 'true')).err).toContain('No such container: nobody');
    expect((await inside(['-v', '/bin/busybox'], 'true')).err).toContain('cannot mount volume over existing file, file exists');
    await both('rm', '-v', 'source');
    await both('volume', 'rm', 'shared');
    expect((await both('volume', 'ls', '-q')).out).toBe('');
  });

  it('what newer versions of the API have: subpaths, images, read-only all the way down', async (ctx) => {
    if (newestApi() < 48) ctx.skip('needs a docker command line that speaks API 1.48');
    await ours.ok([
      ...RUN,
      '-v',
      'data:/d',
      'busybox',
      'sh',
      '-c',
      'mkdir -p /d/a/b && echo x > /d/a/b/f && ln -s /etc /d/out && ln -s a/b /d/in',
    ]);
    const read = (subpath: string) =>
      ours.docker([...RUN, '--mount', `type=volume,source=data,target=/s,volume-subpath=${subpath}`, 'busybox', 'sh', '-c', 'ls /s']);
    expect((await read('a/b')).out).toBe('f\n');
    expect((await read('in')).out).toBe('f\n');
    expect((await read('a/b/f')).out).toBe('/s\n');
    // A link to /etc leads to the volume's own, which is not there.
    expect((await read('out')).err).toContain('cannot access path');
    expect((await read('../x')).err).toContain('subpath must be a relative path within the volume');
    const image = await ours.docker([
      ...RUN,
      '--mount',
      'type=image,source=busybox,target=/i',
      'busybox',
      'sh',
      '-c',
      'ls -d /i/bin; touch /i/x',
    ]);
    expect(image).toMatchObject({ out: '/i/bin\n', err: 'touch: /i/x: Read-only file system\n' });
    await place.run(['sh', '-c', `mount -t tmpfs tmpfs ${host}/shared`]);
    const below = (...options: string[]) => ours.docker([...RUN, ...options, 'busybox', 'sh', '-c', 'touch /h/shared/f']);
    expect((await below('-v', `${host}:/h:ro`)).err).toContain('Read-only file system');
    expect((await below('--mount', `type=bind,source=${host},target=/h,readonly,bind-recursive=writable`)).code).toBe(0);
    await place.run(['umount', join(host, 'shared')]);
    const missing = join(host, 'missing');
    await ours.ok([...RUN, '--mount', `type=bind,source=${missing},target=/x,bind-create-src`, 'busybox', 'true']).catch((error: Error) => {
      // Command lines before 28.3 have no word for it.
      expect(error.message).toContain('bind-create-src');
    });
    await ours.ok(['volume', 'rm', 'data']);
    expect(await place.run(['sh', '-c', 'ls -A /run/minirun/subpaths'])).toMatchObject({ out: '' });
  });

  const tars = async (): Promise<void> => {
    for (const path of ['/', '/d', '/d/', '/d/.', '/d/f', '/l', '/l/', '/broken', '/d/lf', '/vol', 'd/f', '../../d/f'])
      await bothShell(
        `docker cp files:${path} - | tar tv | sed 's#0/0  #root/root#; s#root/root#0/0#; s/  */ /g; s/ 0 [-0-9]* [0-9:]* / /' | sort | grep -vE ' /(dev|proc|sys)|\\.dockerenv|/etc/(mtab|hosts|hostname|resolv)|/dev/'`,
      );
    for (const path of ['/nope', '/nope/x', '/d/f/'])
      expect(await bothShell(`docker cp files:${path} - 2>&1 | sed 's/lstat .*:/lstat:/'`)).toMatch(
        /Could not find|No such container:path|not a directory/,
      );
  };

  it('docker cp out of a container that runs, and of one that does not', async () => {
    await both(
      'run',
      '-d',
      '--name',
      'files',
      '--network',
      'none',
      '-v',
      'vol:/vol',
      '-v',
      `${host}/file:/mounted:ro`,
      'busybox',
      'sh',
      '-c',
      'mkdir -p /d/sub; echo x > /d/f; ln /d/f /d/hard; ln -s /d /l; ln -s ../d/f /d/lf; ln -s /nope/../q /broken; echo v > /vol/v; touch /ready; exec sleep 1000',
    );
    await eventually('both are ready', async () => (await bothShell('docker exec files ls /ready 2>/dev/null')) === '/ready\n');
    await tars();
    await bothShell(
      'D=$(mktemp -d); docker cp files:/d $D/new && docker cp files:/d $D && docker cp -L files:/d/lf $D/file && cd $D && find . | sort && cat file',
    );
    await both('kill', 'files');
    await both('wait', 'files');
    await tars();
  });

  it('docker cp into a container that does not run, and into one that does', async () => {
    for (const state of ['stopped', 'running']) {
      if (state === 'running') await both('start', 'files');
      await bothShell(
        `docker cp $HOST/file files:/${state} && docker cp -a $HOST/file files:/d/${state} && docker cp $HOST/file files:/vol/${state}`,
      );
      await bothShell(
        `docker cp $HOST/dir files:/vol/dir-${state}; docker cp $HOST/dir/. files:/vol/content-${state} && docker cp $HOST/file files:/l/`,
      );
      await bothShell(
        `tar -C $HOST -c file | docker cp - files:/d; docker cp $HOST/file files:/nope/x 2>&1 | grep -v level=error; docker cp $HOST/dir files:/d/f 2>&1 | grep -v level=error`,
      );
      expect(await bothShell('docker cp $HOST/file files:/mounted')).toContain('device or resource busy');
    }
    await both(
      'exec',
      'files',
      'sh',
      '-c',
      "find / /vol /d -maxdepth 2 -name '*ing' -o -maxdepth 2 -name '*ped' -o -name file | sort | xargs ls -lnd | tr -s ' ' | cut -d' ' -f1-5,9",
    );
    await both('exec', 'files', 'sh', '-c', 'mkdir -p /w/file');
    expect(await bothShell('tar -C $HOST -c file | docker cp - files:/w')).toContain('cannot overwrite directory');
  });

  it('diff, export and commit', async () => {
    await both(
      'run',
      '--name',
      'changed',
      '--network',
      'none',
      '-e',
      'A=b',
      '-l',
      'l=m',
      'busybox',
      'sh',
      '-c',
      'echo x > /x; rm /bin/ls; mkdir -p /var/deep/er; chmod 700 /mnt; rm -r /home; mkdir /home; echo h > /home/h; ln /x /hard',
    );
    // In the order of names; dockerd walks in another one.
    expect(await bothShell('docker diff changed | sort')).toContain('D /bin/ls\n');
    await bothShell(
      "docker export changed | tar tv | tr -s ' ' | cut -d' ' -f1,3,6- | sed 's/^\\(d.*\\) [0-9]* /\\1 /' | grep -vE '/?(dev|proc|sys)/|etc/(mtab|hosts|hostname|resolv)|dockerenv' | sort",
    );
    await bothShell(`docker commit -a me -m message -c 'CMD ["cat","/x"]' -c 'ENV C=d' -c 'VOLUME /other' changed committed:1 | cut -c1-7`);
    await both(
      'image',
      'inspect',
      '-f',
      '{{.Author}} {{.Comment}} {{json .Config.Cmd}} {{json .Config.Env}} {{json .Config.Labels}} {{json .Config.Volumes}}',
      'committed:1',
    );
    expect((await both(...RUN, 'committed:1')).out).toBe('x\n');
    await both(...RUN, 'committed:1', 'sh', '-c', 'ls /home /bin/ls; stat -c %a /mnt; stat -c %h /x');
    expect((await both('commit', '-c', 'RUN true', 'changed')).code).toBe(1);
    expect((await both('commit', 'nothing')).code).toBe(1);
    expect((await both('diff', 'nothing')).code).toBe(1);
    await both('rm', '-v', 'changed');
  });

  it('read-only containers take no files, but their volumes do', async () => {
    await both(
      'run',
      '-d',
      '--name',
      'readonly',
      '--read-only',
      '--network',
      'none',
      '-v',
      'vol:/ro:ro',
      '-v',
      'vol:/rw',
      'busybox',
      'sleep',
      '1000',
    );
    for (const state of ['running', 'stopped']) {
      if (state === 'stopped') await both('kill', 'readonly');
      if (state === 'stopped') await both('wait', 'readonly');
      expect(await bothShell('docker cp $HOST/file readonly:/x')).toContain('container rootfs is marked read-only');
      expect(await bothShell('docker cp $HOST/file readonly:/ro/x')).toContain('mounted volume is marked read-only');
      expect(await bothShell(`docker cp $HOST/file readonly:/rw/${state}`)).toBe('');
    }
    await both('rm', '-v', 'readonly');
  });

  it('a tar that wants out stays in the container', async () => {
    const put = async (path: string, tar: Buffer): Promise<Answer> => {
      const file = join(host, 'attack.tar');
      writeFileSync(file, tar);
      return place.run(['curl', '-sS', '--unix-socket', ours.socket, '-T', file, `http://d/v1.41/containers/files/archive?path=${path}`]);
    };
    const secret = join(host, 'secret');
    writeFileSync(secret, 'untouched');
    const refused = [
      [{ name: '../evil', type: 'file', text: 'x' }],
      [{ name: 'd/../../evil', type: 'file', text: 'x' }],
      [{ name: 'hard', type: 'link', linkName: '../../../../etc/passwd' }],
    ] as const;
    for (const entries of refused) expect((await put('/d', tarOf(...entries))).out).toContain('is outside of');
    const relative = `../../../../../../../../..${host}`;
    const inside = [
      [
        { name: 'a1', type: 'symlink', linkName: host },
        { name: 'a1/secret', type: 'file', text: 'overwritten' },
      ],
      [
        { name: 'a2', type: 'symlink', linkName: relative },
        { name: 'a2/secret', type: 'file', text: 'overwritten' },
      ],
      [{ name: secret, type: 'file', text: 'overwritten' }],
      [
        { name: 'a3', type: 'symlink', linkName: secret },
        { name: 'a3', type: 'file', text: 'overwritten' },
      ],
      [
        { name: 'a4', type: 'symlink', linkName: '/proc/self/root' },
        { name: `a4${secret}`, type: 'file', text: 'overwritten' },
      ],
    ] as const;
    for (const entries of inside) await put('/d', tarOf(...entries));
    await put('/d/a1', tarOf({ name: 'secret', type: 'file', text: 'overwritten' }));
    await ours.ok(['kill', 'files']);
    await ours.ok(['wait', 'files']);
    for (const entries of inside) await put('/d', tarOf(...entries));
    expect(readFileSync(secret, 'utf8')).toBe('untouched');
    expect(existsSync(join(host, 'evil'))).toBe(false);
    // Links of the container lead into the container, also on the way out.
    const { out } = await ours.shell(`docker cp files:/d/a1/ - | tar t`);
    expect(out).not.toContain('file\n');
    expect((await ours.shell(`docker cp files:/d/a1/secret - | tar xO`)).out).toBe('overwritten');
  });

  it('a daemon that is killed in the middle of a copy leaves nothing mounted, and loses no volume', async () => {
    await ours.shell(
      `dd if=/dev/zero bs=1M count=64 2>/dev/null | docker ${RUN.join(' ')} -i -v kept:/kept busybox sh -c 'cat > /kept/large'`,
    );
    await ours.ok(['create', '--name', 'killed', '-v', 'kept:/kept', 'busybox']);
    const mounted = async () => Number((await place.run(['sh', '-c', 'grep -c /run/minirun/files/ /proc/self/mountinfo'])).out);
    const reader = place.start(['sh', '-c', `docker -H unix://${ours.socket} cp killed:/kept - | sleep 60`]);
    await eventually('files are mounted', async () => (await mounted()) > 0);
    await place.run(['sh', '-c', 'kill -9 $(cat /run/minirun.pid)']);
    reader.kill();
    ours = await startMinirund(place, PIDFILE);
    expect(await mounted()).toBe(0);
    expect(await ours.ok(['volume', 'ls', '-q'])).toContain('kept');
    expect((await ours.shell('docker cp killed:/kept/large - | tar xO | wc -c')).out.trim()).toBe(String(64 << 20));
    expect(readdirSync(host)).toContain('file');
  });
});
