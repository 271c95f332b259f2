/** Debian's docker-registry (Distribution) on a free port of 127.0.0.1. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DockerRegistry {
  /** 127.0.0.1 and the port */
  host: string;
  /** its certificate authority, where it speaks TLS */
  ca: string | undefined;
  stop(): Promise<void>;
}

export interface RegistryOptions {
  /** a user that it asks for */
  user?: { name: string; password: string };
  tls?: boolean;
}

const works = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;

/** Why there is none, or undefined. */
export function noRegistry(): string | undefined {
  if (!works('docker-registry', '--version')) return 'docker-registry is not installed';
  if (!works('skopeo', '--version')) return 'skopeo is not installed';
  return undefined;
}

/** @throws when it does not come up in ten seconds */
export async function startRegistry({ user, tls }: RegistryOptions = {}): Promise<DockerRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'minirun-registry-'));
  const http: Record<string, unknown> = { addr: '127.0.0.1:0' };
  const config: Record<string, unknown> = {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http,
  };
  if (user) {
    const made = spawnSync('htpasswd', ['-Bbn', user.name, user.password], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`htpasswd: ${made.stderr ?? made.error}`);
    writeFileSync(join(folder, 'htpasswd'), made.stdout);
    config.auth = { htpasswd: { realm: 'the test', path: join(folder, 'htpasswd') } };
  }
  if (tls) {
    const [certificate, key] = [join(folder, 'own.pem'), join(folder, 'own.key')];
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const made = spawnSync('openssl', [
      ...args,
      '-subj',
      '/CN=127.0.0.1',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      certificate,
    ]);
    if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
    http.tls = { certificate, key };
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  const child: ChildProcess = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const stop = async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  let log = '';
  try {
    const host = await new Promise<string>((found, failed) => {
      const timer = setTimeout(() => failed(new Error(`docker-registry did not come up: ${log}`)), 10_000);
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        if (log.length < 100_000) log += text;
        const match = /listening on (127\.0\.0\.1:\d+)/.exec(log);
        if (match?.[1] === undefined) return;
        clearTimeout(timer);
        found(match[1]);
      });
      void ended.then(() => failed(new Error(`docker-registry ended: ${log}`)));
    });
    return { host, ca: tls ? join(folder, 'own.pem') : undefined, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
