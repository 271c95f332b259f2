import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'vitest';
import { packageRoot } from '../../src/runc/engine/installed.ts';
import { BUSYBOX_TAR } from './support/runtime.ts';
import { sandboxWith } from './support/sandbox.ts';

it('x', async () => {
  await sandboxWith(async (place) => {
    writeFileSync(
      join(place.folder, 'reg.yml'),
      JSON.stringify({
        version: '0.1',
        storage: { filesystem: { rootdirectory: join(place.folder, 'reg') }, delete: { enabled: true } },
        http: { addr: '127.0.0.1:5000' },
      }),
    );
    writeFileSync(
      join(place.folder, 'reg2.yml'),
      JSON.stringify({
        version: '0.1',
        storage: { filesystem: { rootdirectory: join(place.folder, 'reg') } },
        http: { addr: '127.0.0.1:5001' },
        auth: { htpasswd: { realm: 'x', path: join(place.folder, 'htpasswd') } },
      }),
    );
    await place.run(['sh', '-c', `htpasswd -Bbn me pw > ${place.folder}/htpasswd`]);
    const real = ['docker', '-H', 'unix:///run/docker.sock'];
    const ours = ['docker', '-H', 'unix:///run/minirun/docker.sock'];
    await place.daemon(
      'registry',
      ['docker-registry', 'serve', join(place.folder, 'reg.yml')],
      ['curl', '-sf', 'http://127.0.0.1:5000/v2/'],
    );
    await place.daemon(
      'registry2',
      ['docker-registry', 'serve', join(place.folder, 'reg2.yml')],
      ['curl', '-s', 'http://127.0.0.1:5001/v2/'],
    );
    await Promise.all([
      place.daemon('dockerd', ['dockerd', '-H', 'unix:///run/docker.sock', '--group', 'root'], [...real, 'version']),
      place.daemon('minirund', [join(packageRoot(), 'bin/minirund')], [...ours, 'version']),
    ]);
    let log = '';
    const both = async (line: string) => {
      log += `\n$ docker ${line}\n`;
      for (const [name, client] of [
        ['real', real],
        ['ours', ours],
      ] as const) {
        const a = await place.run(
          ['sh', '-c', `${client.join(' ')} ${name === 'ours' ? line.replaceAll('/run/docker.sock', '/run/minirun/docker.sock') : line}`],
          { env: { HOME: `${place.folder}/${name}` } },
        );
        log += `--- ${name} ${a.code}\n${a.out}${a.err}`;
      }
    };
    await both(`import -c 'CMD ["sh"]' -c 'LABEL a=b' -m hello ${BUSYBOX_TAR} bb:1`);
    await place.run(['sh', '-c', `${real.join(' ')} save bb:1 > ${place.folder}/bb.tar`]);
    for (const line of (process.env.LINES ?? '').split('\n'))
      if (line.trim()) await both(line.replaceAll('$F', place.folder).replaceAll('$TAR', BUSYBOX_TAR));
    writeFileSync('/tmp/images/explore.txt', log);
    await place.end();
  });
}, 120000);
