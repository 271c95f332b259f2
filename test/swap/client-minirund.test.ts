/** minirun's client on minirund: the tutorial, and a daemon that is started on demand. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MINIRUN, ownClientOnMinirund } from './support/own-client.ts';
import { BUSYBOX_TAR, noRuntime } from './support/runtime.ts';
import { eventually, hasProgram, type Sandbox, sandboxWith } from './support/sandbox.ts';
import { tutorial } from './support/tutorial.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`client-minirund: skipped, ${reason}`);

describe.skipIf(reason)("minirun's client on minirund", () => {
  tutorial(ownClientOnMinirund, { networks: 'bridges come later' });
});

describe.skipIf(reason)('minirund on demand', () => {
  let place: Sandbox;
  beforeAll(async () => {
    place = await sandboxWith(async (made) => made);
  });
  afterAll(() => place?.end());
  const minirun = (...args: string[]) => place.run([MINIRUN, ...args]);
  const daemons = async () => (await place.run(['pgrep', '-fc', 'bin/[m]inirund'])).out.trim();

  test('is not started for what needs none', async () => {
    expect(await minirun('ps', '-a')).toMatchObject({ code: 0, err: '' });
    expect((await minirun('stop', 'nosuch')).err).toMatch(/^minirun: no container "nosuch"/);
    expect((await minirun('version')).out).toContain('minirund does not run');
    expect(await daemons()).toBe('0');
  });
  test('several clients at once start one, and one of them tells so', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => minirun('images', '-q')));
    expect(answers.map(({ code, out }) => [code, out])).toEqual(answers.map(() => [0, '']));
    expect(answers.filter(({ err }) => /^minirun: starting minirund, /.test(err))).toHaveLength(1);
    expect(await daemons()).toBe('1');
    expect((await minirun('images')).err).toBe('');
  });
  test('containers of both kinds are listed together, and found by name', async () => {
    const folder = join(place.folder, 'files');
    await place.run(['sh', '-c', `mkdir ${folder} && tar -C ${folder} -xf ${BUSYBOX_TAR}`]);
    await minirun('import', '-c', 'CMD ["sleep", "1000"]', BUSYBOX_TAR, 'sleeper');
    expect(await minirun('run', '-d', '--name', 'plain', folder, 'sleep', '1000')).toMatchObject({ code: 0, err: '' });
    expect(await minirun('run', '-d', '--name', 'imaged', '--network', 'none', 'sleeper')).toMatchObject({ code: 0 });
    const listed = (await minirun('ps', '--format', '{{.Names}} {{.Image}} {{.State}}')).out.trim().split('\n').sort();
    expect(listed).toEqual(['imaged sleeper running', `plain ${folder} running`]);
    for (const name of ['plain', 'imaged']) expect(await minirun('exec', name, 'echo', name)).toMatchObject({ out: `${name}\n`, err: '' });
    expect((await minirun('lsns')).out).toMatch(/^plain [\s\S]*^imaged /m);
    expect((await minirun('rm', '-f', 'plain', 'imaged')).out).toBe('plain\nimaged\n');
    expect((await minirun('ps', '-aq')).out).toBe('');
  });
  test('its log is where it says', async () => {
    const log = '/run/minirun/.minirund/log';
    expect((await place.run(['stat', '-c', '%a', log])).out).toBe('600\n');
  });
  test('it can be ended, and the next command starts another', async () => {
    await place.run(['pkill', '-TERM', '-f', 'bin/[m]inirund']);
    await eventually('it is gone', async () => (await daemons()) === '0');
    const again = await minirun('images', '--format', '{{.Repository}}');
    expect(again).toMatchObject({ code: 0, out: 'sleeper\n' });
    expect(again.err).toMatch(/starting minirund/);
  });
  test('containers of one that has ended are not forgotten', async () => {
    await minirun('create', '--name', 'kept', 'sleeper');
    await place.run(['pkill', '-TERM', '-f', 'bin/[m]inirund']);
    await eventually('it is gone', async () => (await daemons()) === '0');
    const listed = await minirun('ps', '-a', '--format', '{{.Names}}');
    expect(listed).toMatchObject({ code: 0, out: 'kept\n' });
    expect(listed.err).toMatch(/starting minirund/);
  });
});
