/** ssh://: each connection is a program at the other end of ssh(1), `docker system dial-stdio`, as in Docker's client. */
import { spawn } from 'node:child_process';
import { Agent } from 'node:http';
import { Duplex } from 'node:stream';
import { CommandFailed } from './failed.ts';

/** The ssh of this machine, so that its keys, agent and ~/.ssh/config count. */
function dial(machine: string[]): Duplex {
  const child = spawn('ssh', ['-o', 'ConnectTimeout=30', ...machine, 'docker', 'system', 'dial-stdio'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  child.on('error', (error) => stream.destroy(new CommandFailed(`ssh: ${error.message}`)));
  child.on('close', (code) => {
    if (code !== 0 && code !== null) stream.destroy(new CommandFailed(`ssh ended with exit code ${code}: ${said.trim()}`));
  });
  stream.on('close', () => child.kill());
  // What node:http expects of a socket.
  return Object.assign(stream, { setTimeout: () => stream, setNoDelay: () => stream, setKeepAlive: () => stream, ref() {}, unref() {} });
}

export function sshAgent(machine: string[]): Agent {
  const agent = new Agent({ keepAlive: false });
  Object.assign(agent, { createConnection: () => dial(machine) });
  return agent;
}
