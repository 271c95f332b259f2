/** Registries in a sandbox: one that asks nobody, and one that wants a password, over the same files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasProgram, type Sandbox } from './sandbox.ts';

export const OPEN = '127.0.0.1:5000';
export const GUARDED = '127.0.0.1:5001';
export const USER = { name: 'me', password: 'secret' };

/** Why there can be none, or undefined. */
export const noRegistries = (): string | undefined =>
  ['docker-registry', 'htpasswd', 'curl'].map((name) => (hasProgram(name) ? undefined : `needs ${name}`)).find(Boolean);

/** Starts both. They end with the sandbox. */
export async function startRegistries(place: Sandbox): Promise<void> {
  const folder = join(place.folder, 'registry');
  mkdirSync(folder);
  const made = await place.run(['htpasswd', '-Bbn', USER.name, USER.password]);
  if (made.code !== 0) throw new Error(`htpasswd: ${made.err}`);
  writeFileSync(join(folder, 'htpasswd'), made.out);
  const start = async (name: string, addr: string, more: object) => {
    const config = { version: '0.1', storage: { filesystem: { rootdirectory: join(folder, 'data') } }, http: { addr }, ...more };
    writeFileSync(join(folder, `${name}.yml`), JSON.stringify(config));
    await place.daemon(name, ['docker-registry', 'serve', join(folder, `${name}.yml`)], ['curl', '-s', `http://${addr}/v2/`]);
  };
  await start('registry', OPEN, {});
  await start('guarded-registry', GUARDED, { auth: { htpasswd: { realm: 'the test', path: join(folder, 'htpasswd') } } });
}
