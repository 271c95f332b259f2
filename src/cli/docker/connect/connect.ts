/** The connection to a daemon: found, started when it is our own and does not run, and its version agreed on. */
import { existsSync, readdirSync } from 'node:fs';
import type { Agent } from 'node:http';
import { connect as connectSocket } from 'node:net';
import type Dockerode from 'dockerode';
import type { Context } from '../../command.ts';
import { type Address, addressOf } from './address.ts';
import { certificatesIn, endpointOf } from './docker-config.ts';
import { CommandFailed } from './failed.ts';

/** The newest version of the API that this client speaks. */
const NEWEST = 50;

export interface Connection {
  docker: Dockerode;
  address: Address;
  /** Minor of the API that both sides speak: 41 is 1.41. */
  api: number;
  /** The same as it is written. */
  apiVersion: string;
}

export const addressFor = (context: Context): Address =>
  addressOf({ host: context.host, contextName: context.contextName, env: process.env, endpointOf, certificatesIn });

/** Whether somebody named a daemon: then all that is asked is asked of it. */
export const daemonNamed = (context: Context): boolean => addressFor(context).given;

/** Connects; where our own daemon does not run it is started. @throws CommandFailed in Docker's words */
export async function connect(context: Context): Promise<Connection> {
  const address = addressFor(context);
  if (!address.given && !(await listens(address.socketPath as string))) {
    const { startDaemon } = await import('./start-daemon.ts');
    await startDaemon(address.socketPath as string);
  }
  return open(address);
}

/**
 * Connects if a daemon is there that could know more than is known without one: one that was
 * named, or our own where it runs.
 * @param wake our own is started as well where it has containers to tell of: it has ended, they have not been removed
 */
export async function connectIfThere(context: Context, { wake = false } = {}): Promise<Connection | undefined> {
  const address = addressFor(context);
  if (!address.given) {
    if (context.rootGiven) return undefined;
    if (!(await listens(address.socketPath as string))) return wake && keepsContainers() ? connect(context) : undefined;
  }
  return open(address);
}

/** Where minirund keeps what it knows of containers, a folder for each, unless it is told otherwise. */
const KEPT = '/var/lib/minirun/containers';

function keepsContainers(): boolean {
  try {
    return process.geteuid?.() === 0 && readdirSync(KEPT).length > 0;
  } catch {
    return false;
  }
}

/** Whether somebody accepts connections there. */
export function listens(path: string): Promise<boolean> {
  if (!existsSync(path)) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EACCES' ? reject(cannotConnect(path, error)) : resolve(false)));
  });
}

async function open(address: Address): Promise<Connection> {
  const { default: Docker } = await import('dockerode');
  const agent = address.ssh && (await import('./ssh.ts')).sshAgent(address.ssh);
  // protocol '' keeps docker-modem from reading DOCKER_HOST by itself: where the daemon is has been decided.
  const docker = new Docker({
    ...(address.socketPath ? { socketPath: address.socketPath, protocol: 'http' } : { protocol: address.tls ? 'https' : 'http' }),
    ...(address.ssh ? { host: 'ssh.invalid', port: 80 } : {}),
    ...(address.host ? { host: address.host, port: address.port } : {}),
    ...(address.tls ?? {}),
    ...(agent ? { agent } : {}),
  } as Dockerode.DockerOptions & { agent?: Agent });
  // Without these two, what DOCKER_HOST says would win over what was decided here.
  const modem = docker.modem as { host?: string | undefined; socketPath?: string | undefined; version?: string };
  if (address.socketPath) Object.assign(modem, { host: undefined, socketPath: address.socketPath });
  const minor = await newestOf(docker, address);
  const asked = /^1\.(\d+)$/.exec(process.env.DOCKER_API_VERSION ?? '')?.[1];
  const api = asked === undefined ? Math.min(NEWEST, minor) : Number(asked);
  modem.version = `v1.${api}`;
  return { docker, address, api, apiVersion: `1.${api}` };
}

/** `HEAD /_ping`: the daemon's newest version, and whether it is there at all. */
function newestOf(docker: Dockerode, address: Address): Promise<number> {
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      { path: '/_ping', method: 'HEAD', isStream: true, statusCodes: { 200: true, 400: 'bad request', 500: 'server error' } },
      (error: unknown, answer: unknown) => {
        if (error) return reject(cannotConnect(address.url, error as NodeJS.ErrnoException));
        const response = answer as import('node:http').IncomingMessage;
        response.resume();
        // Before 1.24 nothing was said.
        resolve(Number(/^1\.(\d+)$/.exec(String(response.headers['api-version'] ?? ''))?.[1] ?? 24));
      },
    );
  });
}

/** Docker's sentences for a daemon that cannot be reached. */
export function cannotConnect(where: string, error: NodeJS.ErrnoException & { statusCode?: number }): CommandFailed {
  const url = where.startsWith('/') ? `unix://${where}` : where;
  if (error.code === 'EACCES')
    return new CommandFailed(
      `permission denied while trying to connect to the Docker daemon socket at ${url}: only root may; run this command as root, or name a daemon of your own with -H or DOCKER_HOST`,
    );
  if (error.statusCode !== undefined) return new CommandFailed(`${url} answers, but not as a Docker daemon does: ${error.message.trim()}`);
  if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')
    return new CommandFailed(`Cannot connect to the Docker daemon at ${url}. Is the docker daemon running?`);
  return new CommandFailed(`Cannot connect to the Docker daemon at ${url}: ${error.message}`);
}
